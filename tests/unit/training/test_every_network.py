"""Every network of the catalogue trains on small colour images: finite losses, a gradient for every weight."""

from math import isfinite

import numpy as np
import pytest

from explorer.data.pixels import Data
from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS
from explorer.models.size import parameter_count
from explorer.training.loop import train
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

LARGE, DEEP = 30e6, 200  # from here on a test takes long
# Fixup's last convolutions and classifier begin at zero, so a gradient reaches the first ones in the third step only
RECIPE = Recipe(steps=3, batch_size=4, learning_rate=0.01, evaluate_every=3, evaluate_images=10, last_images=10)


def rows():
    for name, row in NETWORKS.items():
        long = parameter_count(row.config) > LARGE or row.config.depth > DEEP
        yield pytest.param(name, marks=[pytest.mark.slow] if long else [])


def noise(side):
    pixels = np.random.default_rng(0).integers(0, 256, (10, side, side, 3), np.uint8)
    labels = np.arange(10)
    classes = tuple("abcdefghij")
    return Data("noise", "Noise", classes, pixels, labels, pixels, labels, augment=False, fingerprint="")


@pytest.mark.parametrize("name", list(rows()))
def test_a_network_trains(name):
    side = 16 if NETWORKS[name].config.stem == "small" else 32  # of which a large stem leaves a quarter
    training = train(name, noise(side), RECIPE, device="cpu")
    losses = [record.loss for record in training][1:]
    assert len(losses) == 3
    assert all(map(isfinite, losses))
    untouched = [
        each
        for each, parameter in training.network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # the one or two hidden units of a small excitation may all be below zero
    assert [each for each in untouched if "excitation.reduce" not in each] == []


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["wrn-10-2", *(pytest.param(name, marks=pytest.mark.slow) for name in ("preresnet20", "resnet20-fixup"))]
)
def test_other_orders_widths_and_norms_learn(name):
    """Measured after 100 steps of 32 digits: test errors of 0.03, 0.02 and 0.11; chance is 0.9."""
    recipe = Recipe(
        steps=100, batch_size=32, learning_rate=0.03, schedule="one_cycle", evaluate_every=100, evaluate_images=10
    )
    *_, last = train(name, "digits", recipe, device="cpu")
    assert last.test_error < 0.25


def test_a_network_that_leaves_nothing_of_small_images_is_refused():
    with pytest.raises(BadSettings, match="densenet121 cannot take images of 8 pixels a side: nothing is left of them"):
        Plan(networks=("resnet20", "densenet121"), data="digits")
    with pytest.raises(BadSettings, match="densenet121 cannot take images of 8 pixels a side"):
        train("densenet121", "digits", RECIPE)


def test_every_other_network_can_be_planned_on_all_images():
    Plan(networks=tuple(name for name in NETWORKS if name != "densenet121"), data="digits")
    Plan(networks=tuple(NETWORKS), data="cifar10")
