"""The residual ledger: a panel for each entry, against the blocks."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import ledger_entries, theme
from explorer.figures.layer_measures import BLOCK_MEASURES


def blocks(networks=("plain20", "resnet20", "resnet56"), steps=(400,)):
    parts = []
    for network in networks:
        kind, depth = ("plain" if network.startswith("plain") else "residual"), int(network[-2:])
        n = (depth - 2) // 6
        number = np.arange(1, 3 * n + 1)
        stage, block = (number - 1) // n + 1, (number - 1) % n + 1
        way = np.where((stage > 1) & (block == 1), "pad", "identity") if kind == "residual" else "none"
        for step in steps:
            run = {"reference": f"{network}@{step}", "network": network, "kind": kind, "depth": depth, "step": step}
            entries = {"branch_ratio": 2 / number, "cosine": number / 100 - 0.05, "gamma": 1.0}
            entries |= {"shortcut_gradient": 1.0, "branch_gradient": 1.0}
            entries |= {"shortcut_share": number / 100, "branch_share": 1 - number / 100}
            keys = {"stage": stage, "block": block, "name": [f"b{i}" for i in number], "shortcut": way}
            parts.append(pd.DataFrame(run | keys | entries))
    return pd.concat(parts, ignore_index=True)[[*tables.MEASURED_KEYS, *tables.LEDGER]]


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def note(figure):
    return figure.layout.annotations[0].text


@pytest.mark.parametrize("measure", BLOCK_MEASURES)
def test_every_measure_shows_its_column_against_the_number_of_the_block(measure):
    table = blocks(networks=("resnet20",))
    (line,) = ledger_entries(table, measures=[measure]).data
    np.testing.assert_allclose(line.y, table[measure], rtol=1e-6)
    np.testing.assert_array_equal(line.x, np.arange(1, 10))
    assert list(line.customdata[4])[:5] == [5, "b5", 2, 2, "resnet20@400"]


def test_four_panels_stand_in_two_rows_under_their_names():
    layout = ledger_entries(blocks()).layout
    assert layout.yaxis.domain[0] > layout.yaxis3.domain[1]
    assert layout.xaxis.domain == layout.xaxis3.domain
    assert layout.xaxis.domain[1] < layout.xaxis2.domain[0]
    assert [each.text for each in layout.annotations[1:]] == [
        "<b>Branch / shortcut, |F(x)| / |s(x)|</b>",
        "<b>Cosine of F(x) and s(x)</b>",
        "<b>Mean |γ|, last batch norm</b>",
        "<b>Gradient through the shortcut (share)</b>",
    ]
    assert [layout.xaxis.title.text, layout.xaxis3.title.text] == [None, "block"]


def test_blocks_that_change_the_shape_are_open():
    marker = drawn(ledger_entries(blocks()))["resnet20-400-400-line-gamma"].marker
    assert [i + 1 for i, colour in enumerate(marker.color) if colour == theme.LIGHT.page] == [4, 7]


def test_relative_places_put_the_stages_of_all_depths_above_each_other():
    figure = ledger_entries(blocks(), x="relative")
    assert figure.layout.xaxis.minor.tickvals == pytest.approx((1 / 3, 2 / 3))
    for network, n in (("resnet20", 3), ("resnet56", 9)):
        x = drawn(figure)[f"{network}-400-400-line-gamma"].x
        assert x[n - 1] < 1 / 3 < x[n]
        assert x[2 * n - 1] < 2 / 3 < x[2 * n]


def test_plain_networks_have_no_line_where_shares_are_shown_and_the_note_says_so():
    figure = ledger_entries(blocks())
    assert {trace.name for trace in figure.data if trace.xaxis == "x4"} == {"resnet20", "resnet56"}
    assert {trace.name for trace in figure.data if trace.xaxis == "x3"} == {"plain20", "resnet20", "resnet56"}
    assert "shares without plain" in note(figure)
    assert "shares without plain" not in note(ledger_entries(blocks(), measures=["gamma"]))


def test_the_selected_block_is_ringed_in_every_line_that_has_it():
    table = blocks(networks=("resnet20", "resnet56"))
    figure = ledger_entries(table, measures=["branch_ratio"], selected=(2, 4))
    (ring,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (ring.legendgroup, ring.x[0], ring.y[0]) == ("resnet56", 13, pytest.approx(2 / 13))


def test_an_entry_that_is_missing_has_no_point():
    table = blocks(networks=("plain20",))
    table.loc[3, "cosine"] = np.nan
    assert 4 not in ledger_entries(table, measures=["cosine"]).data[0].x


def test_shares_reach_from_zero_to_one_whatever_the_data():
    low, high = ledger_entries(blocks(), measures=["shortcut_share"]).layout.yaxis.range
    assert (low, high) == (0, pytest.approx(1, abs=0.05))


def test_a_network_has_one_legend_entry_for_all_panels():
    shown = [trace.name for trace in ledger_entries(blocks(steps=(0, 400))).data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 6


def test_unknown_measure_names_the_known_ones():
    with pytest.raises(UnknownName, match="Did you mean 'gamma'"):
        ledger_entries(blocks(), measures=["gama"])


@pytest.mark.parametrize("x", ["block", "relative"])
def test_empty_table_gives_axes_to_wait_with(x):
    figure = ledger_entries(blocks().iloc[:0], x=x)
    assert len(figure.data) == 0
    assert figure.layout.yaxis4.domain is not None


def test_dark_pages_get_dark_colours_alone():
    text = ledger_entries(blocks(), selected=(1, 1), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
