"""Loss landscapes of networks beside each other, as contours and as surfaces, on one scale."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.blocks.loss_scale import (
    clipped,
    colour_axis,
    contour_lines,
    grid_of,
    logarithms,
    loss_contour,
    loss_span,
    loss_ticks,
)
from explorer.figures.layer_axes import axis_mark, panel_row, panels
from explorer.figures.network_lines import NetworkLine, network_lines

GAP = 0.05  # between panels, as a part of the width
MARGIN = {"l": 64, "r": 110, "t": 44, "b": 112}
ORIGIN = 13  # size of the mark
SOURCE = "After Li et al. 2018 (arXiv 1712.09913), figures 1 and 5"
UNITS = "1: each filter moved by a random one of its own norm"
STAYS = "norms and biases stay, running statistics of the trained network"
EYE, CENTRE = {"x": 1.7, "y": -1.85, "z": 1.3}, {"x": 0, "y": 0, "z": -0.15}


def loss_contours(table: pd.DataFrame, *, dark: bool = False, height: int = 520) -> go.Figure:
    """Contours of the loss around networks, a panel each, on one colour scale; the network itself is marked.

    A point's customdata is the loss and the error in percent.

    Args:
        table: `tables.LANDSCAPE` after `tables.MEASURED_KEYS`, of planes; grids of any size.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    span = loss_span(table["loss"])
    across = _axis(colours, "first direction")
    upright = _axis(colours, "second direction")
    axes, headings = panel_row([line.label for line in lines] or [""], across, upright, gap=GAP)
    note = captions.wrapped(filter(None, [SOURCE, UNITS, STAYS, clipped(table["loss"], span)]))
    layout = theme.layout(colours, height=height) | {
        "margin": MARGIN | {"b": MARGIN["b"] + 20 * note.count("<br>")},
        "coloraxis": colour_axis(span, colours),
        "annotations": [captions.note(note, colours), *headings],
        "showlegend": False,
        **axes,
    }
    traces: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        mark = axis_mark(number)
        place = {"xaxis": f"x{mark}", "yaxis": f"y{mark}"}
        traces += [_contour(line, span, colours) | place, _origin(line, colours) | place]
    return go.Figure({"data": traces, "layout": layout})


def loss_surfaces(table: pd.DataFrame, *, dark: bool = False, height: int = 560) -> go.Figure:
    """The loss around networks as surfaces that can be turned, beside each other, on one scale of colour and height.

    Args:
        table, dark, height: as for `loss_contours`.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    span = loss_span(table["loss"])
    note = captions.wrapped(filter(None, [SOURCE, UNITS, STAYS, clipped(table["loss"], span)]))
    domains = panels(max(1, len(lines)), 0.01)
    layout = theme.layout(colours, height=height) | {
        "margin": {"l": 8, "r": MARGIN["r"], "t": 44, "b": 64 + 20 * note.count("<br>")},
        "coloraxis": colour_axis(span, colours),
        "annotations": [captions.note(note, colours) | {"yshift": -14}]
        + [captions.heading(line.label, domain[0]) for line, domain in zip(lines, domains, strict=False)],
        "showlegend": False,
    }
    traces: list[dict[str, Any]] = []
    for number, (line, domain) in enumerate(zip(lines, domains, strict=False), start=1):
        scene = f"scene{axis_mark(number)}"
        layout[scene] = _scene(span, domain, colours)
        traces += [each | {"scene": scene} for each in _surface(line, span, colours)]
    return go.Figure({"data": traces, "layout": layout})


def _axis(colours: theme.Palette, title: str) -> dict[str, Any]:
    return theme.axis(colours) | {"title": theme.axis_title(title), "showgrid": False, "nticks": 6, "uirevision": title}


def _contour(line: NetworkLine, span: tuple[float, float], colours: theme.Palette) -> dict[str, Any]:
    trace = loss_contour(line.rows, span, colours, title=f"{line.title}<br>")
    return trace | {"uid": f"{line.uid}-contour", "name": line.label}


def _origin(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    """A cross at the network itself."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [0],
        "y": [0],
        "marker": {"symbol": "x", "size": ORIGIN, "color": colours.page, "line": {"color": colours.ink, "width": 2}},
        "uid": f"{line.uid}-origin",
        "name": line.label,
        "hovertemplate": f"{line.title}: the network itself, loss {_at_origin(line):.3g}<extra></extra>",
    }


def _at_origin(line: NetworkLine) -> float:
    there = line.rows[(line.rows["a"] == 0) & (line.rows["b"] == 0)]["loss"]
    return float(there.iloc[0]) if len(there) else float("nan")


def _surface(line: NetworkLine, span: tuple[float, float], colours: theme.Palette) -> list[dict[str, Any]]:
    losses = grid_of(line.rows)
    heights = np.minimum(logarithms(losses), span[1])
    surface = {
        "type": "surface",
        "x": losses.columns.to_numpy(np.float32),
        "y": losses.index.to_numpy(np.float32),
        "z": heights.astype(np.float32),
        "customdata": losses.to_numpy(np.float32),
        "coloraxis": "coloraxis",
        "contours": {"z": {"show": True, "color": colours.page, "width": 1} | _levels(span)},
        "lighting": {"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
        "uid": f"{line.uid}-surface",
        "name": line.label,
        "hovertemplate": f"{line.title}<br>at %{{x:.2f}}, %{{y:.2f}}: loss %{{customdata:.3~g}}<extra></extra>",
    }
    origin = {
        "type": "scatter3d",
        "mode": "markers",
        "x": [0],
        "y": [0],
        "z": [float(logarithms(_at_origin(line))) + 0.02 * (span[1] - span[0])],
        "marker": {"symbol": "diamond", "size": 4, "color": colours.ink},
        "uid": f"{line.uid}-origin",
        "name": line.label,
        "hovertemplate": f"{line.title}: the network itself, loss {_at_origin(line):.3g}<extra></extra>",
    }
    return [surface, origin]


def _levels(span: tuple[float, float]) -> dict[str, float]:
    lines = contour_lines(span)
    return {key: lines[key] for key in ("start", "end", "size")}


def _scene(span: tuple[float, float], domain: tuple[float, float], colours: theme.Palette) -> dict[str, Any]:
    letters = {"size": theme.TEXT_SIZE - 2, "color": colours.muted}
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.muted,
        "zerolinecolor": colours.grid,
        "showbackground": False,
        "tickfont": letters,
        "nticks": 5,
    }
    title = {"size": theme.TEXT_SIZE, "color": colours.ink}
    room = 0.05 * (span[1] - span[0])
    return {
        "domain": {"x": list(domain), "y": [0, 1]},
        "xaxis": axis | {"title": {"text": "first direction", "font": title}},
        "yaxis": axis | {"title": {"text": "second direction", "font": title}},
        "zaxis": axis
        | {"title": {"text": ""}, "range": [span[0] - room, span[1] + room]}
        | loss_ticks(span)
        | {"showticklabels": False},  # the bar of the colours has them
        "aspectmode": "manual",
        "aspectratio": {"x": 1, "y": 1, "z": 0.75},
        "camera": {"eye": EYE, "center": CENTRE},
        "uirevision": "turned",
    }
