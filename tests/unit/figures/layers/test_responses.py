"""Responses along the network and sorted, in the manner of He et al. 2015, figure 7."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import response_distribution, response_levels, theme
from explorer.figures.layer_measures import RESPONSE_MEASURES


@pytest.fixture
def responses(layers):
    def table(**given):
        found = layers(**given)
        height = 1 + np.sin(found["layer"] * (found["step"] + 1))
        return found.assign(response_std=height, response_mean=height - 1, zeros=height / 4, dead=0.0)

    return table


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def note(figure):
    return figure.layout.annotations[0].text


def test_the_left_panel_shows_every_layer_but_the_classifier_in_order(responses):
    table = responses()
    line = drawn(response_levels(table))["run-plain20-400-400-line"]
    rows = table[table["reference"] == "run-plain20@400"].iloc[:-1]
    np.testing.assert_array_equal(line.x, np.arange(1, 20))
    np.testing.assert_allclose(line.y, rows["response_std"], rtol=1e-6)
    assert list(line.customdata[6]) == [7, "l7", 1, 3, "run-plain20@400"]


def test_the_right_panel_shows_the_same_values_the_largest_first_and_still_knows_the_layers(responses):
    table = responses(networks=("resnet20",), steps=(400,))
    left, right = response_levels(table).data
    assert (left.xaxis, right.xaxis) == ("x", "x2")
    np.testing.assert_allclose(right.y, np.sort(left.y)[::-1])
    values = table.set_index("layer")["response_std"]
    np.testing.assert_allclose(right.y, [values[layer] for layer in right.customdata[:, 0]], rtol=1e-6)


@pytest.mark.parametrize("measure", RESPONSE_MEASURES)
def test_every_measure_is_a_column_and_has_its_unit(responses, measure):
    table = responses(networks=("plain20",), steps=(0,))
    figure = response_levels(table, measure=measure)
    factor = 100 if "%" in figure.layout.yaxis.title.text else 1
    np.testing.assert_allclose(figure.data[0].y, factor * table[measure].iloc[:-1], rtol=1e-6)
    assert measure in tables.RESPONSES
    assert ("%" in figure.layout.yaxis.title.text) == (measure in ("zeros", "dead"))


def test_relative_places_put_the_stages_of_all_depths_above_each_other(responses):
    figure = response_levels(responses(), x="relative")
    for uid, first, border in (("run-plain20-0-0-line", 8, 6.5 / 19), ("run-plain56-0-0-line", 20, 18.5 / 55)):
        line = drawn(figure)[uid]
        assert line.x[first - 2] < border < line.x[first - 1]  # layers 7 and 8 of plain20, 19 and 20 of plain56
    assert figure.layout.xaxis.minor.tickvals == pytest.approx((18.5 / 55, 36.5 / 55))  # of the deepest


def test_counted_layers_have_a_dot_where_a_stage_begins(responses):
    line = drawn(response_levels(responses()))["run-plain20-0-0-line"]
    assert list(np.flatnonzero(line.marker.size) + 1) == [2, 8, 14]


def test_the_selected_layer_is_ringed_in_the_lines_that_have_it(responses):
    figure = response_levels(responses(networks=("plain20", "plain56"), steps=(0,)), selected=30)
    rings = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(ring.legendgroup, ring.xaxis) for ring in rings] == [("plain56", "x"), ("plain56", "x2")]
    line = drawn(figure)["run-plain56-0-0-line"]
    assert (rings[0].x[0], rings[0].y[0]) == (30, line.y[29])


def test_on_a_logarithmic_axis_zeros_leave_a_gap_and_are_counted(responses):
    table = responses(networks=("plain20",), steps=(0,))
    table.loc[[3, 5], "response_std"] = 0.0
    figure = response_levels(table, log_y=True)
    assert list(np.flatnonzero(np.isnan(figure.data[0].y))) == [3, 5]
    assert len(figure.data[1].y) == 17
    assert figure.data[0].marker.size[4] > 0  # layer 5 stands alone
    assert "layers not shown: 2 exactly zero" in note(figure)
    assert "decades" in note(figure)


def test_the_published_finding_stands_below_the_published_measure_alone(responses):
    assert "He et al. 2015, figure 7" in note(response_levels(responses()))
    assert "He et al. 2015" not in note(response_levels(responses(), measure="zeros"))


def test_zoom_is_kept_until_an_axis_means_something_else(responses):
    before, after = response_levels(responses()).layout, response_levels(responses(), measure="zeros").layout
    assert before.xaxis.uirevision == after.xaxis.uirevision
    assert before.yaxis.uirevision != after.yaxis.uirevision


def test_unknown_measure_names_the_known_ones(responses):
    with pytest.raises(UnknownName, match="Did you mean 'zeros'"):
        response_levels(responses(), measure="zero")


def test_empty_tables_give_axes_to_wait_with(responses):
    for x in ("layer", "relative"):
        figure = response_levels(responses().iloc[:0], x=x)
        assert len(figure.data) == 0
        assert figure.layout.yaxis.title.text == "response std"
    assert len(response_distribution(bins().iloc[:0]).data) == 0


def bins(networks=("plain20", "resnet20")):
    edges = np.array([-2.0, -1.0, 1.0, 4.0])
    rows = {"layer": 7, "name": "l7", "stage": 1, "block": 3, "low": edges[:-1], "high": edges[1:]}
    parts = [
        pd.DataFrame(rows | {"fraction": [0.2, 0.5, 0.3]}).assign(
            reference=name, network=name, kind="plain" if name[0] == "p" else "residual", depth=20, step=400
        )
        for name in networks
    ]
    return pd.concat(parts)[[*tables.MEASURED_KEYS, *tables.HISTOGRAM]]


def test_a_distribution_is_a_line_of_steps_whose_area_is_one():
    line = response_distribution(bins()).data[0]
    assert line.line.shape == "hv"
    np.testing.assert_allclose(line.y, [0.2, 0.25, 0.1, 0.1], rtol=1e-6)
    assert (np.diff(line.x) * line.y[:-1]).sum() == pytest.approx(1)


def test_a_distribution_names_its_layer_and_has_a_line_at_zero():
    figure = response_distribution(bins())
    assert figure.layout.annotations[1].text == "<b>Layer 7, l7</b>"
    assert figure.layout.xaxis.zeroline


def test_dark_pages_get_dark_colours_alone(responses):
    for figure in (response_levels(responses(), selected=3, dark=True), response_distribution(bins(), dark=True)):
        text = figure.to_json()
        assert not [colour for colour in theme.LIGHT.colours if colour in text]
