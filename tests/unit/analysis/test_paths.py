"""Paths through a network: their number, and the gradient along each."""

from itertools import product
from math import comb

import numpy as np
import pytest
import torch
from torch.nn import functional

from explorer import tables
from explorer.analysis.paths import gradients_along, path_counts, path_gradients, take_statistics
from explorer.errors import BadSettings
from explorer.models.network import build


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, 8, 8, generator=generator), torch.arange(6)


@pytest.mark.parametrize(("name", "blocks"), [("resnet20", 9), ("resnet56", 27), ("resnet110", 54), ("resnet164", 54)])
def test_the_numbers_of_paths_are_binomial(name, blocks):
    with torch.device("meta"):
        counts = path_counts(build(name))
    assert counts == [comb(blocks, length) for length in range(blocks + 1)]
    assert sum(counts) == 2**blocks


def test_a_plain_network_has_one_path_which_carries_the_whole_gradient(batch):
    network = build("plain8-w4").eval()
    assert path_counts(network) == [0, 0, 0, 1]
    (row,) = path_gradients(network, *batch, samples=6).to_dict("records")
    assert (row["length"], row["layers"], row["paths"], row["share"]) == (3, 6, 1, 1)
    assert row["gradient_norm"] == pytest.approx(whole_gradient(network, *batch).flatten(1).norm(dim=1).mean().item())


def whole_gradient(network, images, labels):
    inputs = images.clone().requires_grad_()
    functional.cross_entropy(network(inputs), labels, reduction="sum").backward()
    return inputs.grad


@pytest.mark.parametrize(
    "name",
    ["resnet8-w4", "resnet8-b-w4", "preresnet8-w4", "resnet11-bottleneck-w4", "seresnet8-w4", "resnet8-alpha0.5-w4"],
)
def test_the_gradients_of_all_paths_add_up_to_the_whole_one(name, batch, unchanged):
    images, labels = batch
    network = build(name).double()
    take_statistics(network.eval(), images.double())
    expected = whole_gradient(network, images.double(), labels)
    check = unchanged(network)
    found = torch.zeros_like(expected)
    for path in product([False, True], repeat=3):
        found += gradients_along(network, images.double(), labels, np.array([path] * 6))
    check()
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_a_path_of_shortcuts_alone_is_the_gradient_without_branches(batch):
    """An independent computation: the same network written without its branches, linearised by its own ReLUs."""
    images, labels = batch
    network = build("resnet8-w4").eval()
    inputs = images.clone().requires_grad_()
    features = network.stem(inputs)
    for block in network.blocks:
        out = block.norm2(block.conv2(block.relu1(block.norm1(block.conv1(features))))).detach()
        features = block.relu2(out + block.shortcut(features))
    functional.cross_entropy(network.classifier(network.pool(features).flatten(1)), labels, reduction="sum").backward()
    found = gradients_along(network, images, labels, np.zeros((6, 3), bool))
    torch.testing.assert_close(found, inputs.grad)


def test_the_table_has_products_and_shares(batch, unchanged):
    network = build("resnet14-w4")
    check = unchanged(network)
    table = path_gradients(network, *batch, samples=3, statistics="batch")
    check()
    assert list(table.columns) == tables.PATHS
    assert list(table["length"]) == list(range(7))
    assert list(table["layers"]) == [2 * length for length in range(7)]
    assert list(table["product"]) == pytest.approx(list(table["paths"] * table["gradient_norm"]))
    assert table["share"].sum() == pytest.approx(1)
    assert (table["gradient_low"] <= table["gradient_high"]).all()
    assert table.equals(path_gradients(network, *batch, samples=3, statistics="batch"))


def test_networks_without_branches_and_shortcuts_are_refused(batch):
    with pytest.raises(BadSettings, match="no blocks with a branch and a shortcut"):
        path_gradients(build("densenet-7-4-w8"), *batch)
