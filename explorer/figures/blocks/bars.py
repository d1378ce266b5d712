"""What each block is worth: the rise of the error without it, as bars under the blocks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.blocks.block_row import BlockRow, row_axis, row_traces
from explorer.figures.layer_axes import axis_mark, linear_span, panel_row, stage_borders, zero_line
from explorer.figures.network_lines import NetworkLine, network_lines

GAP = 0.04  # between panels, as a part of the width
MARGIN = {"l": 76, "r": 16, "t": 44, "b": 104}
LEAST_TOP = 10.0  # points, so that differences of a point do not look large
POINT = ["index", "stage", "block", "reference", "error", "standard_error"]  # customdata of a bar
ROW = 74  # pixels of the blocks above the bars
NONE_DRAWN: Mapping[str, BlockRow] = {}


def lesion_bars(
    table: pd.DataFrame, *, rows: Mapping[str, BlockRow] = NONE_DRAWN, dark: bool = False, height: int = 420
) -> go.Figure:
    """A panel for each network, plain before residual, on one scale: a bar for each block, how much its deletion costs.

    Lines separate the stages. A hollow bar: the block changes the shape; a cross: it cannot be deleted; no bar: not
    measured yet. Thin lines are standard errors. A bar's customdata is the block's index, stage, block, the reference,
    the error without it, and the standard error; errors in percent.

    Args:
        table: `tables.LESION`.
        rows: by reference: its blocks are drawn above the bars, see `block_row`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    rises = 100 * table["rise"].to_numpy(float)
    across = theme.axis(colours) | {"showgrid": False, "ticks": "", "title": theme.axis_title("stage")}
    upright = y_axis("rise of the error (points)", colours, linear_span(rises, (0.0, LEAST_TOP))) | zero_line(colours)
    titles = [_heading(line, rows.get(line.reference)) for line in lines]
    axes, headings = panel_row(titles, across, upright, gap=GAP) if lines else ({}, [])
    layout = theme.layout(colours, height=height) | axes
    layout |= {
        "annotations": [captions.note(_note(table), colours), *headings],
        "margin": MARGIN,
        "showlegend": False,
        "bargap": 0.25,
        "shapes": [],
    }
    traces: list[dict[str, Any]] = []
    bars = 1.0 - ROW / (height - MARGIN["t"] - MARGIN["b"]) if rows else 1.0  # their part of the height
    for number, line in enumerate(lines, start=1):
        mark, above = axis_mark(number), axis_mark(len(lines) + number)
        layout[f"yaxis{mark}"] |= {"domain": [0, bars]}
        if line.reference in rows:
            layout[f"yaxis{above}"] = row_axis((bars, 1)) | {"anchor": f"x{mark}"}
            traces += [
                trace | {"xaxis": f"x{mark}", "yaxis": f"y{above}"}
                for trace in row_traces(line, rows[line.reference], colours)
            ]
        layout[f"xaxis{mark}"] = _x_axis(line, layout[f"xaxis{mark}"])
        layout[f"xaxis{mark}"].pop("matches", None)  # networks of other depths have as many blocks as they have
        layout["shapes"] += [
            {
                "type": "line",
                "xref": f"x{mark}",
                "x0": border,
                "x1": border,
                "yref": f"y{mark} domain",
                "y0": 0,
                "y1": 1,
            }
            | {"line": {"color": colours.grid, "width": 2}, "layer": "below"}
            for border in stage_borders(line.rows["index"].to_numpy(float), line.rows)
        ]
        traces += [
            trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"}
            for trace in (_bars(line, colours), _crosses(line, colours))
        ]
    return go.Figure({"data": traces, "layout": layout})


def _heading(line: NetworkLine, row: BlockRow | None) -> str:
    if row is not None and row.errors is not None:
        before, after = row.errors
        return f"{line.label}: {100 * before:.1f} → {100 * after:.1f} % error"
    intact = line.rows["intact_error"].iloc[0]
    return line.label if np.isnan(intact) else f"{line.label}: {100 * intact:.1f} % error intact"


def _bars(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    rows = line.rows[line.rows["error"].notna()]
    ink = line.colour(colours)
    facts = rows.assign(
        reference=line.reference, error=100 * rows["error"], standard_error=100 * rows["standard_error"]
    )
    return {
        "type": "bar",
        "uid": f"{line.uid}-bars",
        "name": line.label,
        "x": rows["index"].to_numpy(np.float32),
        "y": (100 * rows["rise"]).to_numpy(np.float32),
        "customdata": facts[POINT].to_numpy(),
        "marker": {"color": np.where(rows["reshapes"], theme.CLEAR, ink), "line": {"color": ink, "width": 2}},
        "error_y": {
            "type": "data",
            "array": facts["standard_error"].to_numpy(np.float32),
            "color": colours.muted,
            "thickness": 1,
            "width": 0,
        },
        "hovertemplate": f"<b>{line.label}</b> without block %{{customdata[1]}}.%{{customdata[2]}}"
        "<br>rise %{y:.1f} ± %{customdata[5]:.1f} points<br>error %{customdata[4]:.1f} %<extra></extra>",
    }


def _crosses(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    rows = line.rows[line.rows["refused"] != ""]
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": f"{line.uid}-crosses",
        "name": line.label,
        "x": rows["index"].to_numpy(np.float32),
        "y": np.zeros(len(rows), np.float32),
        "cliponaxis": False,
        "customdata": rows[["stage", "block", "refused"]].to_numpy(),
        "marker": {"symbol": "x-thin", "size": 9, "line": {"color": colours.ink, "width": 2}},
        "hovertemplate": "block %{customdata[0]}.%{customdata[1]} stays:<br>%{customdata[2]}<extra></extra>",
    }


def _x_axis(line: NetworkLine, axis: dict[str, Any]) -> dict[str, Any]:
    middles = line.rows.groupby("stage")["index"].mean()
    ticks = {"tickvals": middles.to_list(), "ticktext": [str(stage) for stage in middles.index]}
    return axis | ticks | {"range": [0.4, len(line.rows) + 0.6], "uirevision": line.uid}


def _note(table: pd.DataFrame) -> str:
    measured = table.loc[table["error"].notna(), "images"].unique()[:1]
    parts = [f"each bar: one block deleted, on {int(images):,} test images" for images in measured]
    parts += ["hollow: the block changes the shape"] if table.loc[table["error"].notna(), "reshapes"].any() else []
    parts += ["cross: cannot be deleted, nothing has its shape"] if (table["refused"] != "").any() else []
    return captions.wrapped([*parts, "thin lines: standard error"])
