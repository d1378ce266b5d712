"""Test error against the depth of residual networks: published, and measured here."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis

COLOURS = (20, 32, 56)  # depths whose colours the lines take; a third for what was measured here
SYMBOLS = ("circle", "square-open", "diamond")
HERE = "here"
NEAR = 0.12  # decades of depth: numbers of points nearer to the next would overlap on a telephone


def error_by_depth(table: pd.DataFrame, *, dark: bool = False, height: int = 440) -> go.Figure:
    """A line for each source, with its numbers at the points, but where they would overlap; the x axis is logarithmic.

    Args:
        table: source, network, depth, test_error (fraction); the source "here" is drawn last.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    sources = sorted(table["source"].unique(), key=lambda source: (source == HERE, source))
    places = {source: place for place, source in enumerate(sources)}
    depths = sorted({int(depth) for depth in table["depth"]})
    layout = theme.layout(colours, height=height) | {
        "xaxis": theme.axis(colours)
        | {"title": theme.axis_title("depth (layers)"), "type": "log", "range": [1.2, 3.2]}
        | {"tickvals": depths, "ticktext": [f"{depth:,}" for depth in depths]},
        "yaxis": y_axis("test error, CIFAR-10 (%)", colours, (0.0, 104 * float(table["test_error"].max()))),
        "legend": captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "margin": {"l": 72, "r": 40, "t": 44, "b": 68},
    }
    traces = []
    for source in sources:
        rows, place = table[table["source"] == source].sort_values("depth"), places[source]
        colour = colours.ink if source == HERE else colours.depth(COLOURS[place % len(COLOURS)])
        values = 100 * rows["test_error"].astype(float)
        near = np.diff(np.log10(rows["depth"].to_numpy(float)), append=np.inf) < NEAR
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers+text",
                "uid": f"source-{place}",
                "name": source,
                "x": rows["depth"].tolist(),
                "y": values.tolist(),
                "line": {"color": colour, "width": 3, "dash": "solid" if source == HERE else "6px,3px"},
                "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 11, "color": colour},
                "text": [
                    "" if hidden else f"{value:.1f}" if source == HERE else f"{value:.2f}"
                    for value, hidden in zip(values, near, strict=True)
                ],
                "textposition": "bottom center" if place else "top center",
                "textfont": {"size": theme.TEXT_SIZE, "color": colour},
                "cliponaxis": False,
                "hovertemplate": f"<b>%{{customdata}}</b>, {source}<br>test error %{{y:.2f}} %<extra></extra>",
                "customdata": rows["network"].tolist(),
            }
        )
    return go.Figure({"data": traces, "layout": layout})
