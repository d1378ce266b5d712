"""Sizes worked out from the configuration are those of the real network, counted layer by layer as it runs."""

import pytest
import torch
from torch import nn

from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network
from explorer.models.size import multiply_adds, parameter_count


def counted(config, image_size):
    """Parameters and multiply-adds of all layers, and the output shape of each, by hooks on one blank image."""
    network = Network(config).eval()
    sums, shapes = [], {}

    def record(name):
        def hook(module, inputs, output):
            shapes[name] = tuple(output.shape[1:])
            if isinstance(module, nn.Conv2d | nn.Linear):
                sums.append(module.weight.numel() * output[0, 0].numel())

        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(record(name))
    with torch.inference_mode():
        network(torch.zeros(1, config.channels, image_size, image_size))
    return sum(p.numel() for p in network.parameters()), sum(sums), shapes


@pytest.mark.parametrize("name", ["plain20", "resnet56", "resnet20-b", "resnet20-c", "resnet26-b-w5"])
@pytest.mark.parametrize("image_size", [32, 16, 9])
def test_sizes_are_the_sums_over_the_layers(name, image_size):
    config = network_config(name)
    parameters, sums, _ = counted(config, image_size)
    assert parameter_count(config) == parameters
    assert multiply_adds(config, image_size) == sums


def test_classes_and_channels_count():
    config = NetworkConfig(depth=8, classes=7, channels=1)
    assert parameter_count(config) == counted(config, 32)[0]


def test_stages_halve_the_image_and_double_the_width():
    shapes = counted(NetworkConfig(depth=20), 32)[2]
    assert [shapes[f"stages.{stage}.2.conv2"] for stage in range(3)] == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
