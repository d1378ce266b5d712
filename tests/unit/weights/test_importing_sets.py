"""Imports from files with several sets of weights, or with more than weights: what is taken is computed, and said."""

import argparse
import json

import pytest
import torch
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel

from explorer.cli.main import main
from explorer.errors import BadSettings
from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.weights.importing import import_checkpoint
from tests.unit.weights.layouts.classic import Akamaster
from tests.unit.weights.layouts.parts import drawn

pytestmark = pytest.mark.usefixtures("read_here")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "no data"))
    return tmp_path


def network(seed):
    torch.manual_seed(seed)
    found = drawn(Akamaster())
    with torch.no_grad():
        found.linear.bias += seed
    return found.eval()


def same(found, expected):
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, theirs = load_checkpoint(found.id)(images), expected(images)
    return torch.allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.fixture
def file(place):
    """A training dictionary with a network, its average and the optimiser's state; gives the path and both networks."""
    plain, average = network(0), network(1)
    path = place / "run.pth"
    averaged = {f"module.{key}": tensor for key, tensor in plain.state_dict().items()}
    torch.save(
        {
            "args": argparse.Namespace(lr=0.1), "acc": 93.2, "optimizer": {"state": {}, "param_groups": []},
            "model_ema": AveragedModel(average).state_dict(), "state_dict": averaged,
        },
        path,
    )  # fmt: skip
    return path, plain, average


def test_the_network_itself_is_taken_and_its_average_named(file):
    path, plain, _ = file
    found = import_checkpoint(path)
    assert same(found, plain)
    assert (found.weights, found.other_weights) == ("state_dict", ("model_ema",))
    assert "Taken: 'state_dict'. Name another with `weights`: 'model_ema' (an average" in " ".join(found.decisions)
    assert "model_ema.n_averaged (counter of what was averaged)" in " ".join(found.decisions)


def test_another_set_is_taken_by_its_name(file):
    path, plain, average = file
    found = import_checkpoint(path, weights="model_ema")
    assert same(found, average)
    assert not same(found, plain)
    assert (found.weights, found.other_weights) == ("model_ema", ("state_dict",))
    with pytest.raises(BadSettings, match="is no set of weights in this file, which has 'model_ema' and 'state_dict'"):
        import_checkpoint(path, name="other", weights="optimizer")
    assert [each.stem for each in checkpoint_folder().glob("*.safetensors")] == ["run"]


def test_the_shell_takes_the_name_too(file, capsys):
    path, _, _ = file
    assert main(["checkpoints", "import", str(path), "--weights", "model_ema", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weights"], found["other_weights"]) == ("model_ema", ["state_dict"])
    assert main(["checkpoints", "import", str(path), "--weights", "ema", "--name", "other"]) == 1
    assert "`weights` (='ema') is no set of weights" in capsys.readouterr().err


def test_networks_of_two_kinds_are_told_apart_by_what_fits(place):
    student = network(0)
    other = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 5, 5), torch.nn.Flatten(), torch.nn.Linear(20, 10)
    )
    both = {"generator." + key: tensor for key, tensor in other.state_dict().items()}
    both |= {"classifier." + key: tensor for key, tensor in student.state_dict().items()}
    torch.save({"state_dict": both}, place / "two.pth")
    found = import_checkpoint(place / "two.pth")
    assert same(found, student)
    assert found.weights == "state_dict.classifier"


def test_safetensors_hold_sets_too(place):
    student, teacher = network(0), network(1)
    save_file(
        {f"{name}.{key}": tensor.clone() for name, each in (("teacher", teacher), ("student", student))
         for key, tensor in each.state_dict().items()}, place / "both.safetensors",
    )  # fmt: skip
    assert same(import_checkpoint(place / "both.safetensors"), student)
    assert same(import_checkpoint(place / "both.safetensors", name="t", weights="teacher"), teacher)


def test_tensors_of_no_layer_do_not_keep_a_network_from_fitting(place):
    plain = network(0)
    more = {"center": torch.ones(10, 64), "head.alpha": torch.ones(1), "criterion.weight": torch.ones(10)}
    torch.save(plain.state_dict() | more, place / "more.pth")
    found = import_checkpoint(place / "more.pth")
    assert same(found, plain)
    said = " ".join(found.decisions)
    assert "Left out: criterion.weight (of a loss)." in said
    assert "Left out: center and head.alpha (of no layer)." in said


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_counters_of_batches_of_any_shape_are_no_hindrance(place, shape):
    plain = network(0)
    counted = {key: torch.ones(shape, dtype=torch.long) if key.endswith("num_batches_tracked") else tensor
               for key, tensor in plain.state_dict().items()}  # fmt: skip
    torch.save(counted, place / "counted.pth")
    assert same(import_checkpoint(place / "counted.pth"), plain)


@pytest.mark.parametrize(
    ("mean", "std", "kind"),
    [
        ((0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616), "cifar10-pooled"),
        ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), "cifar10"),
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "imagenet"),
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "imagenet"),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "half"),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "unit"),
    ],
)
def test_a_normalisation_in_the_file_is_taken(place, mean, std, kind):
    plain = network(0)
    whole = {"normalize.mean": torch.tensor(mean).view(1, 3, 1, 1), "normalize.std": torch.tensor(std).view(1, 3, 1, 1)}
    torch.save(whole | {f"model.{key}": tensor for key, tensor in plain.state_dict().items()}, place / "n.pth")
    found = import_checkpoint(place / "n.pth")
    assert same(found, plain)
    assert found.normalisation == kind
    assert f"Normalisation: {kind}, since the file holds a mean of (" in " ".join(found.decisions)
    assert import_checkpoint(place / "n.pth", name="named", normalisation="cifar100").normalisation == "cifar100"


def test_a_normalisation_of_no_known_kind_is_told_with_its_numbers(place):
    more = {"mu": torch.tensor([0.1, 0.2, 0.3]), "sigma": torch.tensor([0.4, 0.5, 0.6])}
    torch.save(network(0).state_dict() | more, place / "odd.pth")
    found = import_checkpoint(place / "odd.pth")
    assert found.normalisation == "channel"
    assert "a mean of (0.1, 0.2, 0.3) and a deviation of (0.4, 0.5, 0.6), which no known kind" in " ".join(
        found.decisions
    )


def test_a_set_that_cannot_be_used_is_left_out_for_one_that_can(place):
    plain = network(0)
    broken = {key: tensor * float("nan") for key, tensor in network(1).state_dict().items()}
    torch.save({"state_dict": broken, "model_ema": plain.state_dict()}, place / "nan.pth")
    found = import_checkpoint(place / "nan.pth")
    assert same(found, plain)
    assert "Left out: state_dict (has values that are not finite" in " ".join(found.decisions)
