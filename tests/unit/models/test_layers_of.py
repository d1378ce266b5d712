"""The main path of a network: its layers and blocks, in ours and in torchvision's networks."""

import pytest
import torchvision
from torch import nn

from explorer.models.blocks import BasicBlock
from explorer.models.catalogue import network_config
from explorer.models.layers import blocks, main_path
from explorer.models.network import build
from explorer.models.shortcuts import shortcut_name
from explorer.models.size import layer_table, parameter_count
from explorer.models.structure import BlockShape

NAMES = ["plain8", "resnet20", "resnet20-b", "resnet20-c", "plain56-w4", "resnet110-w4"]


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_are_those_of_the_layers_and_their_norms(name):
    network = build(name)
    for row, layer in zip(layer_table(network.config).itertuples(), main_path(network), strict=True):
        own = sum(p.numel() for p in layer.module.parameters())
        normed = sum(p.numel() for p in layer.norm.parameters()) if layer.norm is not None else 0
        assert row.parameters == own + normed


def test_without_projections_they_add_up_to_the_network():
    config = network_config("resnet56")
    assert layer_table(config)["parameters"].sum() == parameter_count(config) == 853_018


def test_it_tells_what_the_shortcuts_do():
    assert list(layer_table(network_config("resnet14"))["shortcut"]) == [
        "", *["identity"] * 4, *["pad"] * 2, *["identity"] * 2, *["pad"] * 2, *["identity"] * 2, "",
    ]  # fmt: skip
    assert set(layer_table(network_config("resnet8-c"))["shortcut"]) == {"", "projection"}
    assert list(layer_table(network_config("resnet8-b"))["shortcut"]) == [
        "", "identity", "identity", *["projection"] * 4, "",
    ]  # fmt: skip
    assert set(layer_table(network_config("plain8"))["shortcut"]) == {"", "none"}


@pytest.mark.parametrize("name", NAMES)
def test_the_built_shortcuts_are_what_the_table_says(name):
    network = build(name)
    said = layer_table(network.config).drop_duplicates(["stage", "block"]).set_index(["stage", "block"])["shortcut"]
    for block in blocks(network):
        assert shortcut_name(block.shortcut) == said[block.stage, block.block]


def test_sides_are_those_of_the_feature_maps():
    assert list(layer_table(network_config("plain8"), image_size=9)["side"]) == [9, 9, 9, 5, 5, 3, 3, 1]


def test_blocks_hold_their_layers_and_shortcut():
    found = blocks(build("resnet14-w4"))
    assert [(each.stage, each.block) for each in found] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert [layer.name for layer in found[2].layers] == ["stages.1.0.conv1", "stages.1.0.conv2"]
    assert isinstance(found[0].shortcut, nn.Identity)
    assert all(each.shortcut is None for each in blocks(build("plain14-w4")))


def test_torchvision_networks_have_a_main_path_too():
    layers = main_path(torchvision.models.resnet18())
    assert len(layers) == 18
    assert [layer.stage for layer in layers] == [0, *[1] * 4, *[2] * 4, *[3] * 4, *[4] * 4, 5]
    assert layers[5].name == "layer2.0.conv1"
    assert isinstance(layers[5].norm, nn.BatchNorm2d)
    bottlenecks = main_path(torchvision.models.resnet50())
    assert len(bottlenecks) == 50
    assert max(layer.block for layer in bottlenecks if layer.stage == 3) == 6


def test_blocks_by_hand_are_found():
    shape = BlockShape(1, 1, "basic", in_width=4, inner_width=4, width=4, shortcut="identity")
    network = nn.Sequential(BasicBlock(shape), BasicBlock(shape))
    assert [(each.stage, each.block, each.name) for each in blocks(network)] == [(1, 1, "0"), (1, 2, "1")]
