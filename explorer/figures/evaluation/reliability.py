"""Reliability diagram: accuracy against confidence."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import decades
from explorer.figures.layer_axes import panels
from explorer.figures.network_lines import NetworkLine, base_layout, named_once, network_lines

GAP = 0.11  # between panels, as a part of the width
FEWEST = 10  # images of a bin whose accuracy is drawn
SMALLEST, LARGEST = 6.0, 18.0  # pixels, of the dots of the emptiest and of the fullest bins


def reliability_diagram(table: pd.DataFrame, *, dark: bool = False, height: int = 480) -> go.Figure:
    """Left the accuracy of networks among images of about equal confidence, right the share of these images.

    On the diagonal a network is calibrated; below it is overconfident. A larger dot is more images; the accuracy of
    fewer than ten is left out.

    Args:
        table: `tables.CALIBRATION` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels.

    Source: Guo et al. 2017 (arXiv 1706.04599), figure 1.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    traces = [_diagonal(colours)] + [trace for line in lines for trace in _traces(line, colours)]
    facts = ["dotted: calibrated", "below: overconfident", f"a larger dot: more images, at least {FEWEST}"]
    layout = base_layout(lines, facts, colours, height=height) | _axes(colours)
    layout["annotations"] += [
        captions.heading(text, domain[0]) for text, domain in zip(("Accuracy", "Images"), panels(2, GAP), strict=True)
    ]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _axes(colours: theme.Palette) -> dict[str, Any]:
    left, right = panels(2, GAP)
    across = theme.axis(colours) | {"range": [-1, 101], "title": theme.axis_title("confidence (%)")}
    shares = theme.axis(colours) | {"type": "log", "range": [-2, 2.05], "title": theme.axis_title("images (%)")}
    return {
        "xaxis": across | {"domain": left, "anchor": "y"},
        "yaxis": theme.axis(colours)
        | {"range": [-2, 102], "title": theme.axis_title("accuracy (%)"), "anchor": "x", "uirevision": "right"},
        "xaxis2": across | {"domain": right, "anchor": "y2", "matches": "x"},
        "yaxis2": shares | decades(0.01, 100) | {"anchor": "x2", "uirevision": "images"},
    }


def _diagonal(colours: theme.Palette) -> dict[str, Any]:
    return {
        "type": "scatter",
        "uid": "diagonal",
        "mode": "lines",
        "x": [0, 100],
        "y": [0, 100],
        "line": {"color": colours.muted, "width": 2, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": "diagonal",
    }


def _traces(line: NetworkLine, colours: theme.Palette) -> list[dict[str, Any]]:
    """A network in both panels."""
    bins = line.rows[line.rows["images"] > 0]
    share = bins["images"].to_numpy(float) / bins["images"].sum()
    size = SMALLEST + (LARGEST - SMALLEST) * np.sqrt(share)
    meaning = np.column_stack([100 * bins["low"], 100 * bins["high"], bins["images"], 100 * share])
    inside = "%{customdata[0]:.0f} to %{customdata[1]:.0f} %: %{customdata[2]:,} images"
    shared = line.style(colours) | {"x": (100 * bins["confidence"]).to_numpy(np.float32), "customdata": meaning}
    accuracy = bins["accuracy"].where(bins["images"] >= FEWEST)
    return [
        shared
        | {
            "uid": f"{line.uid}-right",
            "mode": "lines+markers",
            "y": (100 * accuracy).to_numpy(np.float32),
            "marker": {"size": size, "opacity": 1, "line": {"width": 0}},
            "hovertemplate": f"{line.title}<br>{inside}<br>confidence %{{x:.1f}} %, accuracy %{{y:.1f}} %"
            "<extra></extra>",
        },
        shared
        | {
            "uid": f"{line.uid}-images",
            "mode": "lines",
            "y": (100 * share).astype(np.float32),
            "xaxis": "x2",
            "yaxis": "y2",
            "hovertemplate": f"{line.title}<br>{inside} (%{{customdata[3]:.2f}} %)<extra></extra>",
        },
    ]
