"""Somebody else's weights files become checkpoints: small ones made here, and two real ones where they are at hand."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.cli.main import main
from explorer.data import catalogue
from explorer.data.batches import Normalisation, sample_of_test_set
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, StorageError, UnknownName
from explorer.files import PROJECT
from explorer.models.fused import fused
from explorer.models.network import build
from explorer.runs.checkpoint_facts import checkpoint_facts
from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.kept import checkpoint_table, delete_checkpoint, export_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.training.normalisation_choice import measured_normalisation
from explorer.weights.contents import WeightsFile
from explorer.weights.importing import import_checkpoint
from tests.unit.weights.layouts.classic import Akamaster
from tests.unit.weights.layouts.parts import drawn

REAL = os.environ.get("EXPLORER_FOREIGN")
needs_real_files = pytest.mark.skipif(
    not REAL or not catalogue.data_status("cifar10").available, reason="EXPLORER_FOREIGN or CIFAR-10 is not here"
)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def foreign(place, monkeypatch):
    """A file as akamaster writes it; CIFAR-10 is not at hand."""
    monkeypatch.setenv("EXPLORER_DATA", str(place / "no data"))
    theirs = drawn(Akamaster())
    path = place / "my resnet.th"
    torch.save({"state_dict": {f"module.{key}": value for key, value in theirs.state_dict().items()}, "epoch": 3}, path)
    return theirs, path


@pytest.mark.thorough
def test_an_imported_checkpoint_computes_what_the_original_does(foreign):
    theirs, path = foreign
    found = import_checkpoint(path)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(load_checkpoint(found.id)(images), theirs.eval()(images), rtol=0, atol=1e-5)


def test_it_says_what_it_is_and_what_was_assumed(read_here, foreign):
    _, path = foreign
    found = import_checkpoint(path)
    assert (found.id, found.network, found.data, found.normalisation) == ("my-resnet", "resnet8", "cifar10", "channel")
    assert found.sample_error is None
    told = " ".join(found.decisions)
    for part in ("those of resnet8", "plain8", "Assumed to be trained on CIFAR-10", "channel, a guess", "not measured"):
        assert part in told
    facts = checkpoint_facts("my-resnet")
    assert facts.classes == catalogue.DATASETS["cifar10"].classes
    assert facts.source == (
        f"imported from my resnet.th; sha256 of the file {hashlib.sha256(path.read_bytes()).hexdigest()}"
    )


def test_what_is_named_is_taken(read_here, foreign):
    _, path = foreign
    found = import_checkpoint(
        path, name="mine", network="plain8", normalisation="imagenet", classes=[f"class {n}" for n in range(10)]
    )
    assert (found.id, found.network, found.normalisation) == ("mine", "plain8", "imagenet")
    assert load_checkpoint("mine").normalisation == "imagenet"
    assert checkpoint_facts("mine").classes[9] == "class 9"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"network": "resnet14"}, BadSettings, "do not fit resnet14: layer2.0.conv1.weight has shape"),
        ({"network": "resnet9"}, UnknownName, "resnet9"),
        ({"data": "digits"}, BadSettings, "these weights are for 10 classes and 3 channels"),
        ({"normalisation": "none"}, UnknownName, "No normalisation is called 'none'"),
        ({"classes": ["one"]}, BadSettings, "`classes` names 1; these weights tell 10 apart"),
        ({"name": "resnet20"}, BadSettings, "is that of a network"),
        ({"name": "../outside"}, BadSettings, "cannot be that of a checkpoint. Take letters"),
        ({"name": "mine.safetensors"}, BadSettings, r"Leave out \.safetensors"),
        ({"data": "cifar10", "classes": "abcdefghij"}, BadSettings, "class 0 is 'a' in the one and 'airplane' in"),
        ({"name": "shipped-mine"}, BadSettings, "is that of a run"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(read_here, foreign, settings, error, message):
    with pytest.raises(error, match=message):
        import_checkpoint(foreign[1], **settings)
    assert not list(checkpoint_folder().glob("*"))


def test_a_file_that_is_no_weights_file_is_refused(read_here, place):
    path = place / "text.pth"
    path.write_text("not weights")
    with pytest.raises(StorageError, match="is not a weights file"):
        import_checkpoint(path)


def test_shapes_that_would_stand_for_a_huge_network_take_no_memory(read_here, place, monkeypatch):
    """A network of this width and as many stages has 36 billion weights in its last convolution alone."""
    widths = [2000, *range(2000, 2006)]
    shapes = {"conv1.weight": (2000, 3, 3, 3)}
    for stage, (before, width) in enumerate(pairwise(widths)):
        shapes[f"layer{stage}.0.conv1.weight"] = (width, before, 3, 3)
        shapes[f"layer{stage}.0.conv2.weight"] = (width, width, 3, 3)
    state = {key: torch.zeros(1).expand(shape) for key, shape in (shapes | {"fc.weight": (10, widths[-1])}).items()}
    monkeypatch.setattr("explorer.weights.importing.read_weights_file", lambda path: WeightsFile({"": state}))
    (place / "odd.pth").write_bytes(b"weights")
    with pytest.raises(BadSettings, match="norm1.weight is missing"):
        import_checkpoint(place / "odd.pth")


def test_a_name_is_taken_once(read_here, foreign):
    import_checkpoint(foreign[1], name="mine")
    with pytest.raises(BadSettings, match="There is a checkpoint called 'mine' already"):
        import_checkpoint(foreign[1], name="mine")
    assert import_checkpoint(foreign[1], name="mine", network="plain8", overwrite=True).network == "plain8"


def test_a_file_called_like_a_network_hides_no_network(read_here, foreign, place):
    path = place / "resnet18.pth"
    path.write_bytes(foreign[1].read_bytes())
    assert import_checkpoint(path).id == "resnet18-imported"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("weights.safetensors.pth", "weights"),
        ("a-.safetensors-.pth.tar", "a"),
        ("shipped-mine.pt", "mine"),
        (f"{'x' * 200}.pt", "x" * 100),
        ("___.pt", "imported"),
    ],
)
def test_a_name_made_of_a_files_can_be_loaded_by(read_here, foreign, place, file, name):
    path = place / file
    path.write_bytes(foreign[1].read_bytes())
    assert import_checkpoint(path).id == name
    assert load_checkpoint(name).config.name == "resnet8"


def test_classes_in_another_order_are_those_of_no_known_data_set(read_here, foreign):
    classes = catalogue.DATASETS["cifar10"].classes
    assert import_checkpoint(foreign[1], name="same", classes=classes).data == "cifar10"
    found = import_checkpoint(foreign[1], name="reversed", classes=classes[::-1])
    assert found.data == ""
    assert "10 classes and 3 channels of these names" in " ".join(found.decisions)


@pytest.fixture
def exported(place, shipped):
    """What `checkpoints export` writes of a network without shortcuts that came with the program."""
    shutil.copytree(PROJECT / "checkpoints" / "shipped-digits-plain8", shipped / "shipped-digits-plain8")
    return export_checkpoint("shipped-digits-plain8", place)


def test_what_was_exported_here_is_the_same_after_import(read_here, exported):
    found = import_checkpoint(exported)
    before, after = checkpoint_facts("shipped-digits-plain8"), checkpoint_facts(found.id)
    assert found.id == "digits-plain8"
    assert before.network.name == "plain8"
    assert after.model_dump(exclude={"sha256"}) == before.model_dump(exclude={"sha256"})
    assert found.decisions == (
        "Settings that are not given are taken from shipped-digits-plain8.json, which was exported with these weights.",
    )
    assert found.sample_error == before.test_error
    images = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(
            load_checkpoint(found.id)(images), load_checkpoint("shipped-digits-plain8")(images), rtol=0, atol=0
        )


def test_what_is_named_goes_before_what_was_exported_and_errors_are_no_longer_its(read_here, exported):
    facts = checkpoint_facts(import_checkpoint(exported, normalisation="unit").id)
    assert (facts.network.name, facts.normalisation, facts.data) == ("plain8", "unit", "digits")
    assert (facts.test_error, facts.recipe) == (None, {})
    assert facts.source.startswith("imported from shipped-digits-plain8.safetensors; sha256 of the file")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda facts: facts | {"sha256": "0" * 64}, "is not used: the sha256 in it is that of other weights"),
        (lambda facts: {"architecture": "resnet"}, "The shapes of its weights are those of resnet8"),
        (lambda facts: None, "The shapes of its weights are those of resnet8"),
    ],
)
def test_facts_that_are_not_of_these_weights_are_not_taken(read_here, exported, text, said):
    beside = exported.with_suffix(".json")
    facts = json.loads(beside.read_text())
    facts.pop("facts_sha256", None)
    beside.write_text(json.dumps(text(facts)))
    found = import_checkpoint(exported)
    assert found.network == "plain8"  # which its loss shows
    assert said in " ".join(found.decisions)


def test_facts_of_a_network_with_more_layers_than_tensors_are_refused(read_here, exported):
    beside = exported.with_suffix(".json")
    facts = json.loads(beside.read_text())
    facts.pop("facts_sha256", None)
    facts["network"]["depth"] = 9998
    beside.write_text(json.dumps(facts))
    with pytest.raises(BadSettings, match="tensors are not 9998 layers"):
        import_checkpoint(exported)


def test_a_loss_that_is_never_finite_is_told():
    network = build("resnet8-w4", channels=1)
    torch.nn.init.constant_(network.stem.norm.running_var, -1.0)
    with pytest.raises(BadSettings, match=r"the loss is not finite \(NaN or infinity\) however"):
        measured_normalisation(network, load_data("digits"))


def test_digits_are_measured_and_guessing_is_warned_of(read_here, place):
    path = place / "untrained.pt"
    torch.save(build("resnet8-w4", channels=1).state_dict(), path)
    found = import_checkpoint(path)
    assert (found.data, found.sample_images) == ("digits", 360)
    assert found.sample_error > 0.7
    assert "hardly better than chance" in found.warnings[0]


def test_the_normalisation_a_network_was_trained_with_is_found():
    """The classifier is fitted to features of images under one kind; the others then have a higher loss."""
    data = load_data("digits")
    network = build("resnet8-w4", channels=1).eval()
    kind = "half"
    images, labels = Normalisation.of(data, kind)(data.train_pixels), torch.tensor(data.train_labels)
    with torch.inference_mode():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()(images)
        network.eval()
        features = network.pool(network.stages(network.stem(images))).flatten(1)
        fitted = torch.linalg.lstsq(
            torch.cat([features, torch.ones(len(features), 1)], 1), 4.0 * torch.eye(10)[labels]
        ).solution
        network.classifier.weight.copy_(fitted[:-1].T)
        network.classifier.bias.copy_(fitted[-1])
    found, said = measured_normalisation(network, data)
    assert found == kind
    (only,) = said
    assert only.startswith("Normalisation: half, chosen by measuring: loss ")


def test_kinds_that_cannot_be_told_apart_are_named():
    network = build("resnet8-w4", channels=1)
    torch.nn.init.zeros_(network.classifier.weight)
    _, said = measured_normalisation(network, load_data("digits"))
    assert said[1].startswith("Within chance it could be pixel or half or unit too")


def test_the_list_names_imported_ones_with_their_source(read_here, foreign, make_weights):
    make_weights()
    import_checkpoint(foreign[1])
    table = checkpoint_table().set_index("id")
    assert list(table["origin"]) == ["kept", "run"]
    assert table.loc["my-resnet", "source"].startswith("imported from my resnet.th")
    assert table.loc["my-resnet", "depth"] == 8
    assert np.isnan(table.loc["my-resnet", "error"])


def test_an_exported_checkpoint_loads_by_its_path(read_here, foreign, place):
    found = import_checkpoint(foreign[1])
    path = export_checkpoint(found.id, place)
    torch.testing.assert_close(load_checkpoint(path).state_dict(), load_checkpoint(found.id).state_dict())
    with pytest.raises(StorageError, match="is there already"):
        export_checkpoint(found.id, place)


def test_an_export_that_breaks_off_leaves_nothing(read_here, foreign, place, monkeypatch):
    found = import_checkpoint(foreign[1])
    found.path.with_suffix(".json").unlink()
    target = place / "target"
    target.mkdir()
    with pytest.raises(StorageError):
        export_checkpoint(found.id, target)
    assert not list(target.iterdir())


def test_only_what_is_kept_beside_the_runs_is_deleted(read_here, foreign, make_weights):
    run = make_weights()
    found = import_checkpoint(foreign[1])
    delete_checkpoint(found.id)
    assert list(checkpoint_table()["id"]) == [run]
    assert not list(checkpoint_folder().iterdir())
    for name, message in ((run, "is a run"), ("nothing", "There is no checkpoint 'nothing'")):
        with pytest.raises(Exception, match=message):
            delete_checkpoint(name)


def test_a_shipped_one_is_not_deleted(read_here, shipped, foreign):
    folder = shipped / "shipped-small"
    folder.mkdir()
    found = import_checkpoint(foreign[1])
    for suffix in (".safetensors", ".json"):
        (folder / f"checkpoint{suffix}").write_bytes(found.path.with_suffix(suffix).read_bytes())
    with pytest.raises(Exception, match="came with the program"):
        delete_checkpoint("shipped-small")


@pytest.mark.thorough
def test_the_command_line_imports_lists_exports_and_deletes(foreign, place, capsys):
    def said(*arguments):
        assert main(["checkpoints", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    found = said("import", str(foreign[1]), "--normalisation", "imagenet", "--classes", ",".join("abcdefghij"))
    assert (found["id"], found["normalisation"]) == ("my-resnet", "imagenet")
    assert [row["id"] for row in said("list")] == ["my-resnet"]
    assert Path(said("export", "my-resnet", str(place))["path"]).exists()
    assert said("delete", "my-resnet") == {"id": "my-resnet", "deleted": True}
    assert said("list") == []
    assert main(["checkpoints", "delete", "my-resnet"]) == 1
    assert "There is no checkpoint 'my-resnet'" in capsys.readouterr().err


@pytest.mark.slow
@needs_real_files
def test_a_real_file_of_akamasters_is_told_by_measuring():
    found = import_checkpoint(Path(str(REAL), "resnet20-12fca82f.th"))
    assert (found.id, found.network, found.data) == ("resnet20-12fca82f", "resnet20", "cifar10")
    assert found.normalisation == "imagenet"
    assert "imagenet, chosen by measuring" in " ".join(found.decisions)
    assert 0.05 < found.sample_error < 0.12
    assert not found.warnings
    assert asdict(found)["sample_images"] == 500


@pytest.mark.slow
@needs_real_files
@pytest.mark.parametrize(("name", "error"), [("resnet20-12fca82f", 0.0827), ("resnet56-4bfd9763", 0.0661)])
def test_real_files_have_the_published_error_on_the_whole_test_set(name, error):
    from explorer.training.evaluation import evaluate

    import_checkpoint(Path(str(REAL), f"{name}.th"), normalisation="imagenet")
    assert evaluate(load_checkpoint(name), "cifar10")["error"] == pytest.approx(error, abs=1e-9)


@pytest.mark.slow
@needs_real_files
@pytest.mark.parametrize("name", ["resnet20-12fca82f", "resnet56-4bfd9763"])
def test_real_files_give_the_same_scores_when_fused(name):
    import_checkpoint(Path(str(REAL), f"{name}.th"), normalisation="imagenet")
    network = load_checkpoint(name)
    _, sample = sample_of_test_set("cifar10", None, 10_000, normalisation="imagenet")
    faster = fused(network)
    with torch.inference_mode():
        for images, _ in sample:
            expected, found = network(images), faster(images)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
            assert torch.equal(found.argmax(1), expected.argmax(1))


def test_images_that_are_too_small_for_the_network_are_not_those_it_was_trained_on(read_here, place):
    state = build("densenet121", classes=10, channels=1).state_dict()
    torch.save(state, place / "dense.pth")
    with pytest.raises(BadSettings, match="densenet121 cannot take images of 8 pixels a side"):
        import_checkpoint(place / "dense.pth", data="digits")
    found = import_checkpoint(place / "dense.pth")
    assert (found.network, found.data) == ("densenet121", "")
