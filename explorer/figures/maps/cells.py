"""Cells of a grid of attribution maps, and the colour scales that they share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.registry import lookup

MapValues = NDArray[np.float32]  # (H, W)
Pixels = NDArray[np.uint8]  # (H, W, 3) or (H, W, 1)

TOP = 99.5  # percentile of |values| at the end of a colour scale, so that one position does not take all of it

# Which cells share a colour scale: name, note.
SCALES = {
    "map": "each map has a colour scale of its own",
    "row": "one colour scale for each row",
    "column": "one colour scale for each column",
    "all": "one colour scale for all maps",
}


@dataclass(frozen=True, slots=True, eq=False)
class MapCell:
    """One attribution map of a grid, or why there is none.

    Attributes:
        row, column: headings of its place; rows and columns are in order of first appearance.
        map: a number for each position, (H, W); None where the method could not run.
        pixels: of the picture.
        signed: values below zero are evidence against the target.
        prediction: name of the predicted class; empty where it is not known.
        probability: of the prediction, 0 to 1.
        target: name of the class whose score is explained; empty where it is not one class.
        target_probability: its probability, 0 to 1.
        right: the prediction is the true class; None where that is not known.
        note: a short text about this map, such as "delta 0.003".
        failure: why there is no map.
    """

    row: str
    column: str
    map: MapValues | None
    pixels: Pixels
    signed: bool
    prediction: str
    probability: float
    target: str
    target_probability: float
    right: bool | None
    note: str = ""
    failure: str = ""

    def __post_init__(self) -> None:
        if (self.map is None) != bool(self.failure):
            raise ValueError("A cell has either a `map` or a `failure`. Give one of them.")
        if self.map is not None and self.map.ndim != 2:
            raise ValueError(f"`map` has shape {self.map.shape}; expected (H, W), one number for each position.")
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3) or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"`pixels` is {self.pixels.dtype} of shape {self.pixels.shape}; expected uint8 (H, W, 3) or (H, W, 1)."
            )


@dataclass(frozen=True, slots=True)
class ColourScale:
    """A colour scale and the cells that share it.

    Attributes:
        top: the value at its end; it begins at zero, or at -top where it is signed.
        signed: it diverges from zero.
        members: positions of the cells in the sequence, in order.
    """

    top: float
    signed: bool
    members: tuple[int, ...]


def colour_scales(cells: Sequence[MapCell], by: str) -> list[ColourScale]:
    """The colour scales of a grid, in order of their first cell; cells without a map have none.

    Signed and unsigned maps never share a scale: a row, a column or a grid with both has two. The values of different
    methods have different units, so a shared scale means little.

    Args:
        cells: of the grid.
        by: name in `SCALES`.

    Raises:
        UnknownName: no such way of sharing.
    """
    lookup(SCALES, by, "way of sharing a colour scale")
    groups: dict[tuple[object, bool], list[int]] = {}
    for position, cell in enumerate(cells):
        if cell.map is not None:
            shared = {"map": position, "row": cell.row, "column": cell.column, "all": None}[by]
            groups.setdefault((shared, cell.signed), []).append(position)
    return [
        ColourScale(_top([cells[i] for i in members]), signed, (*members,)) for (_, signed), members in groups.items()
    ]


def grid_headings(cells: Sequence[MapCell]) -> tuple[list[str], list[str]]:
    """Rows and columns, in order of first appearance.

    Raises:
        ValueError: two cells have the same place.
    """
    places = [(cell.row, cell.column) for cell in cells]
    if len(set(places)) < len(places):
        row, column = next(place for place in places if places.count(place) > 1)
        raise ValueError(f"Two cells stand in row {row!r}, column {column!r}. Give them different headings.")
    return list(dict.fromkeys(row for row, _ in places)), list(dict.fromkeys(column for _, column in places))


def _top(cells: Sequence[MapCell]) -> float:
    """The end of the scale; never zero, so that a map of zeros has a scale too."""
    values = np.abs(np.concatenate([cell.map.ravel() for cell in cells if cell.map is not None]))
    values = values[np.isfinite(values)]
    return float(np.percentile(values, TOP)) or 1.0 if len(values) else 1.0
