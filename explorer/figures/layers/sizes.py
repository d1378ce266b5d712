"""Parameters, multiply-adds and receptive field of each layer."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import decades, y_axis
from explorer.figures.layer_axes import axis_mark, panels
from explorer.figures.network_lines import NetworkLine, base_layout, named_once, network_lines

GAP = 0.075  # between panels, as a part of the width
PANELS = {"parameters": "Parameters", "multiply_adds": "Multiply-adds", "receptive_field": "Receptive field, pixels"}


def layer_sizes(table: pd.DataFrame, *, dark: bool = False, height: int = 440) -> go.Figure:
    """Parameters, multiply-adds and receptive field of the layers on the main path of networks, a panel each.

    A dotted line is the image size. A point's customdata is its layer, name, stage, block and network.

    Args:
        table: `tables.DESCRIBED_KEYS` and `tables.DESCRIBED_LAYERS`, as `explorer.sizes` gives them by layer.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    main = table[table["layer"].notna()]
    lines = network_lines(main)
    traces = [
        _trace(line, column, title, axis_mark(number), colours)
        for number, (column, title) in enumerate(PANELS.items(), start=1)
        for line in lines
    ]
    sides = sorted(set(main["image_size"]))
    deepest = int(main["depth"].max())
    last = axis_mark(len(PANELS))
    traces += [_side(side, deepest, last, colours) for side in sides]
    facts = [
        "projections and excitations: in the table only",
        "dotted: the image size",
    ]
    layout = base_layout(lines, facts, colours, height=height)
    for number, (column, domain) in enumerate(zip(PANELS, panels(len(PANELS), GAP), strict=True), start=1):
        mark = axis_mark(number)
        across = {"range": [0, deepest + 1], "title": theme.axis_title("layer"), "domain": domain, "anchor": f"y{mark}"}
        values = main[column].to_numpy(float)
        upright = y_axis("", colours, (float(values.min()), float(values.max())), log=True) | {"title": None}
        upright |= decades(float(values.min()), 2 * float(values.max())) | {"anchor": f"x{mark}"}
        layout[f"xaxis{mark}"] = theme.axis(colours) | across
        layout[f"yaxis{mark}"] = upright | {"tickformat": "~s"}
        layout["annotations"].append(captions.heading(PANELS[column], domain[0]))
    return go.Figure({"data": named_once(traces), "layout": layout})


def _trace(line: NetworkLine, column: str, title: str, mark: str, colours: theme.Palette) -> dict[str, Any]:
    rows = line.rows
    return line.style(colours) | {
        "mode": "lines",
        "x": rows["layer"].to_numpy(np.float32),
        "y": rows[column].to_numpy(np.float32),
        "uid": f"{line.uid}-{column}",
        "xaxis": f"x{mark}",
        "yaxis": f"y{mark}",
        "customdata": rows[["layer", "name", "stage", "block", "network"]].to_numpy(),
        "text": [f"{value:,}" for value in rows[column]],
        "hovertemplate": f"<b>{line.name}</b>, layer %{{customdata[0]}}, %{{customdata[1]}}<br>"
        f"stage %{{customdata[2]}}, block %{{customdata[3]}}<br>{title.partition(',')[0].lower()} %{{text}}"
        "<extra></extra>",
    }


def _side(side: int, deepest: int, mark: str, colours: theme.Palette) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, deepest + 1],
        "y": [side, side],
        "uid": f"side-{side}",
        "xaxis": f"x{mark}",
        "yaxis": f"y{mark}",
        "name": f"{side} pixels",
        "legendgroup": f"side-{side}",
        "showlegend": False,
        "line": {"color": colours.muted, "width": 1.5, "dash": "1px,3px"},
        "hovertemplate": f"image size: {side} pixels<extra></extra>",
    }
