"""Bars, curves and heat maps of operated networks show the numbers of their tables."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import critical_blocks, lesion_bars, operated_errors

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
    figure = lesion_bars(lesions(), selected=(1, 2), dark=dark)
    plain, crosses, residual, none = figure.data
    np.testing.assert_allclose(residual.y, np.arange(1, 10), rtol=1e-5)
    assert plain.x.tolist() == [1, 2, 3, 5, 6, 8, 9]
    assert crosses.x.tolist() == [4, 7]
    assert len(none.x) == 0
    assert [colour == "rgba(0,0,0,0)" for colour in residual.marker.color] == [n in (4, 7) for n in range(1, 10)]
    assert residual.marker.color[1] == figure.layout.font.color
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
