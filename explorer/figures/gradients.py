"""Gradient norms along the depth of networks, early and late in training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis

MOST_PANELS = 3
GAP = 0.05  # between panels, as a part of the width
STAGES = {"1": 1 / 6, "2": 1 / 2, "3": 5 / 6}  # their middles; all have the same number of layers

NOTE = "left edge: stem, right edge: classifier\u2003dashed: plain, solid: residual"


def gradient_norms(table: pd.DataFrame, *, dark: bool = False, height: int = 420) -> go.Figure:
    """Norm of the loss gradient of every layer from the stem to the classifier; a panel for each moment of training.

    The x axis is the place of a layer relative to the depth, so that the stages of all networks stand above each
    other; the hover text says the layer. Plain is dashed, residual solid.

    Args:
        table: network, kind, depth, step, then `tables.GRADIENTS`; several rows of a layer (of seeds) are averaged.
            Of more than three steps the first, a middle and the last one are shown.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    shown = _moments(sorted(table["step"].unique()))
    table = table[table["step"].isin(shown) & (table["gradient_norm"] > 0)]
    upright = y_axis("gradient norm", colours, _span(table["gradient_norm"]), log=True)
    networks = table.sort_values("step").drop_duplicates("network").sort_values(["kind", "depth", "network"])
    legend, legend_height = captions.legend_by_kind(networks["kind"])
    traces: list[dict[str, Any]] = []
    layout = theme.layout(colours, height=height) | {
        "legend": legend,
        "margin": {"l": 84, "r": 16, "t": 44 + legend_height, "b": 92},
    }
    annotations = [captions.note(NOTE, colours)]
    for number, step in enumerate(shown, start=1):
        mark = "" if number == 1 else str(number)
        place = {"xaxis": f"x{mark}", "yaxis": f"y{mark}"}
        for name, first in zip(networks["network"], networks["step"], strict=True):
            rows = table[(table["network"] == name) & (table["step"] == step)]
            if len(rows):
                traces.append(
                    _trace(rows, colours) | place | {"uid": f"{name}-{number}", "showlegend": bool(step == first)}
                )
        width = (1 - GAP * (len(shown) - 1)) / len(shown)
        start = (number - 1) * (width + GAP)
        layout[f"xaxis{mark}"] = _x_axis(colours) | {"domain": [start, start + width], "anchor": f"y{mark}"}
        layout[f"yaxis{mark}"] = upright | {"anchor": f"x{mark}"}
        if mark:
            layout[f"xaxis{mark}"] |= {"matches": "x"}
            layout[f"yaxis{mark}"] |= {"matches": "y", "showticklabels": False, "title": None}
        annotations.append(captions.heading(f"Step {step:,}", start))
    return go.Figure({"data": traces, "layout": layout | {"annotations": annotations}})


def _moments(steps: Sequence[int]) -> list[int]:
    """The first, a middle and the last, or all where there are no more."""
    return list(steps) if len(steps) <= MOST_PANELS else [steps[0], steps[len(steps) // 2], steps[-1]]


def _span(values: pd.Series) -> tuple[float, float]:
    """Foot and top of the logarithmic y axis."""
    return (float(values.min()) / 1.5, float(values.max()) * 1.5) if len(values) else (0.001, 1.0)


def _trace(rows: pd.DataFrame, colours: theme.Palette) -> dict[str, Any]:
    """One network at one step."""
    network, kind = str(rows["network"].iloc[0]), str(rows["kind"].iloc[0])
    depth, step = int(rows["depth"].iloc[0]), int(rows["step"].iloc[0])
    layers = rows.groupby(["layer", "name"], as_index=False)["gradient_norm"].mean()
    return {
        "type": "scatter",
        "mode": "lines",
        "x": ((layers["layer"] - 1) / max(1, layers["layer"].max() - 1)).to_numpy(np.float32),
        "y": layers["gradient_norm"].to_numpy(np.float32),
        "customdata": layers[["layer", "name"]].to_numpy(),
        "name": network,
        "legendgroup": network,
        "line": {"color": colours.depth(depth), "width": 3, "dash": theme.DASHES[kind]},
        "hovertemplate": f"<b>{network}</b>, step {step:,}<br>layer %{{customdata[0]}} of {depth}, %{{customdata[1]}}"
        "<br>gradient norm %{y:.3~g}<extra></extra>",
    }


def _x_axis(colours: theme.Palette) -> dict[str, Any]:
    """Stages named at their middles, with a line between them."""
    boundaries = {"tickmode": "array", "tickvals": [1 / 3, 2 / 3], "showgrid": True, "gridcolor": colours.grid}
    return theme.axis(colours) | {
        "range": [-0.02, 1.02],
        "title": theme.axis_title("stage"),
        "showgrid": False,
        "ticks": "",
        "tickvals": list(STAGES.values()),
        "ticktext": list(STAGES),
        "minor": boundaries,
    }
