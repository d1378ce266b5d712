"""Shattered gradients: the correlation of the gradients at two nearby inputs."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import zero_line
from explorer.figures.network_lines import NetworkLine, band, base_layout, network_lines

DISTANCES, DEPTHS = (0.0, 0.6), (0.68, 1.0)  # as parts of the width
MARKER = 10
SPAN = (-0.25, 1.0)  # of the y axis, unless the data go lower

SOURCE = "After Balduzzi et al. 2017 (arXiv 1702.08591), figure 1: with depth, plain gradients become white noise"


def gradient_autocorrelation(table: pd.DataFrame, *, dark: bool = False, height: int = 500) -> go.Figure:
    """Left: autocorrelation of input gradients against the distance of two inputs. Right: at the smallest distance.

    Left: a line per network, with a band for the quartiles over lines between images. Right: a line for plain networks,
    dashed, and one for residual ones, against depth. White noise is at zero.

    Args:
        table: `tables.SHATTERING`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    traces = [trace for line in lines for trace in _against_distance(line, colours)]
    near = table[table["distance"] > 0].sort_values("distance").drop_duplicates("network").sort_values("depth")
    traces += [_against_depth(rows, str(kind), colours) for kind, rows in near.groupby("kind")]
    facts = ["band: quartiles over lines between images", "zero: white noise", SOURCE]
    foot = min([SPAN[0], *table["low"].dropna()])
    upright = y_axis("autocorrelation", colours, (foot, SPAN[1])) | zero_line(colours) | {"uirevision": "kept"}
    across = theme.axis(colours) | {"title": theme.axis_title("distance (fraction of the line between two images)")}
    depths = [str(depth) for depth in near["depth"].unique()]
    kinds = {"type": "category", "categoryorder": "array", "categoryarray": depths, "title": theme.axis_title("depth")}
    layout = base_layout(lines, facts, colours, height=height) | {
        "xaxis": across | {"domain": DISTANCES, "anchor": "y", "rangemode": "tozero", "uirevision": "distance"},
        "xaxis2": theme.axis(colours) | kinds | {"domain": DEPTHS, "anchor": "y2", "uirevision": "depth"},
        "yaxis": upright | {"anchor": "x"},
        "yaxis2": upright | {"anchor": "x2", "matches": "y", "showticklabels": False, "title": None},
    }
    headings = {"Gradients at two inputs": DISTANCES, "At the smallest distance": DEPTHS}
    layout["annotations"] += [captions.heading(text, domain[0]) for text, domain in headings.items()]
    return go.Figure({"data": traces, "layout": layout})


def _against_distance(line: NetworkLine, colours: theme.Palette) -> list[dict[str, Any]]:
    rows = line.rows.sort_values("distance")
    distance, value, low, high = rows[["distance", "autocorrelation", "low", "high"]].to_numpy(float).T
    drawn = line.style(colours) | {
        "mode": "lines",
        "x": distance.astype(np.float32),
        "y": value.astype(np.float32),
        "uid": f"{line.uid}-line",
        "hovertemplate": f"<b>{line.name}</b><br>distance %{{x:.3f}}<br>autocorrelation %{{y:.2f}}<extra></extra>",
    }
    return [band(line, distance, low, high, colours), drawn]


def _against_depth(rows: pd.DataFrame, kind: str, colours: theme.Palette) -> dict[str, Any]:
    """One line for a kind, with points in the colours of the depths."""
    own = [colours.depth(int(depth)) for depth in rows["depth"]]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": rows["depth"].astype(str).to_numpy(object),
        "y": rows["autocorrelation"].to_numpy(np.float32),
        "customdata": rows[["network", "distance"]].to_numpy(),
        "xaxis": "x2",
        "yaxis": "y2",
        "uid": f"{kind}-depths",
        "showlegend": False,
        "line": {"color": colours.muted, "width": 3, "dash": theme.DASHES[kind]},
        "marker": {"symbol": theme.MARKERS[kind][0], "size": MARKER, "color": own, "line": {"color": own, "width": 2}},
        "hovertemplate": "<b>%{customdata[0]}</b><br>distance %{customdata[1]:.3f}"
        "<br>autocorrelation %{y:.2f}<extra></extra>",
    }
