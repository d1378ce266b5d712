"""Agreement and shared mistakes of the members of an ensemble."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.fields import square
from explorer.registry import lookup

# Columns of `tables.MEMBER_PAIRS`, as what two networks do.
PAIR_MEASURES = {
    "same": "give the same class",
    "both_wrong": "are both wrong",
    "same_mistake": "make the same mistake",
}


def member_agreement(
    pairs: pd.DataFrame,
    names: Sequence[str],
    *,
    measure: str = "same",
    dark: bool = False,
    height: int | None = None,
) -> go.Figure:
    """Every network against every other: the percentage of images with the same class, or with both wrong.

    The colour goes from the smallest to the largest of the numbers.

    Args:
        pairs: `tables.MEMBER_PAIRS`, with the networks named as in `names`.
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
    texts = [[f"{value:.1f} %" if isfinite(value) else "" for value in line] for line in values]
    matrix, layout = square(names, values, texts, colours, height=height)
    matrix |= {
        "uid": f"members-{measure}",
        "colorscale": [[0, colours.grid], [1, colours.depth(20)]],
        "hovertemplate": f"<b>%{{y}}</b> and <b>%{{x}}</b> {words}<br>for %{{z:.2f}} % of the images<extra></extra>",
    }
    return go.Figure({"data": [matrix] if len(pairs) else [], "layout": layout})
