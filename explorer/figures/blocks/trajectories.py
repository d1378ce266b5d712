"""The way of a training through the plane of its two principal directions, over the loss on that plane."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.block_results import Trajectory
from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.blocks.loss_scale import (
    clipped,
    colour_axis,
    loss_contour,
    loss_span,
)

MARGIN = {"l": 72, "r": 110, "t": 44, "b": 112}
SOURCE = "After Li et al. 2018 (arXiv 1712.09913), figure 9"
MOST_NAMED = 8  # moments with their step beside them
APART = 0.06  # of the extent: steps closer together are not named


def training_trajectory(found: Trajectory, *, dark: bool = False, height: int = 560) -> go.Figure:
    """Contours of the loss on the plane, and the moments of the training on it, joined in their order.

    Args:
        found: of `studies.landscape.trajectory`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    span = loss_span(found.surface["loss"])
    first, second = found.explained
    rest = f"the plane has {100 * (first + second):.1f} % of the variance of the weights"
    away = found.moments["outside"].max()
    outside = (
        f"up to {100 * away:.0f} % of a moment's distance from the end lies outside of the plane"
        if away > 0.005
        else ""
    )
    fixed = "norms and biases of the last step everywhere on the plane"
    note = captions.wrapped(filter(None, [SOURCE, rest, outside, fixed, clipped(found.surface["loss"], span)]))
    layout = theme.layout(colours, height=height) | {
        "margin": MARGIN | {"b": MARGIN["b"] + 20 * note.count("<br>")},
        "coloraxis": colour_axis(span, colours),
        "annotations": [captions.note(note, colours), captions.heading(in_figure(found.network), 0)],
        "showlegend": False,
        "xaxis": _axis(colours, f"first direction ({100 * first:.0f} % of the variance)"),
        "yaxis": _axis(colours, f"second direction ({100 * second:.0f} %)"),
    }
    return go.Figure({"data": [_contour(found, span, colours), _way(found, colours)], "layout": layout})


def _axis(colours: theme.Palette, title: str) -> dict[str, Any]:
    return theme.axis(colours) | {"title": theme.axis_title(title), "showgrid": False, "uirevision": "plane"}


def _contour(found: Trajectory, span: tuple[float, float], colours: theme.Palette) -> dict[str, Any]:
    return loss_contour(found.surface, span, colours) | {"uid": "plane"}


def _way(found: Trajectory, colours: theme.Palette) -> dict[str, Any]:
    moments = found.moments
    places = moments[["a", "b"]].to_numpy(float)
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": places[:, 0].astype(np.float32),
        "y": places[:, 1].astype(np.float32),
        "customdata": np.stack([moments["step"], moments["loss"], 100 * moments["error"]], axis=-1),
        "text": _names(moments["step"].to_numpy(int), places),
        "textposition": "top center",
        "textfont": {"size": theme.TEXT_SIZE, "color": theme.ON_DARK, "shadow": f"0 0 4px {theme.ON_LIGHT}"},
        "line": {"color": theme.ON_DARK, "width": 2.5},
        "marker": {"symbol": ["circle"] * (len(moments) - 1) + ["x"], "size": 10, "color": theme.ON_DARK,
                   "line": {"color": theme.ON_LIGHT, "width": 1.5}},
        "uid": "way",
        "cliponaxis": False,
        "hovertemplate": "<b>step %{customdata[0]:,}</b><br>its own loss %{customdata[1]:.3~g}, "
        "error %{customdata[2]:.1f} %<extra></extra>",
    }  # fmt: skip


def _names(steps: Any, places: Any) -> list[str]:
    """Steps beside the moments; those too close to a later one that is named stay without."""
    extent = float(np.ptp(places, axis=0).max()) or 1.0
    names = [""] * len(steps)
    named: list[int] = []
    for place in reversed(range(len(steps))):
        if len(named) < MOST_NAMED and all(
            np.hypot(*(places[place] - places[other])) > APART * extent for other in named
        ):
            names[place] = f"{steps[place]:,}"
            named.append(place)
    return names
