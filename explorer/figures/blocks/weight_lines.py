"""The loss along a line through the weights of networks."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.blocks.loss_scale import LEAST_LOSS, clipped, loss_span
from explorer.figures.layer_axes import panels
from explorer.figures.network_lines import NetworkLine, base_layout, named_once, network_lines

GAP = 0.1  # between the panels, as a part of the width
SOURCE = "After Li et al. 2018 (arXiv 1712.09913), figure 2"
UNITS = "1: each filter moved by a random one of its own norm"


def loss_lines(table: pd.DataFrame, *, dark: bool = False, height: int = 460) -> go.Figure:
    """Loss (logarithmic) and error along one direction; plain is dashed, residual solid; the networks are at zero.

    Args:
        table: `tables.LANDSCAPE` after `tables.MEASURED_KEYS`, of lines (b is 0).
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    low, high = loss_span(table["loss"])
    layout = base_layout(
        lines, filter(None, [SOURCE, UNITS, clipped(table["loss"], (low, high))]), colours, height=height
    )
    domains = panels(2, GAP)
    across = theme.axis(colours) | {"title": theme.axis_title("along the direction"), "uirevision": "direction"}
    across |= {"zeroline": True, "zerolinecolor": colours.muted, "zerolinewidth": 2}
    layout["xaxis"] = across | {"domain": domains[0], "anchor": "y"}
    layout["xaxis2"] = across | {"domain": domains[1], "anchor": "y2", "matches": "x"}
    layout["yaxis"] = y_axis("loss", colours, (10**low / 1.2, 10**high), log=True) | {"uirevision": "loss"}
    layout["yaxis2"] = y_axis("error (%)", colours, (0.0, 100.0)) | {"anchor": "x2", "uirevision": "error"}
    layout["annotations"] += [captions.heading(text, domains[at][0]) for at, text in enumerate(("Loss", "Error"))]
    traces = [_trace(line, measure, colours) for line in lines for measure in ("loss", "error")]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _trace(line: NetworkLine, measure: str, colours: theme.Palette) -> dict[str, object]:
    rows = line.rows.sort_values("a")
    values = rows["loss"].clip(lower=LEAST_LOSS) if measure == "loss" else 100 * rows["error"]
    mark = "" if measure == "loss" else "2"
    few = len(rows) <= 21
    return line.style(colours) | {
        "mode": "lines+markers" if few else "lines",
        "marker": {"symbol": theme.MARKERS[line.kind][0], "size": 7, "color": line.colour(colours)},
        "x": rows["a"].to_numpy(np.float32),
        "y": values.replace([np.inf, -np.inf], np.nan).to_numpy(np.float32),
        "xaxis": f"x{mark}",
        "yaxis": f"y{mark}",
        "uid": f"{line.uid}-{measure}",
        "hovertemplate": f"{line.title}<br>at %{{x:.2f}}: {measure} %{{y:.3~g}}{' %' if mark else ''}<extra></extra>",
    }
