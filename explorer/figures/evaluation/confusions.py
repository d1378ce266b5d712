"""Confusion matrix: a field for each pair of true and predicted class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.curve_lines import Floats
from explorer.figures.fields import field_axis, fields, room

MOST_CLASSES = 20  # more cannot be read
HEIGHT = 46  # of a class, in pixels
LEAST_SHARE = 0.05  # of a class: the colour scale of mistakes reaches at least this far


def confusion_matrix(
    counts: pd.DataFrame, classes: Sequence[str], *, dark: bool = False, height: int | None = None
) -> go.Figure:
    """Number of images of each true class (rows) and predicted class (columns); correct blue, mistakes orange.

    The colour is the share of the class; for mistakes the scale ends at the most frequent one. Of many classes those
    with the most mistakes are shown. The customdata of a field with images is its label and prediction.

    Args:
        counts: `tables.CONFUSION`.
        classes: names, in order of label.
        dark: for a dark page.
        height: in pixels; None takes what the fields need.
    """
    colours = theme.palette(dark=dark)
    shown = _shown(counts)
    names = [classes[label] for label in shown]
    images, shares = (_square(counts, column, shown) for column in ("images", "fraction"))
    right = np.eye(len(shown), dtype=bool)
    most = max([LEAST_SHARE, *shares[~right]])
    longest = room(names)
    slanted = longest > HEIGHT * 1.6
    margin = {"l": 50 + longest, "r": 16, "t": 12, "b": 60 + (longest / 2 if slanted else 20)}
    axis = field_axis(names, colours)
    layout = theme.layout(colours, height=height or round(margin["t"] + margin["b"] + HEIGHT * max(1, len(names)))) | {
        "margin": margin,
        "xaxis": axis | {"title": theme.axis_title("predicted class"), "tickangle": -45 if slanted else 0},
        "yaxis": axis | {"title": theme.axis_title("true class"), "autorange": "reversed"},
        "dragmode": False,
        "annotations": [_left_out(counts, shown, colours)],
    }
    meaning = [
        [[label, other] if number else None for other, number in zip(shown, line, strict=True)]
        for label, line in zip(shown, images, strict=True)
    ]
    texts = [[f"{int(number):,}" if number else "" for number in line] for line in images]
    matrix = fields(names, np.where(right, -shares, shares / most), texts, colours) | {
        "uid": "confusion",
        "customdata": meaning,
        "hovertext": [
            [_hover(label, other, images, shares, names) for other in range(len(shown))] for label in range(len(shown))
        ],
        "hoverinfo": "text",
        "colorscale": colours.diverging,
        "zmin": -1,
        "zmax": 1,
    }
    return go.Figure({"data": [matrix] if shown else [], "layout": layout})


def _shown(counts: pd.DataFrame) -> list[int]:
    """The classes there are, or those of them with the most mistakes, in order of label."""
    there = sorted({*counts["label"], *counts["prediction"]})
    if len(there) <= MOST_CLASSES:
        return there
    wrong = counts[counts["label"] != counts["prediction"]]
    mistakes = wrong.groupby("label")["images"].sum().add(wrong.groupby("prediction")["images"].sum(), fill_value=0)
    return sorted(mistakes.sort_values(ascending=False, kind="stable").head(MOST_CLASSES).index)


def _square(counts: pd.DataFrame, column: str, shown: list[int]) -> Floats:
    """Values by label and prediction; 0 where there is no image."""
    by_pair = counts.pivot(index="label", columns="prediction", values=column)  # noqa: PD010 a pair is there once
    found: Floats = by_pair.reindex(index=shown, columns=shown).fillna(0.0).to_numpy(float)
    return found


def _hover(label: int, other: int, images: Floats, shares: Floats, names: list[str]) -> str:
    share = f"{int(images[label, other]):,} images, {100 * shares[label, other]:.1f} % of this class"
    name, given = (in_figure(names[each]) for each in (label, other))
    return f"<b>{name}</b> {'correct' if label == other else f'predicted as <b>{given}</b>'}<br>{share}"


def _left_out(counts: pd.DataFrame, shown: list[int], colours: theme.Palette) -> dict[str, Any]:
    there = len({*counts["label"], *counts["prediction"]})
    text = f"the {len(shown)} classes with the most mistakes of {there}" if there > len(shown) else ""
    return captions.note(text, colours) | {"yshift": -44, "x": 1, "xanchor": "right"}
