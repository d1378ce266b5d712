"""Shattered gradients: autocorrelation against distance, and at the smallest distance against depth."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import gradient_autocorrelation, theme

DISTANCES = np.arange(4) / 8
NETWORKS = {"plain8": 1.0, "plain20": 8.0, "plain110": 40.0, "resnet20": 0.5, "resnet110": 1.0}  # how fast it falls


def autocorrelations():
    parts = []
    for network, rate in NETWORKS.items():
        kind = "plain" if network.startswith("plain") else "residual"
        depth = int(network.removeprefix("plain").removeprefix("resnet"))
        value = np.exp(-rate * DISTANCES)
        keys = {"network": network, "kind": kind, "depth": depth, "distance": DISTANCES}
        parts.append(pd.DataFrame(keys | {"autocorrelation": value, "low": value - 0.1, "high": value + 0.1}))
    return pd.concat(parts, ignore_index=True)[tables.SHATTERING]


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def test_a_line_per_network_against_distance_with_its_quartiles():
    traces = drawn(gradient_autocorrelation(autocorrelations()))
    line, band = traces["plain20-0-line"], traces["plain20-0-band"]
    np.testing.assert_allclose(line.x, DISTANCES)
    np.testing.assert_allclose(line.y, np.exp(-8 * DISTANCES), rtol=1e-6)
    np.testing.assert_allclose(band.y[:4], line.y + 0.1, rtol=1e-5)
    np.testing.assert_allclose(band.y[:3:-1], line.y - 0.1, rtol=1e-5)


def test_a_line_per_kind_against_depth_at_the_smallest_distance_that_is_not_zero():
    traces = drawn(gradient_autocorrelation(autocorrelations()))
    plain, residual = traces["plain-depths"], traces["residual-depths"]
    assert (plain.xaxis, residual.xaxis) == ("x2", "x2")
    assert list(plain.x) == ["8", "20", "110"]
    np.testing.assert_allclose(plain.y, np.exp(-np.array([1.0, 8.0, 40.0]) / 8), rtol=1e-6)
    np.testing.assert_allclose(residual.y, np.exp(-np.array([0.5, 1.0]) / 8), rtol=1e-6)
    assert plain.line.dash != residual.line.dash
    assert list(plain.marker.color) == [theme.LIGHT.depth(depth) for depth in (8, 20, 110)]


def test_depths_stand_in_order_though_no_kind_has_all():
    axis = gradient_autocorrelation(autocorrelations()[::-1]).layout.xaxis2
    assert list(axis.categoryarray) == ["8", "20", "110"]


def test_zero_is_a_line_in_sight_and_the_source_is_named():
    layout = gradient_autocorrelation(autocorrelations()).layout
    assert layout.yaxis.zeroline
    assert layout.yaxis.range[0] < 0 < 1 <= layout.yaxis.range[1]
    assert "Balduzzi et al. 2017 (arXiv 1702.08591), figure 1" in layout.annotations[0].text


def test_the_axis_goes_down_to_the_lowest_quartile():
    table = autocorrelations().assign(low=-0.6)
    assert gradient_autocorrelation(table).layout.yaxis.range[0] == pytest.approx(-0.6)


def test_empty_table_gives_axes_to_wait_with():
    figure = gradient_autocorrelation(autocorrelations().iloc[:0])
    assert len(figure.data) == 0
    assert figure.layout.xaxis2.title.text == "depth"


def test_dark_pages_get_dark_colours_alone():
    text = gradient_autocorrelation(autocorrelations(), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
