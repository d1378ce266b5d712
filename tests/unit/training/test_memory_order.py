"""Training orders memory channels last, but not where oneDNN would write outside of a buffer."""

import pytest
import torch

from explorer.models.shortcuts import overruns
from explorer.training.loop import train
from explorer.training.recipe import Recipe

RECIPE = Recipe(steps=1, batch_size=16, evaluate_every=1, evaluate_images=10)


def orders(name):
    """Whether input and weight of each convolution are channels last in training, and not the other order too."""
    training = train(name, "digits", RECIPE, device="cpu")
    seen = {}

    def look(module, given, _output):
        if not module.training:  # without gradients both orders are safe
            return
        tensors = (given[0], module.weight)
        seen[module] = [each.is_contiguous(memory_format=torch.channels_last) and not each.is_contiguous()
                        for each in tensors]  # fmt: skip

    for module in training.network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(look)
    list(training)
    return seen


@pytest.mark.parametrize("name", ["resnet8-b-w4", "resnet8-c-w4", "preresnet8-b-w4"])
def test_narrow_strided_projections_are_not_channels_last(name):
    found = {module: order for module, order in orders(name).items() if overruns(module)}
    assert len(found) == 1  # the one of the second stage; that of the third has 8 input channels
    assert not any(any(order) for order in found.values())


def test_usual_networks_are_channels_last():
    found = orders("resnet8-b")
    assert not any(map(overruns, found))
    assert all(any(order) for module, order in found.items() if module.in_channels > 1)
