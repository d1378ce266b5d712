"""Gradient norms along the depth of networks, early and late in training."""

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import axis_mark, decade_note, decade_span, left_out, panel_row, stage_axis
from explorer.figures.layer_measures import GRADIENT_MEASURES, LayerMeasure
from explorer.figures.layers.profiles import all_values, borders, profile, profile_trace, with_gaps
from explorer.figures.network_lines import NetworkLine, band, base_layout, moment, named_once, network_lines
from explorer.registry import lookup

MOST_PANELS = 3
GAP = 0.05  # between panels, as a part of the width

EDGES = "left edge: stem, right edge: classifier"

# Columns of the quartiles over batches, where a measure has them.
QUARTILES = {
    "gradient_norm": ("gradient_low", "gradient_high"),
    "response_gradient": ("response_gradient_low", "response_gradient_high"),
}


def gradient_norms(
    table: pd.DataFrame, *, measure: str = "gradient_norm", dark: bool = False, height: int = 480
) -> go.Figure:
    """A gradient norm of every layer from the stem to the classifier; a panel for each step of training.

    The x axis is the relative depth of a layer, so that the stages of all networks are aligned; the hover text has the
    layer. Plain is dashed, residual solid; a band shows the quartiles over batches. The y axis has six decades, more
    only if the data need them, so that a flat profile looks flat. A point's
    customdata is its layer, name, stage, block and reference.

    Args:
        table: `tables.GRADIENTS` after `tables.MEASURED_KEYS`, or after network, kind, depth and step alone. Of more
            than three steps the first, a middle and the last one are shown, with a note.
        measure: name in `layer_measures.GRADIENT_MEASURES`.
        dark: for a dark page.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(GRADIENT_MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)
    # the panels have the step, so labels do not
    lines = [replace(line, label=line.name, earlier=False) for line in network_lines(table)]
    steps, left = _moments({line.step for line in lines})
    profiles = [_profile(line, measure, shown) for line in lines if line.step in steps]
    lines = [line for line in lines if line.step in steps]
    values = all_values(profiles)
    span = decade_span(np.concatenate([all_values(profiles, column) for column in ("value", "low", "high")]))
    facts = [
        EDGES,
        decade_note(span),
        "band: quartiles over batches" if any(map(_has_band, profiles)) else "",
        left_out(values),
        f"not shown: {', '.join(map(moment, left))}" if left else "",
    ]
    across = stage_axis(borders(profiles), colours) | {"uirevision": "stage"}
    upright = y_axis(shown.title, colours, span, log=True) | {"uirevision": measure}
    titles = [moment(step).capitalize() for step in steps] if steps else [""]
    axes, headings = panel_row(titles, across, upright, gap=GAP)
    traces = [
        trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"}
        for line, layers in zip(lines, profiles, strict=True)
        for mark in [axis_mark(1 + steps.index(line.step))]
        for trace in _traces(line, with_gaps(layers, log=True), shown, colours, foot=span[0])
    ]
    layout = base_layout(lines, facts, colours, height=height) | axes
    layout["annotations"] += headings
    return go.Figure({"data": named_once(traces), "layout": layout})


def _moments(steps: set[int | None]) -> tuple[list[int | None], list[int | None]]:
    """The first, a middle and the last, or all where there are no more, in order; and those left out."""
    order = sorted(steps, key=lambda step: inf if step is None else step)
    shown = order if len(order) <= MOST_PANELS else [order[0], order[len(order) // 2], order[-1]]
    return shown, [step for step in order if step not in shown]


def _profile(line: NetworkLine, measure: str, shown: LayerMeasure) -> pd.DataFrame:
    """With the columns `low` and `high`, quartiles; the value itself where the measure has none."""
    low, high = QUARTILES.get(measure, (measure, measure))
    found = profile(line, measure, shown)
    return found.assign(low=line.rows[low].astype(float), high=line.rows[high].astype(float))


def _has_band(layers: pd.DataFrame) -> bool:
    return bool((layers["low"] < layers["high"]).any())


def _traces(
    line: NetworkLine, layers: pd.DataFrame, shown: LayerMeasure, colours: theme.Palette, *, foot: float
) -> list[dict[str, Any]]:
    """The line of one network at one step, and the band behind it."""
    drawn = profile_trace(line, layers, shown, colours)
    if not _has_band(layers):
        return [drawn]
    place, low, high = layers.dropna(subset="value")[["place", "low", "high"]].to_numpy(float).T
    return [band(line, place, np.maximum(low, foot), high, colours), drawn]
