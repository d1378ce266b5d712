"""Gradient norms along the depth: stages aligned, one panel for each moment of training."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import gradient_norms, theme


def profiles(networks=("plain20", "resnet20", "plain56"), steps=(0, 100)):
    parts = []
    for network in networks:
        depth = int(network.removeprefix("plain").removeprefix("resnet"))
        layer = np.arange(1, depth + 1)
        for step in steps:
            norm = np.exp(-layer / 10) / (step + 1)
            values = dict(
                zip(tables.GRADIENTS, (layer, [f"l{i}" for i in layer], 1, 1, norm, 2.0, norm / 2), strict=True)
            )
            kind = "plain" if network.startswith("plain") else "residual"
            parts.append(pd.DataFrame(values).assign(network=network, kind=kind, depth=depth, step=step))
    return pd.concat(parts, ignore_index=True)


def test_a_line_goes_from_the_stem_to_the_classifier_whatever_the_depth():
    figure = gradient_norms(profiles())
    traces = {trace.uid: trace for trace in figure.data}
    for network, depth in (("plain20", 20), ("plain56", 56)):
        line = traces[f"{network}-1"]
        np.testing.assert_allclose(line.x, np.linspace(0, 1, depth), atol=1e-6)
        np.testing.assert_allclose(line.y, np.exp(-np.arange(1, depth + 1) / 10), rtol=1e-6)
        assert list(line.customdata[0]) == [1, "l1"]
        assert f"of {depth}" in line.hovertemplate


def test_stages_have_their_name_in_their_middle():
    """The middle of each stage of a very deep network, counted from its layers."""
    n = 200
    first = np.arange(2, 6 * n + 2, 2 * n)  # first layer of each stage
    middle = (first + n - 0.5 - 1) / (6 * n + 1)
    np.testing.assert_allclose(gradient_norms(profiles()).layout.xaxis.tickvals, middle, atol=0.001)


def test_one_panel_a_step_on_one_logarithmic_scale():
    figure = gradient_norms(profiles())
    headings = [note.text for note in figure.layout.annotations[1:]]
    assert headings == ["<b>Step 0</b>", "<b>Step 100</b>"]
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis2.matches == "y"
    assert {trace.xaxis for trace in figure.data if trace.uid.endswith("-2")} == {"x2"}
    low, high = figure.layout.yaxis.range
    assert low < np.log10(np.exp(-5.6) / 101) < np.log10(np.exp(-0.1)) < high


@pytest.mark.parametrize(
    ("steps", "shown"), [((5,), [5]), ((0, 1, 2), [0, 1, 2]), ((64, 0, 1, 2, 32), [0, 2, 64])]
)  # fmt: skip
def test_first_middle_and_last_step_are_shown(steps, shown):
    figure = gradient_norms(profiles(steps=steps))
    assert [note.text for note in figure.layout.annotations[1:]] == [f"<b>Step {step}</b>" for step in shown]


def test_colour_says_the_depth_and_dash_the_kind():
    traces = {trace.uid: trace for trace in gradient_norms(profiles()).data}
    assert traces["plain20-1"].line.color == traces["resnet20-1"].line.color == theme.LIGHT.depth(20)
    assert traces["plain20-1"].line.dash == theme.DASHES["plain"]
    assert traces["resnet20-1"].line.dash == "solid"


def test_a_network_has_one_legend_entry_for_all_panels():
    table = profiles()
    table = table[(table["network"] != "plain56") | (table["step"] > 0)]  # one is missing in the first panel
    figure = gradient_norms(table)
    assert sorted(trace.name for trace in figure.data if trace.showlegend) == ["plain20", "plain56", "resnet20"]
    assert {trace.legendgroup for trace in figure.data} == {"plain20", "plain56", "resnet20"}


def test_seeds_are_averaged():
    one, other = profiles(networks=("plain20",), steps=(0,)), profiles(networks=("plain20",), steps=(0,))
    other["gradient_norm"] *= 3
    (line,) = gradient_norms(pd.concat([one, other])).data
    np.testing.assert_allclose(line.y, 2 * one["gradient_norm"], rtol=1e-6)


def test_a_vanished_gradient_has_no_place_on_a_logarithmic_axis():
    table = profiles(networks=("plain20",), steps=(0,))
    table.loc[3, "gradient_norm"] = 0.0
    assert len(gradient_norms(table).data[0].y) == 19


def test_many_decades_have_ticks_that_do_not_overlap():
    table = profiles()
    table["gradient_norm"] *= np.geomspace(1e-6, 1, len(table))
    assert len(gradient_norms(table).layout.yaxis.tickvals) <= 15


def test_empty_table_gives_an_empty_figure():
    assert len(gradient_norms(profiles().iloc[:0]).data) == 0


def test_dark_pages_get_dark_colours_alone():
    text = gradient_norms(profiles(), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
