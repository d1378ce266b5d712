"""Sizes worked out from the configuration are those of the layers of the real network."""

import pytest

from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.layers import layer_table
from explorer.models.size import multiply_adds, parameter_count


@pytest.mark.parametrize("name", ["plain20", "resnet56", "resnet20-b", "resnet20-c", "resnet26-b-w5"])
@pytest.mark.parametrize("image_size", [32, 16, 9])
def test_sizes_are_the_sums_over_the_layers(name, image_size):
    config = network_config(name)
    layers = layer_table(config, image_size)
    assert parameter_count(config) == layers["parameters"].sum()
    assert multiply_adds(config, image_size) == layers["multiply_adds"].sum()


def test_classes_and_channels_count():
    config = NetworkConfig(depth=8, classes=7, channels=1)
    assert parameter_count(config) == layer_table(config)["parameters"].sum()
