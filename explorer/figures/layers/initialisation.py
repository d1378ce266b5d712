"""Responses and gradients of untrained networks along the depth."""

import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import axis_mark, decade_note, decade_span, left_out, panel_row, stage_axis
from explorer.figures.layer_measures import GRADIENT_MEASURES, RESPONSE_MEASURES
from explorer.figures.layers.profiles import all_values, borders, profile, profile_trace, with_gaps, without_classifier
from explorer.figures.network_lines import NetworkLine, base_layout, named_once, network_lines
from explorer.registry import lookup

GAP = 0.04  # between panels, as a part of the width
MEASURES = {
    "response_std": RESPONSE_MEASURES["response_std"],
    "gradient_norm": GRADIENT_MEASURES["gradient_norm"],
    "response_gradient": GRADIENT_MEASURES["response_gradient"],
}


def xray(table: pd.DataFrame, *, measure: str = "response_std", dark: bool = False, height: int = 480) -> go.Figure:
    """A measure of every layer of untrained networks; a panel for each variant of their batch norms, on one scale.

    The x axis is the relative depth of a layer. The y axis is logarithmic, six decades or more. Plain is dashed,
    residual solid. Values that are infinite, not a number or zero are left out, and counted in the note.

    Args:
        table: `tables.XRAY`; panels in the order of its variants.
        measure: name in `MEASURES`.
        dark: for a dark page.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)

    def measured(line: NetworkLine) -> pd.DataFrame:
        layers = profile(line, measure, shown)
        return without_classifier(layers) if measure == "response_std" else layers

    found = [
        (variant, line, measured(line))
        for variant, rows in table.groupby("variant", sort=False)
        for line in network_lines(rows)
    ]
    profiles = [layers for _, _, layers in found]
    values = all_values(profiles)
    span = decade_span(values)
    lines = network_lines(table.drop_duplicates("network"))
    facts = ["left edge: stem, right edge: classifier", decade_note(span), left_out(values)]
    across = stage_axis(borders(profiles), colours) | {"uirevision": "stage"}
    upright = y_axis(shown.title, colours, span, log=True) | {"uirevision": measure}
    variants = list(table["variant"].unique())
    axes, headings = panel_row([each.capitalize() for each in variants] or [""], across, upright, gap=GAP)
    traces = [
        trace | {"uid": f"{trace['uid']}-{variant}", "xaxis": f"x{mark}", "yaxis": f"y{mark}"}
        for variant, line, layers in found
        for mark in [axis_mark(1 + variants.index(variant))]
        for trace in [profile_trace(line, with_gaps(layers, log=True), shown, colours)]
    ]
    layout = base_layout(lines, facts, colours, height=height) | axes
    layout["annotations"] += headings
    return go.Figure({"data": named_once(traces), "layout": layout})
