"""Responses of the layers: along the network, sorted as in He et al. 2015, figure 7, and distributions."""

from math import inf
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import decade_note, decade_span, left_out, linear_span, stage_axis, zero_line
from explorer.figures.layer_measures import RESPONSE_MEASURES
from explorer.figures.layers.profiles import all_values, borders, profile, profile_trace, with_gaps, without_classifier
from explorer.figures.network_lines import NetworkLine, base_layout, network_lines, rings
from explorer.registry import lookup

ALONG, SORTED = (0.0, 0.57), (0.64, 1.0)  # as parts of the width
STEP_WIDTH = 2  # pixels, of a distribution

PUBLISHED = "He et al. 2015, figure 7: residual networks respond less than plain ones, deeper ones less per layer"


def response_levels(
    table: pd.DataFrame,
    *,
    measure: str = "response_std",
    log_y: bool = False,
    x: Literal["layer", "relative"] = "layer",
    selected: int | None = None,
    dark: bool = False,
    height: int = 540,
) -> go.Figure:
    """A measure of each layer's responses: left along the network, right the same values sorted, the largest first.

    Plain is dashed, residual solid. The classifier is left out; the stem is layer 1. A point's customdata is its
    layer, name, stage, block and reference.

    Args:
        table: `tables.RESPONSES` after `tables.MEASURED_KEYS`.
        measure: name in `layer_measures.RESPONSE_MEASURES`.
        log_y: logarithmic y axis, six decades or more; values not positive are left out, and counted in the note.
        x: "layer" counts, with a dot where a stage begins; "relative" aligns the stages of all depths.
        selected: number of a layer, with a ring in every line that has it.
        dark: for a dark page.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(RESPONSE_MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    profiles = [without_classifier(profile(line, measure, shown)) for line in lines]
    values = all_values(profiles)
    span = decade_span(values, 100.0 if shown.percent else inf) if log_y else linear_span(values, shown.reach)
    traces: list[dict[str, Any]] = []
    for line, layers in zip(lines, profiles, strict=True):
        along = with_gaps(layers, log=log_y)
        ranked = along.dropna(subset="value").sort_values("value", ascending=False, kind="stable")
        ranks = np.arange(1, len(ranked) + 1)
        if x == "layer":
            along, ranked = along.assign(place=along["layer"]), ranked.assign(place=ranks)
        else:
            ranked = ranked.assign(place=(ranks - 1) / max(1, len(ranks) - 1))
        for rows, mark in ((along, ""), (ranked, "2")):
            dotted = _stage_starts(rows) if x == "layer" and not mark else None
            drawn = profile_trace(line, rows, shown, colours, dotted=dotted) | {"showlegend": not mark}
            traces += [
                trace | {"uid": f"{trace['uid']}{mark}", "xaxis": f"x{mark}", "yaxis": f"y{mark}"}
                for trace in (drawn, *rings(line, rows[rows["layer"] == selected], colours))
            ]

    facts = [
        "dot: first layer of a stage" if x == "layer" else "",
        decade_note(span) if log_y else "",
        left_out(values, log=log_y),
        PUBLISHED if measure == "response_std" else "",
    ]
    layout = base_layout(lines, facts, colours, height=height)
    upright = y_axis(shown.title, colours, span, log=log_y) | zero_line(colours) | {"uirevision": f"{measure}-{log_y}"}
    if x == "layer":
        deepest = max((int(layers["layer"].max()) for layers in profiles), default=1)
        across = theme.axis(colours) | {"range": [0, deepest + 1]}
        along_axis, sorted_axis = across | {"title": theme.axis_title("layer")}, across
    else:
        across = stage_axis(borders(profiles), colours)
        along_axis, sorted_axis = across, across | {"minor": None, "showticklabels": False}
    layout |= {
        "xaxis": along_axis | {"domain": ALONG, "anchor": "y", "uirevision": x},
        "xaxis2": sorted_axis
        | {"domain": SORTED, "anchor": "y2", "uirevision": x, "title": theme.axis_title("layers, largest first")},
        "yaxis": upright | {"anchor": "x"},
        "yaxis2": upright | {"anchor": "x2", "matches": "y", "showticklabels": False, "title": None},
    }
    layout["annotations"] += [captions.heading("Along the network", ALONG[0]), captions.heading("Sorted", SORTED[0])]
    return go.Figure({"data": traces, "layout": layout})


def response_distribution(table: pd.DataFrame, *, dark: bool = False, height: int = 460) -> go.Figure:
    """Distribution of the responses of one layer in several networks, as step lines of densities.

    Args:
        table: `tables.HISTOGRAM` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    densities = (table["fraction"] / (table["high"] - table["low"])).to_numpy(float)
    layout = base_layout(lines, ["first and last bin: values beyond, too"], colours, height=height)
    layers = table[["layer", "name"]].drop_duplicates().itertuples(index=False)
    layout["annotations"].append(captions.heading(", ".join(f"Layer {layer}, {name}" for layer, name in layers), 0.0))
    layout |= {
        "xaxis": theme.axis(colours)
        | zero_line(colours)
        | {"title": theme.axis_title("response"), "uirevision": "response"},
        "yaxis": y_axis("density", colours, linear_span(densities, (0.0, 0.0))) | {"uirevision": "density"},
    }
    return go.Figure({"data": [_steps(line, colours) for line in lines], "layout": layout})


def _stage_starts(rows: pd.DataFrame) -> pd.Series:
    """Whether a layer is the first of its stage."""
    return (rows["stage"] != rows["stage"].shift()) & (rows["block"] > 0)


def _steps(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    bins = line.rows.sort_values("low")
    density = (bins["fraction"] / (bins["high"] - bins["low"])).to_numpy(np.float32)
    first = bins.iloc[0]
    style = line.style(colours)
    return style | {
        "mode": "lines",
        "x": np.append(bins["low"], bins["high"].iloc[-1]).astype(np.float32),
        "y": np.append(density, density[-1]),
        "line": style["line"] | {"shape": "hv", "width": STEP_WIDTH},
        "uid": line.uid,
        "hovertemplate": f"{line.title}<br>layer {first['layer']}, {first['name']}, stage {first['stage']}"
        "<br>response %{x:.3~g}, density %{y:.3~g}<extra></extra>",
    }
