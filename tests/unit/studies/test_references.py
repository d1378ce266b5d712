"""A reference finds the network, and the images that it takes."""

import pytest
import torch
from torch import nn

from explorer.errors import BadSettings, RunError, UnknownName
from explorer.models.network import build
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies.references import resolved


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def one(reference, **options):
    (found,) = resolved([reference], **options)
    return found


def weights(network):
    return network.cpu().stem.conv.weight


@pytest.mark.parametrize(("moment", "step"), [("", 10), ("@10", 10), ("@5", 5), ("@0", 0)])
def test_a_run_is_found_with_its_data_and_its_step(moment, step, make_weights):
    found = one(make_weights() + moment)
    expected = weights(build("resnet8-w4", channels=1, seed=step))
    expected = expected.half().float() if moment == "@5" else expected  # snapshots are in half precision
    assert torch.equal(weights(found.network), expected)
    assert (found.reference, found.data, found.image_size, found.step) == (
        f"e1-resnet8-w4-s0{moment}",
        "digits",
        8,
        step,
    )
    assert found.normalisation == "channel"


def test_a_name_is_the_untrained_network_on_the_digits():
    found = one("plain8-w4")
    assert torch.equal(weights(found.network), weights(build("plain8-w4", channels=1)))
    assert (found.data, found.image_size, found.normalisation, found.step) == ("digits", 8, "channel", 0)


def test_a_name_can_be_shown_other_data():
    found = one("plain8-w4", data="cifar10")
    assert (found.data, found.image_size, found.network.config.channels) == ("cifar10", 32, 3)


def test_untrained_networks_take_what_the_first_trained_one_takes(make_weights):
    run = make_weights("resnet8-w4", channels=3, data="cifar10", recipe={"image_size": 16})
    untrained, trained = resolved(["plain8-w4", f"{run}@5"])
    assert (untrained.data, untrained.image_size) == ("cifar10", 32)
    assert (trained.data, trained.image_size) == ("cifar10", 16)
    assert untrained.network.config.channels == 3


def test_a_run_remembers_how_its_images_were_normalised(make_weights):
    assert one(make_weights(recipe={"normalisation": "pixel"}) + "@5").normalisation == "pixel"


def test_networks_are_loaded_one_after_the_other(make_weights, monkeypatch):
    loaded = []
    monkeypatch.setattr(
        "explorer.studies.references.load_checkpoint", lambda each: loaded.append(each) or load_checkpoint(each)
    )
    networks = resolved([make_weights(), make_weights("plain8-w4")])
    assert loaded == []
    next(networks)
    assert loaded == ["e1-resnet8-w4-s0"]


def test_what_cannot_be_found_is_said_before_anything_is_loaded(make_weights):
    with pytest.raises(RunError, match="nowhere"):
        next(resolved([make_weights(), "nowhere"]))
    with pytest.raises(UnknownName, match="'resnet21'"):
        next(resolved(["resnet21"]))
    with pytest.raises(UnknownName, match="No data set is called 'digit'. Did you mean 'digits'?"):
        next(resolved(["plain8-w4"], data="digit"))
    with pytest.raises(BadSettings, match="Name at least one network"):
        next(resolved([]))


def test_what_is_no_list_of_names_is_answered_with_what_to_write():
    with pytest.raises(BadSettings, match=r"is one text; expected a list. Write \['plain8'\]"):
        next(resolved("plain8"))
    with pytest.raises(BadSettings, match="takes names, such as a run's, and got a Linear. For a network of your own"):
        next(resolved(["plain8", nn.Linear(2, 2)]))


def test_data_that_the_network_cannot_take_are_refused(make_weights):
    with pytest.raises(BadSettings, match="resnet8-w4 takes images of 1 channels; CIFAR-10 has 3"):
        next(resolved([make_weights()], data="cifar10"))
