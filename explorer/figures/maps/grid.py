"""A grid of attribution maps over the pictures they explain."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import theme
from explorer.figures.maps.cells import SCALES, TOP, ColourScale, MapCell, colour_scales, grid_headings
from explorer.figures.maps.colours import LINES, SHOWN, drawn_side
from explorer.figures.maps.panels import selection, sheet_figure
from explorer.figures.maps.sheet import Content, SheetRow, fitted
from explorer.registry import lookup

MOST_CELL = 320  # pixels
MOST_CAPTIONED, MOST_LARGE = 8, 6  # columns: with a caption above each cell, with captions in full size
WRONG = "✗"
WEAK = "too weak for this scale"
LEAST_SEEN = 0.1  # of the end of its scale, below which a map looks empty
SIGNS = "orange: for the explained class, blue: against it"


def attribution_grid(
    cells: Sequence[MapCell],
    *,
    show: str = "overlay",
    scale: str = "column",
    dark: bool = False,
    width: int = 1100,
    height: int | None = None,
    signs: str = SIGNS,
    selected: int | None = None,
) -> go.Figure:
    """A map in each place of a grid, with prediction and probability above it.

    Colour scales end at the 99.5th percentile of |values|; see `maps.cells.colour_scales` for what shares one.
    A point's customdata is [position of its cell in `cells`].

    Args:
        cells: in any order; a place without one stays empty.
        show: name in `maps.colours.SHOWN`.
        scale: name in `maps.cells.SCALES`.
        dark: for a dark page.
        width: of the page, in pixels; the app scales the grid to the actual one.
        height: in pixels; None takes what cells of up to 320 pixels need.
        signs: what the colours of signed maps mean.
        selected: position of a cell with a frame.

    Raises:
        UnknownName: no such way of showing, or of sharing a scale.
        ValueError: two cells have the same place.
    """
    sheet = fitted(grid_content(cells, show=show, scale=scale, signs=signs), width, height, MOST_CELL)
    hovers = [hover(cell) for cell in cells]
    colours = theme.palette(dark=dark)
    figure = sheet_figure(sheet, cells, hovers, show=show, colours=colours, height=height or sheet.height)
    if selected is not None:
        figure.add_shape(selection(sheet, selected, colours))
    return figure


def grid_content(cells: Sequence[MapCell], *, show: str, scale: str, signs: str = SIGNS) -> Content:
    """What a grid of cells shows.

    Raises:
        UnknownName: no such way of showing, or of sharing a scale.
        ValueError: two cells have the same place.
    """
    lookup(SHOWN, show, "way of showing a map")
    rows, columns = grid_headings(cells)
    position = {(cell.row, cell.column): place for place, cell in enumerate(cells)}
    captioned = len(columns) <= MOST_CAPTIONED
    scales = colour_scales(cells, scale)
    weak = too_weak(cells, scales)
    notes = [", ".join(filter(None, [cell.note, WEAK if place in weak else ""])) for place, cell in enumerate(cells)]
    return Content(
        rows=[SheetRow(row, tuple(position.get((row, column)) for column in columns)) for row in rows],
        columns=columns,
        captions=[caption(cell) for cell in cells] if captioned else [],
        caption_size=theme.TEXT_SIZE if len(columns) <= MOST_LARGE else theme.TEXT_SIZE - 3,
        notes=notes if captioned and any(notes) else [],
        scales=scales,
        by=scale,
        barred=show != "contour",
        facts=map_facts(cells, scales, show=show, by=scale, signs=signs),
    )


def too_weak(cells: Sequence[MapCell], scales: Sequence[ColourScale]) -> set[int]:
    """Positions of the maps that look empty on the scale they share."""
    found = set()
    for scale in scales:
        for member in scale.members:
            values = cells[member].map
            if values is not None and np.abs(values).max() < LEAST_SEEN * scale.top:
                found.add(member)
    return found


def caption(cell: MapCell) -> tuple[str, str]:
    """ "✗ cat" and ": 97 %"; nothing where the prediction is not known."""
    if not cell.prediction:
        return "", ""
    return f"{WRONG} {cell.prediction}" if cell.right is False else cell.prediction, f": {100 * cell.probability:.0f} %"


def hover(cell: MapCell) -> str:
    """The hover text of a cell, without the value at the pointer."""
    verdict = {True: ", correct", False: ", wrong", None: ""}[cell.right]
    lines = [f"<b>{in_figure(cell.row)}</b>, {in_figure(cell.column)}"]
    if cell.prediction:
        lines.append(f"predicts {in_figure(cell.prediction)} ({100 * cell.probability:.1f} %){verdict}")
    if cell.target:
        lines.append(f"explained: {in_figure(cell.target)} ({100 * cell.target_probability:.1f} %)")
    return "<br>".join([*lines, in_figure(cell.note)] if cell.note else lines)


def map_facts(
    cells: Sequence[MapCell],
    scales: Sequence[ColourScale],
    *,
    show: str,
    by: str,
    signs: str = SIGNS,
    verdicts: bool = True,
) -> list[str]:
    """How to read the maps, for the foot of the sheet.

    Args:
        by: what shares a colour scale; empty to say nothing about scales.
        verdicts: wrong predictions are marked.
    """
    maps = [cell.map for cell in cells if cell.map is not None]
    kinds = {scale.signed for scale in scales}
    percents = ", ".join(f"{100 * line:.0f}" for line in LINES)
    found = {
        signs: True in kinds,
        "orange: importance, without sign": show == "overlay" and kinds == {False},
        "unsigned maps: importance, without sign": show != "overlay" and False in kinds,
        "stronger colour: larger value": show == "overlay" and bool(kinds),
        "yellow: largest value": show == "map" and False in kinds,
        f"contour lines at {percents} % of the scale": show == "contour" and bool(kinds),
    }
    if by:
        smaller = any(max(each.shape) > drawn_side(len(cells)) for each in maps)
        found |= {
            SCALES[by]: bool(kinds),
            f"scales end at the {TOP}th percentile of |values|": bool(kinds),
            "large maps: means of neighbouring positions": smaller,
        }
    found[f"{WRONG}: not the true class"] = verdicts and any(cell.right is False for cell in cells)
    return [fact for fact, holds in found.items() if holds]
