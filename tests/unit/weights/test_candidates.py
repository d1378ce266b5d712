"""Of networks with the same weights, the one that they were trained as is found by its loss."""

import pytest
import torch

from explorer.data.pixels import load_data
from explorer.models.catalogue import network_config
from explorer.models.network import build
from explorer.training.loop import train
from explorer.training.recipe import Recipe
from explorer.weights.candidates import measured_network
from explorer.weights.choices import alternatives
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of

RECIPE = Recipe(steps=120, batch_size=64, learning_rate=0.05, evaluate_every=120, evaluate_images=10)


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.mark.parametrize(
    "name",
    [
        "resnet8", "preresnet8-b-raw",
        *(pytest.param(name, marks=pytest.mark.slow) for name in (
            "resnet8-a-end", "seresnet8-sesum", "resnet11-bottleneck-v1", "plain8", "resnet8-pool", "resnet8-stride2",
            "resnet8-b-pool", "plain8-pool", "resnet10-large-w8-s1.1.1.1-up64",
        )),
    ],
)  # fmt: skip
def test_the_network_that_was_trained_is_found(name, digits):
    training = train(name, "digits", RECIPE, device="cpu")
    list(training)
    state = training.network.state_dict()
    assumed = config_of_parts(parts_of(state))
    found = measured_network(assumed, state, digits)
    rivals = [each.network for each in found.candidates if each.possible]
    assert network_config(name).name in rivals  # alone, or with others that the images cannot tell apart
    assert len(rivals) <= 2
    assert found.config.name == found.candidates[0].network
    assert found.candidates[0].error < 0.3
    assert found.config.name in found.decisions[0]


def test_networks_that_cannot_take_the_images_are_left_out(digits):
    network = build("resnet10-large-w8-s1.1.1.1", channels=1, classes=10)
    found = measured_network(network.config, network.state_dict(), digits)  # 8 x 8 pixels are too few for a blur
    names = {each.network for each in found.candidates}
    assert "resnet10-large-up64-w8-s1.1.1.1" in names
    assert not any(name.endswith("-blur-w8-s1.1.1.1") and "up" not in name for name in names)


def test_untrained_weights_stay_what_was_assumed(digits):
    network = build("resnet8", channels=1)
    found = measured_network(network.config, network.state_dict(), digits)
    assert found.config == network.config
    assert "none does clearly better than chance: assumed resnet8" in found.decisions[0]
    names = {other.name for other, _ in alternatives(network.config)}
    assert names < {each.network for each in found.candidates}  # pairs of changes too


def test_weights_that_show_everything_need_no_images(digits, monkeypatch):
    network = build("densenet-10-4", channels=1)
    monkeypatch.setattr("explorer.weights.candidates.alternatives", lambda config: [])
    found = measured_network(network.config, network.state_dict(), digits)
    assert (found.config, found.candidates, found.decisions) == (network.config, (), ())


def test_weights_are_not_changed(digits):
    network = build("resnet8-b", channels=1)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    measured_network(network.config, network.state_dict(), digits)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
