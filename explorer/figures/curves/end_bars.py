"""Training and test error of networks at the end of their schedules, as bars."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis

PARTS = {"train_error": ("training error", True), "test_error": ("test error", False)}  # column: name, filled
LEAST_TOP = 10.0  # percent, so that differences of a point do not look large


def end_errors(table: pd.DataFrame, *, dark: bool = False, height: int = 440) -> go.Figure:
    """Two bars for each row: filled for the training error, hollow for the test error, with their numbers.

    Args:
        table: label, depth, train_error, test_error (fractions); a row for each group of bars, from left to right.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    top = max(LEAST_TOP, 112 * float(table[list(PARTS)].max().max())) if len(table) else LEAST_TOP
    letters = {"size": theme.TEXT_SIZE + 2, "color": colours.ink}
    layout = theme.layout(colours, height=height) | {
        "barmode": "group",
        "bargap": 0.35,
        "bargroupgap": 0.08,
        "xaxis": theme.axis(colours) | {"type": "category", "tickfont": letters, "fixedrange": True},
        "yaxis": y_axis("error (%)", colours, (0.0, min(top, 108.0))),
        "legend": captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "margin": {"l": 72, "r": 24, "t": 44, "b": 48 + 24 * table["label"].str.contains(", ").any()},
    }
    return go.Figure({"data": [_bars(table, part, colours) for part in PARTS], "layout": layout})


def _bars(table: pd.DataFrame, part: str, colours: theme.Palette) -> dict[str, Any]:
    name, full = PARTS[part]
    inks = [colours.depth(int(depth)) for depth in table["depth"]]
    values = 100 * table[part].astype(float)
    return {
        "type": "bar",
        "uid": part,
        "name": name,
        "x": [label.replace(", ", ",<br>") for label in table["label"]],  # a telephone has no room beside each other
        "y": values.tolist(),
        "marker": {
            "color": inks if full else theme.CLEAR,
            "line": {"color": inks, "width": 2},
        },
        "text": [f"{value:.1f}" for value in values],
        "textposition": "outside",
        "textfont": {"size": theme.TEXT_SIZE + 3, "color": colours.ink},
        "cliponaxis": False,
        "hovertemplate": f"<b>%{{x}}</b><br>{name} %{{y:.1f}} %<extra></extra>",
    }
