"""Which blocks are critical: the rise of the error when a block is set back to earlier weights, as heat maps."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.layer_axes import axis_mark, panel_row
from explorer.figures.network_lines import NetworkLine, network_lines

GAP = 0.05  # between panels, as a part of the width
LEAST_TOP = 10.0  # points


def critical_blocks(table: pd.DataFrame, *, dark: bool = False, height: int = 560) -> go.Figure:
    """A heat map for each network, plain before residual, on one scale: blocks downwards, weights to the right.

    Args:
        table: `tables.CRITICAL`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    across = theme.axis(colours) | {"type": "category", "showgrid": False, "ticks": "", "fixedrange": True}
    across |= {"tickangle": 0, "title": theme.axis_title("weights of step")}
    upright = theme.axis(colours) | {"showgrid": False, "ticks": "", "title": theme.axis_title("stage")}
    axes, headings = panel_row([line.label for line in lines], across, upright, gap=GAP) if lines else ({}, [])
    rises = 100 * table["rise"].to_numpy(float)
    top = max(LEAST_TOP, float(np.nanmax(rises))) if len(rises) else LEAST_TOP
    title = {"text": "rise of the error (points)", "side": "right", "font": {"size": theme.TEXT_SIZE + 1}}
    layout = theme.layout(colours, height=height) | axes
    layout |= {
        "margin": {"l": 60, "r": 110, "t": 44, "b": 108},
        "annotations": [captions.note(_note(table), colours), *headings],
        "shapes": [],
        "coloraxis": {
            "colorscale": theme.SEQUENTIAL,
            "cmin": 0.0,
            "cmax": top,
            "colorbar": {"title": title, "tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted},
                         "thickness": 16, "outlinewidth": 0},
        },
    }  # fmt: skip
    traces = []
    for number, line in enumerate(lines, start=1):
        mark = axis_mark(number)
        cells = line.rows.pivot_table(index=["index", "stage", "block"], columns="weights", values="rise", sort=False)
        places = cells.index.to_frame(index=False)
        layout[f"yaxis{mark}"] = _y_axis(places, layout[f"yaxis{mark}"], first=number == 1)
        for axis in ("xaxis", "yaxis"):
            layout[f"{axis}{mark}"].pop("matches", None)  # each has its own blocks and steps
        layout["shapes"] += [
            {"type": "line", "xref": f"x{mark} domain", "x0": 0, "x1": 1, "yref": f"y{mark}", "y0": edge, "y1": edge}
            | {"line": {"color": colours.page, "width": 2}}
            for edge in np.flatnonzero(np.diff(places["stage"])) + 1.5
        ]
        traces.append(_map(line, cells, places) | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"})
    return go.Figure({"data": traces, "layout": layout})


def _map(line: NetworkLine, cells: pd.DataFrame, places: pd.DataFrame) -> dict[str, Any]:
    names = [f"{stage}.{block}" for stage, block in zip(places["stage"], places["block"], strict=True)]
    return {
        "type": "heatmap",
        "uid": f"{line.uid}-map",
        "name": line.label,
        "x": [_words(str(each)) for each in cells.columns],
        "y": places["index"].to_numpy(np.float32),
        "z": (100 * cells).to_numpy(np.float32),
        "customdata": np.tile(np.array(names)[:, None], (1, len(cells.columns))),
        "coloraxis": "coloraxis",
        "xgap": 1,
        "hoverongaps": False,
        "hovertemplate": f"<b>{line.label}</b>, block %{{customdata}}, weights of step: %{{x}}"
        "<br>rise %{z:.1f} points"
        "<extra></extra>",
    }


def _words(weights: str) -> str:
    """On the axis: a step, or "new"."""
    return "new" if weights.startswith("seed") else f"{int(weights):,}"


def _y_axis(places: pd.DataFrame, axis: dict[str, Any], *, first: bool) -> dict[str, Any]:
    middles = places.groupby("stage")["index"].mean()
    found: dict[str, Any] = {"tickvals": middles.to_list(), "ticktext": [str(stage) for stage in middles.index]}
    found |= {"range": [len(places) + 0.5, 0.5], "showticklabels": True}
    return axis | found | ({} if first else {"title": None})


def _note(table: pd.DataFrame) -> str:
    images = [f"{table['images'].iloc[0]:,} test images"] if len(table) else []
    return captions.wrapped(
        ["one block at a time has other weights; new: drawn at random", *images, "no rise: darkest"]
    )
