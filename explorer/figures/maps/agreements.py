"""Agreement of maps: between networks, between methods, and against the difference in depth."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.curve_lines import Floats
from explorer.figures.fields import square
from explorer.figures.layer_axes import zero_line
from explorer.numerals import minus
from explorer.registry import lookup

# Columns of `tables.LIKENESS`, and their titles.
AGREEMENTS = {"rank_correlation": "rank correlation", "top_overlap": "common top 10 %", "ssim": "SSIM"}

SPREAD = 8  # pixels of an error bar's ends
MOST_TICKS = 12

KINDS = {"plain": "both plain", "residual": "both residual", "dense": "both dense", "both": "of two kinds"}
SYMBOLS = {kind: markers[0] for kind, markers in theme.MARKERS.items()} | {"both": "x-thin-open"}
OFFSETS = {"plain": -0.7, "residual": 0.0, "dense": 0.35, "both": 0.7}  # layers, so that points do not overlap


def agreement_matrix(
    table: pd.DataFrame, *, measure: str = "rank_correlation", dark: bool = False, height: int | None = None
) -> go.Figure:
    """Every map against every other: colours from -1 (blue) over 0 to 1 (orange), with the numbers.

    Args:
        table: `tables.AGREEMENT` or `tables.MEAN_AGREEMENT`, with standard deviations over images.
        measure: name in `AGREEMENTS`.
        dark: for a dark page.
        height: in pixels; None takes what the fields need.

    Raises:
        UnknownName: no such measure.
    """
    title = lookup(AGREEMENTS, measure, "measure of agreement")
    colours = theme.palette(dark=dark)
    names = list(dict.fromkeys(table["a"]))
    values = _square(table, measure, names)
    spread = _square(table, f"{measure}_std", names) if f"{measure}_std" in table else np.full_like(values, np.nan)
    texts = [[_field(*pair) for pair in zip(*line, strict=True)] for line in zip(values, spread, strict=True)]
    images = f", mean over {int(table['images'].max())} images" if "images" in table and len(table) else ""
    matrix, layout = square(names, values, texts, colours, height=height)
    matrix |= {
        "uid": f"matrix-{measure}",
        "colorscale": colours.diverging,
        "zmin": -1,
        "zmax": 1,
        "hovertemplate": f"<b>%{{y}}</b> and <b>%{{x}}</b><br>{title} %{{z:.3f}}{images}<extra></extra>",
    }
    return go.Figure({"data": [matrix] if names else [], "layout": layout})


def agreement_by_depth(
    table: pd.DataFrame, *, measure: str = "rank_correlation", dark: bool = False, height: int = 440
) -> go.Figure:
    """Agreement of two networks against their difference in depth; a point for each pair.

    Args:
        table: `tables.NETWORK_AGREEMENT`; error bars are a standard deviation over images.
        measure: name in `AGREEMENTS`.
        dark: for a dark page.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    title = lookup(AGREEMENTS, measure, "measure of agreement")
    colours = theme.palette(dark=dark)
    pairs = _pairs(table)
    data = [_points(rows, kind, measure, title, colours) for kind in KINDS if len(rows := pairs[pairs["kind"] == kind])]
    foot = -1.03 if (pairs[measure] < 0).any() else 0
    layout = theme.layout(colours, height=height) | {
        "xaxis": theme.axis(colours)
        | {"title": theme.axis_title("difference in depth (layers)"), "showgrid": False}
        | _ticks(pairs["apart"].tolist()),
        "yaxis": theme.axis(colours)
        | zero_line(colours)
        | {
            "title": theme.axis_title(f"{title} of the maps"),
            "range": [foot, 1.03],
        },
        "margin": {"l": 84, "r": 16, "t": 50, "b": 92},
        "legend": captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "annotations": [captions.note("point: a pair of networks; bar: standard deviation over images", colours)],
    }
    return go.Figure({"data": data, "layout": layout})


def _ticks(apart: Sequence[int]) -> dict[str, Any]:
    """Ticks at the differences that there are, as far as their numbers find room."""
    found = sorted(set(apart)) or [0]
    least = (found[-1] or 1) / MOST_TICKS
    shown = found[:1]
    shown += [each for each in found[1:] if each - shown[-1] >= least]
    return {"tickvals": shown, "range": [-0.05 * found[-1] - 2, 1.05 * found[-1] + 2]}


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Each pair of networks once, with its `kind` and its difference in depth, `apart`."""
    order = {name: place for place, name in enumerate(dict.fromkeys(table["a"]))}
    pairs = table[table["a"].map(order) < table["b"].map(order)]
    kind = pairs["kind_a"].where(pairs["kind_a"] == pairs["kind_b"], "both")
    return pairs.assign(kind=kind, apart=(pairs["depth_a"] - pairs["depth_b"]).abs())


def _square(table: pd.DataFrame, column: str, names: list[str]) -> Floats:
    """Values by first and second name; NaN where there is none."""
    by_name = table.pivot(index="a", columns="b", values=column)  # noqa: PD010 a pair is there once
    found: Floats = by_name.reindex(index=names, columns=names).to_numpy(float)
    return found


def _field(value: float, spread: float) -> str:
    """The text of a field."""
    if not isfinite(value):
        return ""
    text = minus(f"{value:.2f}")
    return f"{text}<br>±{spread:.2f}" if isfinite(spread) else text


def _points(rows: pd.DataFrame, kind: str, measure: str, title: str, colours: theme.Palette) -> dict[str, Any]:
    colour = colours.muted if kind == "both" else colours.ink
    return {
        "type": "scatter",
        "uid": kind,
        "mode": "markers",
        "name": KINDS[kind],
        "x": (rows["apart"] + OFFSETS[kind]).to_numpy(np.float32),
        "y": rows[measure].to_numpy(np.float32),
        "customdata": rows[["network_a", "network_b"]].map(in_figure).to_numpy(),
        "error_y": {"array": rows[f"{measure}_std"].to_numpy(np.float32), "color": colours.muted, "width": SPREAD},
        "marker": {"symbol": SYMBOLS[kind], "size": 13, "color": colour, "line": {"width": 2.5, "color": colour}},
        "hovertemplate": "<b>%{customdata[0]}</b> and <b>%{customdata[1]}</b><br>"
        f"{title} %{{y:.3f}}<extra></extra>",
    }
