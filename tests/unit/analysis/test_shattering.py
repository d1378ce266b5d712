"""Autocorrelations of gradients that are known, and of networks."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.analysis.shattering import COLUMNS, gradient_autocorrelation
from explorer.errors import BadSettings
from explorer.models.network import build


@pytest.fixture
def images():
    return torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Wave(nn.Module):
    """A score whose gradient along a line of brightness 0 to 1 is a cosine of `turns` turns."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns
        self.conv = nn.Conv2d(1, 1, 1)

    def forward(self, images):
        return torch.sin(2 * torch.pi * self.turns * images).mean((2, 3))


def test_of_a_wave_it_is_the_wave():
    """The autocorrelation of a cosine is the same cosine; at distance zero it is one."""
    ends = torch.cat([torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)])
    table = gradient_autocorrelation(Wave(4), ends, lines=1, points=257, statistics="running")
    assert list(table.columns) == COLUMNS
    assert table["autocorrelation"][0] == pytest.approx(1.0)
    expected = np.cos(2 * np.pi * 4 * table["distance"])
    assert list(table["autocorrelation"][:64]) == pytest.approx(list(expected[:64]), abs=0.05)


def test_distances_are_fractions_of_the_line(images):
    table = gradient_autocorrelation(build("plain8-w4"), images, lines=2, points=11)
    assert list(table["distance"]) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_lines_are_averaged_between_their_quartiles(images):
    table = gradient_autocorrelation(build("resnet8-w4"), images, lines=8, points=16)
    assert (table["low"] <= table["high"]).all()
    single = [
        gradient_autocorrelation(build("resnet8-w4"), images[[i, 8 + i]], lines=1, points=16, statistics="running")
        for i in range(8)
    ]
    whole = gradient_autocorrelation(build("resnet8-w4"), images, lines=8, points=16, statistics="running")
    mean = np.mean([each["autocorrelation"] for each in single], axis=0)
    assert list(whole["autocorrelation"]) == pytest.approx(list(mean), abs=1e-6)


def test_depth_shatters_the_gradients_of_plain_networks_more_than_of_residual_ones(images):
    """The finding of Balduzzi et al. 2017, on networks that are small enough for a test."""
    near = {
        name: gradient_autocorrelation(build(name), images, lines=4, points=32)["autocorrelation"][1]
        for name in ("plain8-w8", "plain56-w8", "resnet56-w8")
    }
    assert near["plain8-w8"] > 0.5
    assert abs(near["plain56-w8"]) < 0.15
    assert near["resnet56-w8"] > 0.3


def test_the_network_stays_as_it_was(used, unchanged, images):
    network = used("resnet8-w4")
    check = unchanged(network)
    gradient_autocorrelation(network, images, lines=2, points=8)
    check()
    with pytest.raises(RuntimeError):
        gradient_autocorrelation(network, images.to(torch.complex64), lines=2, points=8)
    check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lines": 9}, "`images` holds 16 images; 9 lines need 18. Give more images."),
        ({"lines": 0}, "`lines` (=0) must be between 1 and"),
        ({"points": 4}, "`points` (=4) must be between 8 and"),
    ],
)
def test_too_little_to_measure_on_is_refused(changes, message, images):
    with pytest.raises(BadSettings) as error:
        gradient_autocorrelation(build("plain8-w4"), images, **changes)
    assert message in str(error.value)
