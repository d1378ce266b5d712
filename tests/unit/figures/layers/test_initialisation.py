"""Untrained networks: a panel for each variant of their batch norms, on one scale."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import theme, xray
from explorer.figures.layers.initialisation import MEASURES

VARIANTS = ("batch norm", "no batch norm")


@pytest.fixture
def untrained(layers):
    def table(networks=("plain20", "resnet20", "plain56")):
        found = layers(networks=networks, steps=(0,))
        parts = []
        for power, variant in enumerate(VARIANTS):
            norm = np.exp(power * found["layer"] / 10)
            values = {"response_std": norm, "gradient_norm": 3 * norm, "response_gradient": norm / 3}
            parts.append(found.assign(variant=variant, **values)[tables.XRAY])
        return pd.concat(parts, ignore_index=True)

    return table


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def note(figure):
    return figure.layout.annotations[0].text


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_shows_its_column(untrained, measure):
    table = untrained(networks=("plain20",))
    lines = drawn(xray(table, measure=measure))
    for variant in VARIANTS:
        line = lines[f"plain20-0-line-{variant}"]
        shown = 19 if measure == "response_std" else 20  # a score is no response like the others
        values = table.loc[table["variant"] == variant, measure]
        np.testing.assert_allclose(line.y, values[:shown], rtol=1e-6)
        np.testing.assert_allclose(line.x, np.linspace(0, 1, 20)[:shown], atol=1e-6)


def test_a_panel_per_variant_in_their_order_on_one_scale(untrained):
    figure = xray(untrained())
    assert [each.text for each in figure.layout.annotations[1:]] == ["<b>Batch norm</b>", "<b>No batch norm</b>"]
    assert {trace.xaxis for trace in figure.data if trace.uid.endswith("-no batch norm")} == {"x2"}
    assert figure.layout.yaxis2.matches == "y"
    low, high = figure.layout.yaxis.range
    assert high - low == pytest.approx(6, abs=0.2)
    assert "y axis: 6 decades" in note(figure)


def test_what_is_infinite_not_a_number_or_zero_is_left_out_and_counted(untrained):
    table = untrained(networks=("plain20",))
    table.loc[[2, 3, 4], "response_std"] = [np.inf, np.nan, 0.0]
    figure = xray(table)
    assert list(np.flatnonzero(np.isnan(drawn(figure)["plain20-0-line-batch norm"].y))) == [2, 3, 4]
    assert "layers not shown: 1 exactly zero, 2 infinite or not a number" in note(figure)


def test_a_network_has_one_legend_entry_even_where_one_panel_lacks_it(untrained):
    table = untrained()
    table = table[(table["kind"] != "plain") | (table["variant"] != "batch norm")]
    shown = [trace.name for trace in xray(table).data if trace.showlegend]
    assert sorted(shown) == ["plain20", "plain56", "resnet20"]


def test_unknown_measure_names_the_known_ones(untrained):
    with pytest.raises(UnknownName, match="Known: response_std, gradient_norm"):
        xray(untrained(), measure="zeros")


def test_empty_table_gives_axes_to_wait_with(untrained):
    figure = xray(untrained().iloc[:0])
    assert len(figure.data) == 0
    assert figure.layout.yaxis.type == "log"


def test_dark_pages_get_dark_colours_alone(untrained):
    text = xray(untrained(), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
