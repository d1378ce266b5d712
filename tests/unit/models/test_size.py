"""Sizes worked out from the configuration are those of the real network, counted layer by layer as it runs."""

from contextlib import suppress

import pytest
import torch
from torch import nn

from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.layers import main_path
from explorer.models.network import Network, build
from explorer.models.size import layer_table, multiply_adds, parameter_count, require_size

VARIANTS = [
    "plain20", "resnet20-b", "resnet20-c", "resnet26-b-w5", "resnet20-d", "resnet20-deep",
    "resnet29-bottleneck-a", "resnet29-bottleneck-v1", "preresnet20", "preresnet29-bottleneck-c", "wrn-10-2",
    "resnext29-2x8d", "seresnet29-bottleneck", "sewrn-10-2", "resnet14-skipinit", "preresnet14-skipinit",
    "resnet14-fixup", "resnet29-bottleneck-b-fixup", "densenet-13-4", "densenet-bc-16-4", "densenet121",
    "resnet18", "resnet18-cifar", "resnet50d", "preresnet50", "resnet26-s2.3.4.3", "resnext29-2x8d-plain",
]  # fmt: skip

ZEROS = 4e7  # multiply-adds a layer, up to which computing with zeros is quicker than with no values


def counted(config, image_size):
    """The network without its values, its multiply-adds by name of layer, and each output's shape; by hooks."""
    device = "cpu" if multiply_adds(config) < ZEROS * config.depth else "meta"
    with torch.device("meta"):
        network = Network(config).eval()
    if device == "cpu":
        network.to_empty(device="cpu")
        for tensor in network.state_dict().values():
            tensor.zero_()
    sums, shapes = {}, {}

    def record(name):
        def hook(module, inputs, output):
            shapes[name] = tuple(output.shape[1:])
            if isinstance(module, nn.Conv2d | nn.Linear):
                sums[name] = module.weight.numel() * output[0, 0].numel()

        return hook

    for name, module in network.named_modules():
        module.register_forward_hook(record(name))
    with torch.inference_mode():
        network(torch.zeros(1, config.channels, image_size, image_size, device=device))
    return network, sums, shapes


@pytest.mark.parametrize("name", [*NETWORKS, *VARIANTS])
def test_sizes_are_the_sums_over_the_layers(name):
    config = network_config(name)
    network, sums, shapes = counted(config, config.image_size)
    assert parameter_count(config) == sum(p.numel() for p in network.parameters())
    assert multiply_adds(config) == sum(sums.values())
    layers, table = main_path(network), layer_table(config)
    places = [(each.number, each.name, each.stage, each.block) for each in layers]
    assert places == list(table[["layer", "name", "stage", "block"]].itertuples(index=False, name=None))
    assert len(layers) == config.depth
    outputs = [shapes[each.name] for each in layers[:-1]]
    assert [(row.width, row.side, row.side) for row in table[:-1].itertuples()] == outputs


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("image_size", [33, 47])
def test_odd_sizes_round_as_the_network_does(name, image_size):
    config = network_config(name)
    assert multiply_adds(config, image_size) == sum(counted(config, image_size)[1].values())


@pytest.mark.parametrize(("name", "smallest"), [("densenet121", 29), ("densenet-40-12", 4), ("resnet50", 1)])
def test_images_that_would_vanish_are_refused(name, smallest):
    config = network_config(name)
    require_size(config, smallest)
    counted(config, smallest)
    if smallest > 1:
        with pytest.raises(BadSettings, match=f"{name} cannot take images of {smallest - 1} pixels a side"):
            require_size(config, smallest - 1)
        with pytest.raises(RuntimeError):
            counted(config, smallest - 1)


def test_classes_and_channels_count():
    config = NetworkConfig(depth=8, classes=7, channels=1)
    assert parameter_count(config) == sum(p.numel() for p in counted(config, 32)[0].parameters())


def test_stages_halve_the_image_and_double_the_width():
    shapes = counted(NetworkConfig(depth=20), 32)[2]
    assert [shapes[f"stages.{stage}.2.conv2"] for stage in range(3)] == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize("name", ["resnet18-blur", "resnet18-aa", "resnet18-ceilpool"])
def test_the_least_image_is_the_least_that_the_network_computes(name):
    """Blurs reflect at the edge and averages have no padding, so both need a position more than strides."""
    config = network_config(name)
    network, accepted, computed = build(config).eval(), [], []
    for side in range(1, 40):
        with suppress(BadSettings):
            require_size(config, side)
            accepted.append(side)
        with suppress(RuntimeError), torch.no_grad():
            network(torch.zeros(1, 3, side, side))
            computed.append(side)
    assert accepted == computed
    assert accepted[0] > 1
