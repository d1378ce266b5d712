"""Heat maps of the similarity of layers, and how similar each layer is to itself at another moment."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import axis_mark
from explorer.figures.network_lines import NetworkLine, moment, network_lines

MOST_COLUMNS = 3
SIDE, GAP_X, GAP_Y = 300, 60, 104  # pixels: of a panel, and between two
NOTE = ("lower left: the stems", "lines: borders of stages", "unbiased linear CKA")
MARGIN = {"l": 64, "r": 110, "t": 44, "b": 100}


def layer_similarity(table: pd.DataFrame, *, dark: bool = False, width: int | None = None) -> go.Figure:
    """A heat map for each network with itself and for each pair of networks; the stems are at the bottom left.

    Lines are borders of stages. All maps have one colour scale, from 0 to 1.

    Args:
        table: `tables.CKA`.
        dark: for a dark page.
        width: in pixels; None takes what the panels need.
    """
    colours = theme.palette(dark=dark)
    lines = _networks(table)
    pairs = list(combinations_with_replacement(lines, 2))
    columns = min(MOST_COLUMNS, max(1, len(pairs)))
    rows = -(-max(1, len(pairs)) // columns)
    side = SIDE if width is None else (width - MARGIN["l"] - MARGIN["r"] - GAP_X * (columns - 1)) / columns
    across, up = columns * side + (columns - 1) * GAP_X, rows * side + (rows - 1) * GAP_Y
    layout = theme.layout(colours, height=round(up + MARGIN["t"] + MARGIN["b"])) | {
        "width": round(across + MARGIN["l"] + MARGIN["r"]),
        "margin": MARGIN,
        "coloraxis": _colour_axis(colours),
        "annotations": [captions.note(captions.wrapped(NOTE), colours)],
    }
    traces = []
    for place, (one, other) in enumerate(pairs):
        column, row, mark = place % columns, place // columns, axis_mark(place + 1)
        left, top = column * (side + GAP_X) / across, 1 - row * (side + GAP_Y) / up
        traces.append(_map(table, one, other, mark))
        layout[f"xaxis{mark}"] = _axis(other, colours) | {
            "domain": [left, min(1.0, left + side / across)],
            "anchor": f"y{mark}",
        }
        layout[f"yaxis{mark}"] = _axis(one, colours) | {
            "domain": [max(0.0, top - side / up), top],
            "anchor": f"x{mark}",
        }
        heading = one.label if one is other else f"{one.label} and {other.label}"
        layout["annotations"].append(
            captions.heading(heading, left) | {"y": top, "font": {"size": theme.TEXT_SIZE + 1}}
        )
    return go.Figure({"data": traces, "layout": layout})


def _networks(table: pd.DataFrame) -> list[NetworkLine]:
    """The networks of a table with their points, as rows of `tables.MEASURED_KEYS` and `tables.POINT_KEYS`."""
    own = table.filter(regex="_a$").rename(columns=lambda name: name.removesuffix("_a"))
    return network_lines(own.drop_duplicates(["reference", "point"]))


def _map(table: pd.DataFrame, one: NetworkLine, other: NetworkLine, mark: str) -> dict[str, Any]:
    rows = table[(table["reference_a"] == one.reference) & (table["reference_b"] == other.reference)]
    shape = len(one.rows), len(other.rows)
    names = np.dstack(np.meshgrid(_names(one), _names(other), indexing="ij"))
    return {
        "type": "heatmap",
        "z": rows["cka"].to_numpy(np.float32).reshape(shape),
        "x": np.arange(shape[1]),
        "y": np.arange(shape[0]),
        "customdata": names,
        "coloraxis": "coloraxis",
        "xaxis": f"x{mark}",
        "yaxis": f"y{mark}",
        "uid": f"{one.uid}-{other.uid}-map",
        "hoverongaps": False,
        "hovertemplate": f"{one.name}, {moment(one.step)}: %{{customdata[0]}}"
        f"<br>{other.name}, {moment(other.step)}: %{{customdata[1]}}<br>CKA %{{z:.3f}}<extra></extra>",
    }


def _names(line: NetworkLine) -> list[str]:
    return [
        f"{name} (stage {stage})" if block else str(name)
        for name, stage, block in zip(line.rows["name"], line.rows["stage"], line.rows["block"], strict=True)
    ]


def _axis(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    """Stages numbered at their middles, with a line at each border."""
    stages, inside = line.rows["stage"].to_numpy(), (line.rows["block"] > 0).to_numpy()
    numbers = np.unique(stages[inside])
    places: list[Floats] = [np.flatnonzero((stages == number) & inside) for number in numbers]
    last = len(stages) - 0.5
    borders = [float(each[0]) - 0.5 for each in places] + [float(each[-1]) + 0.5 for each in places]
    return theme.axis(colours) | {
        "range": [-0.5, last],
        "ticks": "",
        "showgrid": False,
        "layer": "above traces",
        "tickvals": [float(each.mean()) for each in places],
        "ticktext": [str(number) for number in numbers],
        "title": theme.axis_title(f"stage, {line.name}"),
        "minor": {"tickmode": "array", "tickvals": sorted({each for each in borders if -0.5 < each < last})},
        "uirevision": line.uid,
    }


def _colour_axis(colours: theme.Palette) -> dict[str, Any]:
    bar = {
        "title": {"text": "CKA", "side": "right", "font": {"size": theme.TEXT_SIZE + 1}},
        "tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted},
        "thickness": 16,
        "outlinewidth": 0,
    }
    return {"colorscale": theme.SEQUENTIAL, "cmin": 0, "cmax": 1, "colorbar": bar}
