"""Refinement: direction and estimation error of blocks along the network, and the error of iterated blocks."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import axis_mark, linear_span, panel_row, panels, stage_borders, zero_line
from explorer.figures.network_lines import NetworkLine, band, base_layout, named_once, network_lines

GAP = 0.09  # between panels, as a part of the width
MARKER = 8
SHAPES = "gaps: the block changes the shape"


def refinement_profiles(table: pd.DataFrame, *, dark: bool = False, height: int = 480) -> go.Figure:
    """Left: cosine of F(x) and the negative gradient, with quartiles. Right: distance from the stage's last output.

    Args:
        table: `tables.REFINEMENT` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    facts = [
        "left: Jastrzebski et al. 2018 (arXiv 1710.04773), figure 2; above 0: towards a smaller loss",
        "right: Greff et al. 2017 (arXiv 1612.07771), equation 2",
        *(["plain: F(x) − x in place of F(x)"] if (table["kind"] == "plain").any() else []),
        SHAPES,
    ]
    layout = base_layout(lines, facts, colours, height=height)
    longest = max((line.rows for line in lines), key=len, default=table)
    number = np.arange(1.0, len(longest) + 1)
    borders = [
        {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
        | {"line": {"color": colours.grid, "width": 2}}
        for at in stage_borders(number, longest)
    ]
    layout["shapes"] = [border | {"xref": axis} for border in borders for axis in ("x", "x2")]
    headings = ("Cosine of F(x) and −gradient", "Distance to the stage's end")
    cosines = table[["cosine", "cosine_low", "cosine_high"]].to_numpy(float).ravel()
    spans = linear_span(cosines, (-0.05, 0.1)), (0.0, max(1.0, float(np.nanmax([*table["distance"], 0]))))
    for at, (domain, (low, high)) in enumerate(zip(panels(2, GAP), spans, strict=True), start=1):
        mark = axis_mark(at)
        across = {"range": [0.4, len(longest) + 0.6], "title": theme.axis_title("block"), "showgrid": False}
        layout[f"xaxis{mark}"] = theme.axis(colours) | across | {"domain": domain, "anchor": f"y{mark}"}
        layout[f"yaxis{mark}"] = y_axis("", colours, (low, high)) | {"title": None, "anchor": f"x{mark}"}
        layout["annotations"].append(captions.heading(headings[at - 1], domain[0]))
    layout["xaxis2"] |= {"matches": "x"}
    layout["yaxis"] |= zero_line(colours)
    traces = [trace for line in lines for trace in _profile(line, colours)]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _profile(line: NetworkLine, colours: theme.Palette) -> list[dict[str, Any]]:
    rows = line.rows
    number = np.arange(1.0, len(rows) + 1)
    known = rows["cosine"].notna().to_numpy()
    low, high = rows["cosine_low"].to_numpy(float), rows["cosine_high"].to_numpy(float)
    style = line.style(colours) | {
        "mode": "lines+markers",
        "cliponaxis": False,
        "marker": {"symbol": theme.MARKERS[line.kind][0], "size": MARKER, "color": line.colour(colours)},
        "x": number.astype(np.float32),
    }
    keys = rows[["name", "stage", "block", "estimation_error", "estimation_spread"]].to_numpy()
    hover = f"{line.title}<br>%{{customdata[0]}}, stage %{{customdata[1]}}, block %{{customdata[2]}}"
    cosine = style | {
        "y": rows["cosine"].to_numpy(np.float32),
        "customdata": keys,
        "uid": f"{line.uid}-cosine",
        "hovertemplate": f"{hover}<br>cosine %{{y:.3f}}<extra></extra>",
    }
    distance = style | {
        "y": rows["distance"].to_numpy(np.float32),
        "customdata": keys,
        "uid": f"{line.uid}-distance",
        "xaxis": "x2",
        "yaxis": "y2",
        "hovertemplate": f"{hover}<br>distance %{{y:.3f}} of the last output"
        "<br>mean difference %{customdata[3]:.3~g}, over units ± %{customdata[4]:.3~g}<extra></extra>",
    }
    runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(known.astype(int))) + 1)
    areas = [
        band(line, number[run], low[run], high[run], colours) | {"uid": f"{line.uid}-band-{run[0]}"}
        for run in runs
        if len(run) > 1 and known[run[0]]
    ]
    return [*areas, cosine, distance]


def iterated_blocks(table: pd.DataFrame, *, dark: bool = False, height: int = 460) -> go.Figure:
    """The error against the number of times that a block is applied, a panel per stage.

    Args:
        table: `tables.ITERATED` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    stages = sorted(int(stage) for stage in table["stage"].unique())
    most = int(table["times"].max()) if len(table) else 1
    facts = [
        "After Jastrzebski et al. 2018 (arXiv 1710.04773), section 4.3",
        "0: without the block, 1: the network itself",
    ]
    across = theme.axis(colours) | {"title": theme.axis_title("times"), "range": [-0.15, most + 0.15], "dtick": 1}
    if most > 12:
        del across["dtick"]
    upright = y_axis("error (%)", colours, (0.0, 100.0)) | {"uirevision": "error"}
    axes, headings = panel_row([f"Stage {stage}" for stage in stages] or [""], across, upright, gap=GAP / 2)
    layout = base_layout(lines, facts, colours, height=height) | axes
    layout["annotations"] += headings
    traces = [
        trace | {"xaxis": f"x{axis_mark(number)}", "yaxis": f"y{axis_mark(number)}"}
        for line in lines
        for number, stage in enumerate(stages, start=1)
        for trace in _iterated(line, stage, colours)
    ]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _iterated(line: NetworkLine, stage: int, colours: theme.Palette) -> list[dict[str, Any]]:
    rows = line.rows[line.rows["stage"] == stage]
    return [
        line.style(colours)
        | {
            "mode": "lines+markers",
            "cliponaxis": False,
            "marker": {"symbol": theme.MARKERS[line.kind][0], "size": MARKER, "color": line.colour(colours)},
            "x": each["times"].to_numpy(np.float32),
            "y": (100 * each["error"]).to_numpy(np.float32),
            "customdata": each[["name", "block", "loss"]].to_numpy(),
            "uid": f"{line.uid}-{stage}-{block}",
            "hovertemplate": f"{line.title}<br>%{{customdata[0]}}, stage {stage}, block %{{customdata[1]}}"
            "<br>%{x} times: error %{y:.1f} %, loss %{customdata[2]:.3~g}<extra></extra>",
        }
        for block, each in rows.groupby("block")
    ]
