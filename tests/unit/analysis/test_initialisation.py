"""Untrained networks: what batch norm and a last norm at zero do to responses and gradients."""

import numpy as np
import pytest
from torch.nn import functional

from explorer import tables
from explorer.analysis.initialisation import VARIANTS, xray
from explorer.errors import BadSettings, UnknownName
from explorer.models.network import build

NAMES = ["plain14-w4", "resnet14-w4", "resnet8-c-w4"]


def rows(table, network, variant):
    return table[(table["network"] == network) & (table["variant"] == VARIANTS[variant][0])].set_index("name")


@pytest.fixture
def table(batch):
    return xray(NAMES, *batch)


def test_every_network_is_measured_layer_by_layer_in_every_variant_it_has(table):
    assert list(table.columns) == tables.XRAY
    counts = table.groupby(["network", "variant"], sort=False).size()
    assert counts.to_dict() == {
        ("plain14-w4", "batch norm"): 14,
        ("plain14-w4", "no batch norm"): 14,
        ("resnet14-w4", "batch norm"): 14,
        ("resnet14-w4", "no batch norm"): 14,
        ("resnet14-w4", "last batch norm zero"): 14,
        ("resnet8-c-w4", "batch norm"): 8,
        ("resnet8-c-w4", "no batch norm"): 8,
        ("resnet8-c-w4", "last batch norm zero"): 8,
    }


def test_with_batch_norm_every_response_has_spread_one(table):
    for name in NAMES:
        spreads = rows(table, name, "norm")["response_std"][:-1]
        assert list(spreads) == pytest.approx([1.0] * len(spreads), abs=1e-3)


def test_without_it_a_response_is_the_convolution_alone(table, batch):
    network = build("plain14-w4")
    first = network.stem.conv(batch[0])
    second = network.stages[0][0].conv1(first.relu())
    found = rows(table, "plain14-w4", "no_norm")["response_std"]
    assert found["stem.conv"] == pytest.approx(first.std().item(), rel=1e-3)
    assert found["stages.0.0.conv1"] == pytest.approx(second.std().item(), rel=1e-3)


def test_a_last_norm_at_zero_silences_the_branches_and_nothing_else(table):
    found = rows(table, "resnet14-w4", "zero")
    second = [name.endswith("conv2") for name in found.index]
    assert (found.loc[second, "response_std"] == 0).all()
    assert (found.loc[[name.endswith("conv1") for name in found.index], "response_std"] > 0.9).all()
    assert (found.loc[[name.endswith("conv1") for name in found.index], "gradient_norm"] == 0).all()
    assert found.loc["stem.conv", "gradient_norm"] > 0


def test_gradients_are_those_of_a_first_step(table, batch):
    network = build("resnet14-w4")
    functional.cross_entropy(network(batch[0]), batch[1]).backward()
    weight = network.stages[1][1].conv1.weight
    found = rows(table, "resnet14-w4", "norm").loc["stages.1.1.conv1", "gradient_norm"]
    assert found == pytest.approx(weight.grad.norm().item(), rel=1e-4)


def test_another_seed_gives_other_weights(batch):
    first, second = (xray(["plain8-w4"], *batch, variants=["no_norm"], seed=seed) for seed in (0, 1))
    assert not first["response_std"].equals(second["response_std"])


def test_numbers_past_what_a_float_holds_are_told_as_such(batch):
    wild = xray(["resnet8-w4"], batch[0] * 1e38, batch[1], variants=["no_norm"])
    assert not np.isfinite(wild["response_std"]).all()


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (BadSettings, lambda x, y: xray([], x, y), "Name at least one network"),
        (UnknownName, lambda x, y: xray(["resnet22"], x, y), "The nearest are resnet20 and resnet26"),
        (UnknownName, lambda x, y: xray(["plain8"], x, y, variants=["nor"]), "No variant is called 'nor'"),
        (BadSettings, lambda x, y: xray(["plain8"], x[0], y), "Add a batch dimension"),
        (BadSettings, lambda x, y: xray(["plain8"], x[:1], y[:1]), "Give at least 2"),
    ],
)
def test_what_cannot_be_measured_is_refused(error, call, message, batch):
    with pytest.raises(error) as raised:
        call(*batch)
    assert message in str(raised.value)
