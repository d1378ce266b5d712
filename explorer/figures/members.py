"""How often networks agree, and which mistakes they share."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.map_sheet import BOLD_LETTER
from explorer.registry import lookup

# Columns of `tables.MEMBER_PAIRS`, and what they say of two networks.
PAIR_MEASURES = {
    "same": "give the same class",
    "both_wrong": "are both wrong",
    "same_mistake": "make the same mistake",
}

FIELD = 92  # pixels
MOST_FIELDS = 640  # pixels, of all of them together
PALE = 0.55  # opacity of the colours, so that letters in the colour of the page's own stand out on all of them


def member_agreement(
    pairs: pd.DataFrame,
    names: Sequence[str],
    *,
    measure: str = "same",
    dark: bool = False,
    height: int | None = None,
) -> go.Figure:
    """Every network against every other: the percentage of images that they answer alike, or both have wrong.

    The colour goes from the smallest to the largest of the numbers.

    Args:
        pairs: `tables.MEMBER_PAIRS`, of networks as they are called in `names`.
        names: in the order of rows and columns.
        measure: name in `PAIR_MEASURES`.
        dark: for a dark page.
        height: in pixels; None takes what the fields need.

    Raises:
        UnknownName: no such measure.
    """
    words = lookup(PAIR_MEASURES, measure, "measure of two networks")
    colours = theme.palette(dark=dark)
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    for a, b, value in pairs[["a", "b", measure]].itertuples(index=False):
        values[place[a], place[b]] = values[place[b], place[a]] = 100 * value
    longest = max((len(name) for name in names), default=0) * BOLD_LETTER * theme.TEXT_SIZE
    side = min(FIELD, MOST_FIELDS / max(1, len(names)))
    upright = longest > side  # else names below would run into each other
    margin = {"l": 24 + longest, "r": 24, "t": 12, "b": 24 + (longest if upright else 30)}
    axis = theme.axis(colours) | {"type": "category", "showline": False, "ticks": "", "showgrid": False}
    axis |= {"categoryorder": "array", "categoryarray": list(names), "constrain": "domain", "fixedrange": True}
    layout = theme.layout(colours, height=height or round(margin["t"] + margin["b"] + side * max(1, len(names)))) | {
        "margin": margin,
        "xaxis": axis | {"constraintoward": "left", "tickangle": -90 if upright else 0},
        "yaxis": axis | {"autorange": "reversed", "scaleanchor": "x", "constraintoward": "top"},
        "dragmode": False,
    }
    matrix = {
        "type": "heatmap",
        "uid": f"members-{measure}",
        "x": list(names),
        "y": list(names),
        "z": values.astype(np.float32),
        "text": [[f"{value:.1f} %" if isfinite(value) else "" for value in line] for line in values],
        "texttemplate": "%{text}",
        "textfont": {"size": theme.TEXT_SIZE if side > FIELD / 2 else theme.TEXT_SIZE - 4, "color": colours.ink},
        "colorscale": [[0, colours.grid], [1, colours.depth(20)]],
        "opacity": PALE,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": f"<b>%{{y}}</b> and <b>%{{x}}</b> {words}<br>for %{{z:.2f}} % of the images<extra></extra>",
    }
    return go.Figure({"data": [matrix] if len(pairs) else [], "layout": layout})
