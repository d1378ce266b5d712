"""The layer lens: a map of one picture for every block of a network."""

from collections.abc import Sequence

import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.maps.cells import MapCell, colour_scales, grid_headings
from explorer.figures.maps.colours import SHOWN
from explorer.figures.maps.grid import caption, hover, map_facts
from explorer.figures.maps.panels import sheet_figure
from explorer.figures.maps.sheet import Content, SheetRow, fitted
from explorer.registry import lookup

MOST_IN_ROW = 9
MOST_CELL = 200  # pixels


def layer_lens(
    cells: Sequence[MapCell],
    *,
    show: str = "overlay",
    scale: str = "map",
    dark: bool = False,
    width: int = 1100,
    height: int | None = None,
) -> go.Figure:
    """A row of maps for each stage, a map for each block; a stage of more than nine blocks has several rows.

    Args:
        cells: of one network in order of depth; `row` is the stage, such as "stage 2, 16×16", `column` the block in
            it, such as "block 3". All explain the same prediction, which is named once.
        show: name in `maps.colours.SHOWN`.
        scale: name in `maps.cells.SCALES`; a row is a stage, a column the blocks of one number.
        dark, width, height: as in `attribution_grid`.

    Raises:
        UnknownName: no such way of showing, or of sharing a scale.
        ValueError: two cells have the same place.
    """
    lookup(SHOWN, show, "way of showing a map")
    stages, _ = grid_headings(cells)
    scales = colour_scales(cells, scale)
    content = Content(
        rows=[row for stage in stages for row in _rows(cells, stage)],
        columns=[],
        captions=[(cell.column, "") for cell in cells],
        caption_size=theme.TEXT_SIZE - 1,
        notes=[],
        scales=scales,
        by=scale,
        barred=show != "contour" and scale != "column",
        facts=[*predictions(cells), *map_facts(cells, scales, show=show, by=scale)],
    )
    sheet = fitted(content, width, height, MOST_CELL)
    hovers = [hover(cell) for cell in cells]
    colours = theme.palette(dark=dark)
    return sheet_figure(sheet, cells, hovers, show=show, colours=colours, height=height or sheet.height)


def _rows(cells: Sequence[MapCell], stage: str) -> list[SheetRow]:
    """The rows of a stage, of about equal length."""
    members: list[int | None] = [position for position, cell in enumerate(cells) if cell.row == stage]
    count = -(-len(members) // MOST_IN_ROW)
    length = -(-len(members) // count)
    starts = range(0, len(members), length)
    return [SheetRow("" if start else stage, tuple(members[start : start + length])) for start in starts]


def predictions(cells: Sequence[MapCell]) -> list[str]:
    """ "predicts cat: 97 %"."""
    texts = dict.fromkeys("".join(caption(cell)) for cell in cells if cell.prediction)
    return [f"predicts {text}" for text in texts]
