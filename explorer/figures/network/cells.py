"""Rectangles with a value, a hover text and a click, drawn as few heat maps whatever their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from explorer.figures.network.measured import Measured

Click = tuple[str, int, int, int]  # "layer", number, stage, block | "block", 0, stage, block | "stage", 0, stage, 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle of a drawing.

    Attributes:
        left, right, top, bottom: its edges.
        click: customdata that the browser sends back at a click.
        hover: its hover text.
        value: for its colour; NaN for none.
        text: inside it, drawn by a separate trace.
    """

    left: float
    right: float
    top: float
    bottom: float
    click: Click
    hover: str
    value: float = nan
    text: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def coloured(cells: Sequence[Cell], measured: Measured, *, uid: str, empty: str) -> list[dict[str, Any]]:
    """Cells in the colour of their value on the figure's colour axis.

    Args:
        cells: on a common grid: no edge of one goes through another.
        measured: values and their colour scale.
        uid: of the traces.
        empty: colour of cells without a value.
    """
    shown = [cell for cell in cells if measured.has_colour(cell.value)]
    others = [cell for cell in cells if not measured.has_colour(cell.value)]
    traces = areas(others, uid=f"{uid}-empty", colour=empty)
    if shown:
        values = [measured.place(cell.value) for cell in shown]
        traces.append(_heat_map(shown, values) | {"uid": uid, "coloraxis": "coloraxis"})
    return traces


def areas(cells: Sequence[Cell], *, uid: str, colour: str) -> list[dict[str, Any]]:
    """Cells in one colour; no trace for no cells."""
    if not cells:
        return []
    one_colour = {"colorscale": [[0, colour], [1, colour]], "zmin": 0, "zmax": 1, "showscale": False}
    return [_heat_map(cells, [0.0] * len(cells)) | {"uid": uid} | one_colour]


def _heat_map(cells: Sequence[Cell], values: Sequence[float]) -> dict[str, Any]:
    """A heat map on the grid of all edges; fields that are no cell stay empty."""
    x = sorted({edge for cell in cells for edge in (cell.left, cell.right)})
    y = sorted({edge for cell in cells for edge in (cell.top, cell.bottom)})
    column, row = {edge: place for place, edge in enumerate(x)}, {edge: place for place, edge in enumerate(y)}
    shape = len(y) - 1, len(x) - 1
    z = np.full(shape, nan, np.float32)
    clicks, hovers = np.full(shape, None, object), np.full(shape, "", object)
    for cell, value in zip(cells, values, strict=True):
        place = row[cell.top], column[cell.left]
        z[place], clicks[place], hovers[place] = value, list(cell.click), cell.hover
    return {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": z,
        "customdata": clicks.tolist(),
        "hovertext": hovers.tolist(),
        "hoverinfo": "text",
        "hoverongaps": False,
        "xgap": 1,
    }
