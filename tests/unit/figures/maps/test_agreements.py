"""Whether maps agree, as a matrix and against depth."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import agreement_by_depth, agreement_matrix, theme
from explorer.figures.maps.agreements import AGREEMENTS

DEPTHS = {"plain20": 20, "resnet20": 20, "plain56": 56, "resnet110": 110}


@pytest.fixture
def networks():
    """`tables.NETWORK_AGREEMENT`: the measures of a pair are 0.1 times (place of a - place of b), and 1 with itself."""
    rows = []
    for i, (a, depth_a) in enumerate(DEPTHS.items()):
        for j, (b, depth_b) in enumerate(DEPTHS.items()):
            value = 0.1 * (i - j) if i != j else 1.0
            row = {"a": a, "b": b, "network_a": a, "network_b": b, "depth_a": depth_a, "depth_b": depth_b, "images": 50}
            kinds = {f"kind_{side}": "plain" if "plain" in name else "residual" for side, name in (("a", a), ("b", b))}
            measures = dict.fromkeys(tables.LIKENESS, value) | {f"{name}_std": 0.05 for name in tables.LIKENESS}
            rows.append(row | kinds | measures)
    return pd.DataFrame(rows)[tables.NETWORK_AGREEMENT]


def test_the_measures_are_those_of_the_table():
    assert list(AGREEMENTS) == tables.LIKENESS


@pytest.mark.parametrize("measure", AGREEMENTS)
def test_the_matrix_has_a_field_for_each_pair_with_its_number(networks, measure):
    (matrix,) = agreement_matrix(networks, measure=measure).data
    assert list(matrix.x) == list(matrix.y) == list(DEPTHS)
    assert matrix.z[2][0] == pytest.approx(0.2)
    assert matrix.z[0][2] == pytest.approx(-0.2)
    assert matrix.text[0][2] == "−0.20<br>±0.05"
    assert (matrix.zmin, matrix.zmax) == (-1, 1)


def test_without_a_mean_the_number_stands_alone(networks):
    assert agreement_matrix(networks[tables.AGREEMENT]).data[0].text[0][0] == "1.00"


def test_what_is_not_defined_is_an_empty_field(networks):
    networks.loc[1, "ssim"] = np.nan
    (matrix,) = agreement_matrix(networks, measure="ssim").data
    assert np.isnan(matrix.z[0][1])
    assert matrix.text[0][1] == ""


def test_each_two_networks_are_one_point_at_their_difference_in_depth(networks):
    traces = {trace.uid: trace for trace in agreement_by_depth(networks).data}
    assert list(traces) == ["plain", "residual", "both"]
    np.testing.assert_allclose(traces["plain"].x, 36, atol=1)
    np.testing.assert_allclose(traces["plain"].y, -0.2, rtol=1e-6)
    np.testing.assert_allclose(traces["residual"].x, 90, atol=1)
    np.testing.assert_allclose(np.sort(traces["both"].x), [0, 36, 54, 90], atol=1)
    np.testing.assert_allclose(traces["plain"].error_y.array, 0.05, rtol=1e-6)
    assert list(traces["residual"].customdata[0]) == ["resnet20", "resnet110"]


def test_differences_in_depth_are_whole_layers_with_room_for_their_numbers(networks):
    assert agreement_by_depth(networks).layout.xaxis.tickvals == (0, 36, 54, 90)
    twins = networks.assign(depth_a=20, depth_b=20)
    assert agreement_by_depth(twins).layout.xaxis.tickvals == (0,)
    many = networks.assign(depth_a=[2 * place for place in range(len(networks))], depth_b=0)
    places = agreement_by_depth(many).layout.xaxis.tickvals
    assert len(places) <= 13
    assert all(isinstance(each, int) for each in places)


def test_kinds_have_the_markers_they_have_everywhere(networks):
    traces = {trace.uid: trace for trace in agreement_by_depth(networks).data}
    assert traces["plain"].marker.symbol in theme.MARKERS["plain"]
    assert traces["residual"].marker.symbol in theme.MARKERS["residual"]


def test_empty_tables_give_axes_to_wait_with(networks):
    empty = networks.iloc[:0]
    assert len(agreement_matrix(empty).data) == len(agreement_by_depth(empty).data) == 0


@pytest.mark.parametrize("figure", [agreement_matrix, agreement_by_depth])
def test_unknown_measure_names_the_known_ones(figure, networks):
    with pytest.raises(UnknownName, match="Did you mean 'ssim'"):
        figure(networks, measure="sim")


@pytest.mark.parametrize("figure", [agreement_matrix, agreement_by_depth])
def test_a_light_figure_turned_dark_is_the_dark_figure(figure, networks):
    text = figure(networks).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == figure(networks, dark=True).to_json()
