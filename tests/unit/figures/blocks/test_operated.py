"""Bars, curves and heat maps of operated networks show the numbers of their tables."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import BlockRow, critical_blocks, lesion_bars, operated_classes, operated_errors
from explorer.models.catalogue import network_config
from explorer.models.operations import arrangement, intact

NAMES = ("plain20", "resnet20")
KEYS = {"step": 400, "images": 100, "intact_error": 0.1}


def rows(name):
    """A row for each block of a network; the rise is a hundredth of the index."""
    index = np.arange(1, 10)
    kind = "plain" if name.startswith("plain") else "residual"
    table = pd.DataFrame({"stage": np.repeat([1, 2, 3], 3), "block": np.tile([1, 2, 3], 3), "index": index})
    table = table.assign(reference=f"run-{name}", network=name, kind=kind, depth=20, **KEYS, rise=index / 100)
    return table.assign(error=0.1 + table["rise"])


def lesions():
    both = pd.concat([rows(name) for name in NAMES], ignore_index=True)
    both = both.assign(standard_error=0.01, reshapes=both["index"].isin([4, 7]), border=False)
    refused = both["reshapes"] & (both["kind"] == "plain")
    both = both.assign(refused=np.where(refused, "no shortcut", ""))
    return both.assign(**{name: both[name].mask(refused) for name in ("error", "rise", "standard_error")})[
        tables.LESION
    ]


@pytest.mark.parametrize("dark", [False, True])
def test_a_bar_is_the_rise_in_points_without_a_block(dark):
    figure = lesion_bars(lesions(), dark=dark)
    plain, crosses, residual, none = figure.data
    np.testing.assert_allclose(residual.y, np.arange(1, 10), rtol=1e-5)
    assert plain.x.tolist() == [1, 2, 3, 5, 6, 8, 9]
    assert crosses.x.tolist() == [4, 7]
    assert len(none.x) == 0
    assert [colour == "rgba(0,0,0,0)" for colour in residual.marker.color] == [n in (4, 7) for n in range(1, 10)]
    assert residual.customdata[4].tolist() == [5, 2, 2, "run-resnet20", pytest.approx(15), pytest.approx(1)]


def test_networks_share_one_scale_and_stages_are_marked():
    figure = lesion_bars(lesions())
    assert figure.layout.yaxis2.matches == "y"
    assert [shape.x0 for shape in figure.layout.shapes] == [3.5, 6.5] * 2
    assert figure.layout.xaxis.ticktext == ("1", "2", "3")
    assert "cannot be deleted" in figure.layout.annotations[0].text
    assert len(lesion_bars(lesions().iloc[:0]).data) == 0


@pytest.mark.parametrize(
    ("x", "columns"), [("deleted", tables.RANDOM_LESIONS), ("distance", tables.SHUFFLES), ("tau", tables.SHUFFLES)]
)
def test_a_curve_is_the_mean_error_with_a_band(x, columns):
    table = pd.concat([rows(name) for name in NAMES]).assign(repeats=3, deleted=1, distance=0.2, tau=0.6)
    table = table.assign(low=table["error"] - 0.01, high=table["error"] + 0.01, **{x: table["index"]})[columns]
    figure = operated_errors(table, x=x)
    bands, lines = figure.data[::2], figure.data[1::2]
    np.testing.assert_allclose(lines[1].y, 10 + np.arange(1, 10), rtol=1e-5)
    np.testing.assert_allclose(bands[1].y, [*(11 + np.arange(1, 10)), *(9 + np.arange(9, 0, -1))], rtol=1e-5)
    assert [line.line.dash for line in lines] == ["6px,3px", "solid"]
    assert (figure.layout.xaxis.autorange == "reversed") == (x == "tau")
    assert "mean and quartiles of 3 choices" in figure.layout.annotations[0].text


def test_weaker_shortcuts_have_no_band():
    table = rows("resnet20").assign(alpha=np.linspace(1, 0, 9))[tables.SHORTCUT_STRENGTHS]
    (line,) = operated_errors(table, x="alpha", dark=True).data
    assert line.x.tolist() == np.linspace(1, 0, 9).tolist()


def test_a_heat_map_has_blocks_downwards_and_moments_to_the_right():
    moments = {"seed1": 10, "0": 2, "1000": 1}
    parts = [rows(name).assign(weights=key, weights_step=None) for name in NAMES for key in moments]
    table = pd.concat(parts, ignore_index=True)
    figure = critical_blocks(table.assign(rise=table["rise"] * table["weights"].map(moments))[tables.CRITICAL])
    for cells in figure.data:
        assert list(cells.x) == ["new", "0", "1,000"]
        np.testing.assert_allclose(cells.z, np.arange(1, 10)[:, None] * [10, 2, 1], rtol=1e-5)
    assert figure.layout.coloraxis.cmax == pytest.approx(90)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert figure.data[0].customdata[4][0] == "2.2"


def blocks_of(figure, network):
    (found,) = [trace for trace in figure.data if trace.uid == f"run-{network}-400-blocks"]
    return found


def test_blocks_above_the_bars_show_what_was_done_to_them():
    operations = "delete:1.2,swap:2.2-2.3,repeat:3.2,reinit:3.3@seed7"
    row = BlockRow(arrangement(network_config("resnet20"), operations), chosen=(1, 1), errors=(0.1, 0.25))
    figure = lesion_bars(lesions(), rows={"run-resnet20": row})
    blocks = blocks_of(figure, "resnet20")
    assert [row[:4] for row in blocks.customdata[4:6].tolist()] == [
        [5, 2, 3, "run-resnet20"],
        [6, 2, 2, "run-resnet20"],
    ]
    assert blocks.customdata[4][4] == "block 2.3, in another place"
    assert blocks.customdata[8][4] == "block 3.3, weights of seed 7"
    assert [color == "rgba(0,0,0,0)" for color in blocks.marker.color] == [n == 2 for n in range(1, 10)]
    (signs,) = [trace for trace in figure.data if trace.uid == "run-resnet20-400-signs"]
    assert dict(zip(signs.x, signs.text, strict=True)) == {
        2: "<b>×</b>", 5: "<b>⇄</b>", 6: "<b>⇄</b>", 8: "<b>2</b>", 9: "<b>↺</b>",
    }  # fmt: skip
    assert blocks.marker.line.width[0] > blocks.marker.line.width[1]
    assert figure.layout.annotations[2].text == "<b>resnet20: 10.0 → 25.0 % error</b>"


def test_blocks_that_a_tool_cannot_be_used_on_are_grey_and_say_why():
    row = BlockRow(intact(network_config("plain20")), refused={(2, 1): "no shortcut"})
    figure = lesion_bars(lesions(), rows={"run-plain20": row})
    blocks = blocks_of(figure, "plain20")
    assert blocks.marker.color[3] != blocks.marker.color[2]
    assert blocks.customdata[3][4] == "block 2.1<br>not possible here: no shortcut"


def test_shortcuts_are_drawn_as_arcs_for_each_factor_and_plain_networks_have_none():
    arranged = arrangement(network_config("resnet20"), "shortcut:1.1@0.2")
    plain = BlockRow(intact(network_config("plain20")))
    figure = lesion_bars(lesions(), rows={"run-resnet20": BlockRow(arranged), "run-plain20": plain})
    arcs = {trace.uid: trace for trace in figure.data if "shortcuts" in trace.uid}
    assert set(arcs) == {"run-resnet20-400-shortcuts-0.2", "run-resnet20-400-shortcuts-1.0"}
    assert arcs["run-resnet20-400-shortcuts-0.2"].opacity < arcs["run-resnet20-400-shortcuts-1.0"].opacity


def test_a_row_of_a_class_goes_from_before_to_after():
    keys = {"reference": "r@1", "network": "resnet20", "kind": "residual", "depth": 20, "step": 1}
    rows = [
        {**keys, "operations": "delete:1.1", "class": name, "images": 10, "error": after, "intact_error": 0.1}
        for name, after in (("", 0.3), ("cat", 0.2), ("dog", 0.4))
    ]
    table = pd.DataFrame(rows).assign(rise=lambda found: found["error"] - found["intact_error"])
    _, before, after = operated_classes(table[tables.OPERATED]).data
    assert list(before.y) == list(after.y) == ["cat", "dog"]
    np.testing.assert_allclose(before.x, [10, 10])
    np.testing.assert_allclose(after.x, [20, 40])
