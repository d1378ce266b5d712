"""Checks of a map: deletion and insertion, and similarity after the network's layers are randomised."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.layer_axes import axis_mark, panel_row, zero_line

GAP = 0.08  # between panels, as a part of the width
WIDTH, THIN = 3.0, 2.0
DOT = 9  # pixels
MARGIN = {"l": 84, "r": 16, "b": 96}

CURVES = {"deletion": "positions deleted (%); lower is better", "insertion": "positions inserted (%); higher is better"}

# Columns of `tables.RANDOMISATION`, and their titles.
SIMILARITIES = {
    "rank_correlation": "rank correlation",
    "absolute_rank_correlation": "rank correlation of |values|",
    "ssim": "SSIM",
    "top_overlap": "common top 10 %",
}
SYMBOLS = ("circle", "square", "diamond", "triangle-up")


def deletion_insertion(table: pd.DataFrame, *, dark: bool = False, height: int = 420) -> go.Figure:
    """The probability of the target while the map's highest positions are deleted, and while they are inserted.

    The muted line is the mean over the same map shifted at random, its band their range. The areas under the curves
    are in the headings.

    Args:
        table: `tables.DELETION_INSERTION`.
        dark: for a dark page.
        height: in pixels.

    Source: Petsiuk, Das and Saenko 2018, "RISE".
    """
    colours = theme.palette(dark=dark)
    panels = {curve: table[table["curve"] == curve].sort_values("fraction") for curve in CURVES}
    across = theme.axis(colours) | {"range": [-1, 101]}
    upright = theme.axis(colours) | {"range": [-2, 102], "title": theme.axis_title("probability of the target (%)")}
    axes, headings = panel_row([_heading(curve, rows) for curve, rows in panels.items()], across, upright, gap=GAP)
    data: list[dict[str, Any]] = []
    for number, (curve, rows) in enumerate(panels.items(), start=1):
        mark = axis_mark(number)
        axes[f"xaxis{mark}"] |= {"title": theme.axis_title(CURVES[curve])}
        if len(rows):
            data += [trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"} for trace in _curve(curve, rows, colours)]
    layout = theme.layout(colours, height=height) | axes | {"margin": MARGIN | {"t": 80}}
    layout["legend"] = captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    return go.Figure({"data": data, "layout": layout | {"annotations": headings}})


def randomisation(
    table: pd.DataFrame, *, threshold: float | None = None, dark: bool = False, height: int = 440
) -> go.Figure:
    """Similarity of the map to the original one while layers are randomised from the top down.

    A map that follows the weights loses its similarity; one that stays similar shows the picture, not the network. An
    undefined similarity, such as that of a constant map, is a gap.

    Args:
        table: `tables.RANDOMISATION`.
        threshold: below which the similarity should fall, drawn as a dotted line.
        dark: for a dark page.
        height: in pixels.

    Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps".
    """
    colours = theme.palette(dark=dark)
    rows = table.sort_values("randomised")
    meaning = rows[["randomised", "name"]].to_numpy()
    data = [
        {
            "type": "scatter",
            "uid": f"line-{column}",
            "mode": "lines+markers",
            "name": name,
            "x": rows["randomised"].to_numpy(np.float32),
            "y": rows[column].to_numpy(np.float32),
            "customdata": meaning,
            "line": {"color": colour, "width": WIDTH},
            "marker": {"symbol": symbol, "size": DOT},
            "hovertemplate": f"<b>{name}</b> %{{y:.2f}}<br>%{{customdata[0]}} layers randomised, down to "
            "%{customdata[1]}<extra></extra>",
        }
        for (column, name), colour, symbol in zip(SIMILARITIES.items(), colours.others, SYMBOLS, strict=True)
        if len(rows)
    ]
    end = max(1, int(rows["randomised"].max())) if len(rows) else 1
    layout = theme.layout(colours, height=height) | {
        "xaxis": theme.axis(colours)
        | {
            "title": theme.axis_title("layers randomised, from the classifier down to the stem"),
            "range": [-0.02 * end, 1.02 * end],
        },
        "yaxis": theme.axis(colours)
        | zero_line(colours)
        | {"title": theme.axis_title("similarity to the original map"), "range": [-1.03, 1.03]},
        "margin": MARGIN | {"t": 50},
        "legend": captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"},
    }
    if threshold is not None:
        layout |= _threshold(threshold, colours)
    return go.Figure({"data": data, "layout": layout})


def _heading(curve: str, rows: pd.DataFrame) -> str:
    """ "Deletion: area 0.21 (shifted 0.35)"."""
    if rows.empty:
        return curve.capitalize()
    area, shifted = (np.trapezoid(rows[column], rows["fraction"]) for column in ("probability", "random"))
    return f"{curve.capitalize()}: area {area:.2f} (shifted {shifted:.2f})"


def _curve(curve: str, rows: pd.DataFrame, colours: theme.Palette) -> list[dict[str, Any]]:
    """The band and the mean of shifted maps, and the map's curve above them."""
    values = (100 * rows.drop(columns="curve")).astype(np.float32)
    x = values["fraction"].to_numpy()
    low, high = values["random_low"].to_numpy(), values["random_high"].to_numpy()
    first = curve == next(iter(CURVES))  # one legend for both panels
    shared = {"type": "scatter", "showlegend": first}
    number = "<br>%{x:.0f} % of the positions: %{y:.1f} %<extra></extra>"
    return [
        shared
        | {
            "uid": f"{curve}-band",
            "mode": "none",
            "x": np.concatenate([x, x[::-1]]),
            "y": np.concatenate([high, low[::-1]]),
            "fill": "toself",
            "fillcolor": colours.grid,
            "showlegend": False,
            "hoverinfo": "skip",
            "legendgroup": "random",
        },
        shared
        | {
            "uid": f"{curve}-random",
            "mode": "lines",
            "name": "the map shifted at random: mean and range",
            "legendgroup": "random",
            "x": x,
            "y": values["random"].to_numpy(),
            "line": {"color": colours.muted, "width": THIN},
            "hovertemplate": f"the map shifted at random{number}",
        },
        shared
        | {
            "uid": f"{curve}-map",
            "mode": "lines",
            "name": "the map, its highest values first",
            "legendgroup": "map",
            "x": x,
            "y": values["probability"].to_numpy(),
            "line": {"color": colours.depth(32), "width": WIDTH},
            "hovertemplate": f"<b>the map</b>{number}",
        },
    ]


def _threshold(value: float, colours: theme.Palette) -> dict[str, Any]:
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": value, "y1": value}
    words = {"text": f"threshold {value:g}", "xref": "paper", "x": 1, "xanchor": "right", "yref": "y", "y": value}
    letters = {"size": theme.TEXT_SIZE - 1, "color": colours.muted}
    return {
        "shapes": [line | {"line": {"color": colours.muted, "width": 2, "dash": "dot"}}],
        "annotations": [words | {"yanchor": "bottom", "showarrow": False, "font": letters}],
    }
