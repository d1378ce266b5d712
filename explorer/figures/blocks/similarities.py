"""Heat maps of the similarity of layers, and how similar each layer is to itself at another moment."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.layer_axes import axis_mark, grid, stage_borders
from explorer.figures.network_lines import NetworkLine, moment, network_lines

MOST_COLUMNS = 3
GAP = 0.09  # between columns, as a part of the width
SIDE, BETWEEN = 240, 104  # pixels: of a panel, and between two rows
HEADING = theme.TEXT_SIZE + 1
NOTE = ("lower left: the stems", "lines: borders of stages", "unbiased linear CKA")
MARGIN = {"l": 64, "r": 110, "t": 44, "b": 100}


def layer_similarity(table: pd.DataFrame, *, dark: bool = False, height: int | None = None) -> go.Figure:
    """A heat map for each network with itself and for each pair of networks; the stems are at the bottom left.

    Lines are borders of stages. All maps have one colour scale, from 0 to 1.

    Args:
        table: `tables.CKA`.
        dark: for a dark page.
        height: in pixels; None takes what the rows of panels need.
    """
    colours = theme.palette(dark=dark)
    lines = _networks(table)
    pairs = list(combinations_with_replacement(lines, 2))
    columns = min(MOST_COLUMNS, max(1, len(pairs)))
    rows = -(-max(1, len(pairs)) // columns)
    shared = height - MARGIN["t"] - MARGIN["b"] if height else rows * (SIDE + BETWEEN) - BETWEEN
    layout = theme.layout(colours, height=shared + MARGIN["t"] + MARGIN["b"]) | {
        "margin": MARGIN,
        "coloraxis": _colour_axis(colours),
        "annotations": [captions.note(captions.wrapped(NOTE), colours)],
        "shapes": [],
    }
    traces = []
    domains = grid(len(pairs), columns, gap=GAP, between=BETWEEN / shared) if pairs else []
    for number, ((one, other), (across, up)) in enumerate(zip(pairs, domains, strict=True), start=1):
        mark = axis_mark(number)
        traces.append(_map(table, one, other, mark))
        layout[f"xaxis{mark}"] = _axis(other, colours) | {
            "domain": across,
            "anchor": f"y{mark}",
            "constrain": "domain",
            "constraintoward": "left",
        }
        layout[f"yaxis{mark}"] = _axis(one, colours) | {
            "domain": up,
            "anchor": f"x{mark}",
            "scaleanchor": f"x{mark}",
            "scaleratio": len(other.rows) / len(one.rows),  # a square, whatever the numbers of layers
            "constrain": "domain",
            "constraintoward": "top",
        }
        layout["shapes"] += [*_lines(other, "x", mark, colours), *_lines(one, "y", mark, colours)]
        layout["annotations"].append(
            captions.heading(_heading(one, other), across[0]) | {"y": up[1]} | {"font": {"size": HEADING}}
        )
    return go.Figure({"data": traces, "layout": layout})


def _heading(one: NetworkLine, other: NetworkLine) -> str:
    """Short, since panels are narrow: networks, or moments of one of them."""
    if one is other:
        return one.label
    if one.name == other.name and one.step is not None and other.step is not None:
        return f"steps {one.step:,} and {other.step:,}"
    return f"{one.label} and {other.label}"


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


def _lines(line: NetworkLine, axis: str, mark: str, colours: theme.Palette) -> list[dict[str, Any]]:
    """Borders between the stages on one axis of a panel."""
    other = "y" if axis == "x" else "x"
    across = {f"{other}ref": f"{other}{mark} domain", f"{other}0": 0, f"{other}1": 1}
    return [
        {"type": "line", f"{axis}ref": f"{axis}{mark}", f"{axis}0": border, f"{axis}1": border}
        | across
        | {"line": {"color": colours.page, "width": 2}}
        for border in stage_borders(np.arange(len(line.rows), dtype=float), line.rows)
    ]


def _axis(line: NetworkLine, colours: theme.Palette) -> dict[str, Any]:
    """Stages numbered at their middles."""
    inside = line.rows.reset_index(drop=True)
    places = inside[inside["block"] > 0].groupby("stage").apply(lambda rows: float(rows.index.to_numpy().mean()))
    return theme.axis(colours) | {
        "range": [-0.5, len(inside) - 0.5],
        "ticks": "",
        "showgrid": False,
        "tickvals": places.tolist(),
        "ticktext": [str(stage) for stage in places.index],
        "title": theme.axis_title(f"stage, {line.name}"),
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
