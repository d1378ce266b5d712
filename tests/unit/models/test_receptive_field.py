"""Receptive fields are those of the real network: where the gradient of one position reaches in the image."""

import pytest
import torch
from torch import nn

from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network
from explorer.models.receptive_field import receptive_fields

NARROW = [
    network_config(name)
    for name in ("plain8-w2", "resnet8-b-w2", "preresnet8-w2", "resnet11-bottleneck-w2", "densenet-7-2-w2",
                 "densenet-bc-10-2-w2", "resnet8-d-w2")
] + [
    NetworkConfig(depth=6, stages=(1, 1), stem="large", width=2, shortcut="B"),
    NetworkConfig(depth=8, stages=(1, 1), stem="deep", width=2, shortcut="D"),
    NetworkConfig(depth=8, stages=(1, 1), stem="large", width=2, shortcut="B", block="bottleneck", stride_on="1x1"),
]  # fmt: skip


def linear(config):
    """A network whose output depends on every pixel that it can depend on: positive weights, means, nothing else."""
    network = Network(config).double().eval()

    def replace(parent):
        for name, module in parent.named_children():
            if isinstance(module, nn.BatchNorm2d | nn.ReLU):
                setattr(parent, name, nn.Identity())
            elif isinstance(module, nn.MaxPool2d):
                setattr(parent, name, nn.AvgPool2d(module.kernel_size, module.stride, module.padding))
            else:
                replace(module)

    replace(network)
    for weights in network.parameters():
        nn.init.constant_(weights, 1.0)
    return network


def reach(network, name, images, place):
    """Rows of the image that one position of a layer depends on."""
    found = {}
    handle = network.get_submodule(name).register_forward_hook(lambda module, inputs, output: found.update(out=output))
    network(images)
    handle.remove()
    at = found["out"][0].sum(0)[place, place]
    (gradient,) = torch.autograd.grad(at, images)
    return [row for row in range(images.shape[-1]) if gradient[0, :, row].abs().sum() > 0]


@pytest.mark.parametrize("config", NARROW, ids=lambda config: config.name)
def test_a_position_depends_on_just_so_many_pixels(config):
    network, size = linear(config), 128
    images = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    for name, field in receptive_fields(config, size).items():
        if name == "classifier":
            continue
        side = size // field.jump
        here, there = (reach(network, name, images, place) for place in (side // 2, side // 2 + 1))
        assert len(here) == here[-1] - here[0] + 1 == field.side, name
        assert there[0] - here[0] == field.jump, name


@pytest.mark.parametrize(
    ("name", "side"), [("resnet50-v1", 483), ("resnet101-v1", 1027), ("resnet152-v1", 1507), ("plain20", 81)]
)
def test_fields_of_well_known_networks(name, side):
    """The first three as in table 1 of Araujo et al. 2019, where the 1x1 convolution has the stride."""
    *_, convolution, _ = receptive_fields(network_config(name)).values()
    assert convolution.side == side


def test_the_classifier_sees_what_all_positions_see():
    fields = receptive_fields(network_config("resnet20"))
    assert fields["classifier"].side == fields["stages.2.2.conv2"].side + 7 * 4  # 8 positions, 4 pixels apart
