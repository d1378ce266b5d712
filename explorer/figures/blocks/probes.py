"""Errors of linear probes against the depth at which they read."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.axes import y_axis
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import stage_axis, stage_borders
from explorer.figures.network_lines import NetworkLine, band, base_layout, named_once, network_lines

MARKER = 7
OWN = 12  # size of the mark for the network itself
BESIDE = 0.02  # of the width: between the last probe and the mark of the network itself
POINT = ["name", "stage", "block", "reference", "c", "features", "train"]  # customdata of a point


def probe_errors(
    table: pd.DataFrame, *, x: Literal["relative", "block"] = "relative", dark: bool = False, height: int = 480
) -> go.Figure:
    """Test error of the probe after the stem and after every block; plain is dashed, residual solid.

    A band is one standard error to either side; the mark at the right is the network itself. A point's customdata is
    its name, stage, block, reference, C, number of features and training error in percent.

    Args:
        table: `tables.PROBES` after `tables.MEASURED_KEYS`.
        x: "relative" aligns the stages of all depths, "block" counts blocks.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    facts = ["band: one standard error", "mark at the right: the network itself", "left edge: after the stem"]
    highest = 100 * float((table["error"] + table["standard_error"]).max()) if len(table) else 90.0
    layout = base_layout(lines, facts, colours, height=height) | {
        "xaxis": _x_axis(lines, x, colours),
        "yaxis": y_axis("test error of the probe (%)", colours, (0.0, max(10.0, highest))) | {"uirevision": "kept"},
    }
    traces = [trace for line in lines for trace in _traces(line, x, colours)]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _traces(line: NetworkLine, x: str, colours: theme.Palette) -> list[dict[str, Any]]:
    rows, places = line.rows, _places(line.rows, x)
    error, spread = 100 * rows["error"].to_numpy(float), 100 * rows["standard_error"].to_numpy(float)
    probes = line.style(colours) | {
        "mode": "lines+markers",
        "x": places.astype(np.float32),
        "y": error.astype(np.float32),
        "uid": f"{line.uid}-line",
        "customdata": rows.assign(train=100 * rows["train_error"])[POINT].to_numpy(),
        "marker": {"symbol": theme.MARKERS[line.kind][0], "size": MARKER, "color": line.colour(colours)},
        "hovertemplate": f"{line.title}<br>after %{{customdata[0]}}, stage %{{customdata[1]}}"
        "<br>test error %{y:.1f} %, training %{customdata[6]:.1f} %"
        "<br>%{customdata[5]} features, C = %{customdata[4]:g}<extra></extra>",
    }
    own = line.style(colours) | {
        "mode": "markers",
        "x": [float(places[-1]) + BESIDE * float(places[-1])],
        "y": [100 * float(rows["network_error"].iloc[-1])],
        "uid": f"{line.uid}-own",
        "showlegend": False,
        "cliponaxis": False,
        "marker": {"symbol": "star-diamond", "size": OWN, "color": line.colour(colours)},
        "hovertemplate": f"{line.title}<br>the network itself: test error %{{y:.1f}} %<extra></extra>",
    }
    return [band(line, places, error - spread, error + spread, colours), probes, own]


def _places(rows: pd.DataFrame, x: str) -> Floats:
    """Of the points: 0 for the stem, 1 for each block; divided by the last one if relative."""
    points = rows["point"].to_numpy(float)
    return points / max(1.0, points[-1]) if x == "relative" else points


def _x_axis(lines: list[NetworkLine], x: str, colours: theme.Palette) -> dict[str, Any]:
    longest = max((line.rows for line in lines), key=len, default=None)
    borders = [] if longest is None else stage_borders(_places(longest, x), longest)
    if x == "relative":
        return stage_axis(borders, colours) | {"range": [-0.02, 1.05], "uirevision": x}
    last = 1.0 if longest is None else float(longest["point"].iloc[-1])
    lines_between = {"minor": {"tickmode": "array", "tickvals": borders, "showgrid": True, "gridcolor": colours.grid,
                               "gridwidth": 2}, "showgrid": False}  # fmt: skip
    title = theme.axis_title("block (0: stem)")
    return theme.axis(colours) | lines_between | {"range": [-0.02 * last, 1.05 * last], "title": title, "uirevision": x}
