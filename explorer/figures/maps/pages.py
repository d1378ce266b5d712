"""Attribution maps for a room: pages of few large maps with short texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.maps.cells import ColourScale, MapCell, colour_scales, grid_headings
from explorer.figures.maps.grid import SIGNS, WEAK, caption, hover, map_facts, too_weak
from explorer.figures.maps.layer_lens import predictions
from explorer.figures.maps.panels import sheet_figure
from explorer.figures.maps.sheet import Content, SheetRow, filling

WIDTH, HEIGHT = 668, 300  # pixels; the stage in a window of 1280x720 shows them 1.8 times as large
MOST_ACROSS, OVERVIEW_ACROSS = 5, 4
LENS_ROWS = 2


@dataclass(frozen=True, slots=True)
class MapPage:
    """Some maps of a grid.

    Attributes:
        heading: of the row that they are from.
        cells: the maps.
        show: name in `maps.colours.SHOWN`.
        content: what the page shows.
    """

    heading: str
    cells: tuple[MapCell, ...]
    show: str
    content: Content


def page_count(rows: int, columns: int) -> int:
    """Number of pages of a grid without empty places."""
    return rows * -(-columns // MOST_ACROSS)


def lens_page_count(blocks: Sequence[int]) -> int:
    """Number of pages of a layer lens, from the number of blocks of each stage."""
    return sum(-(-each // (LENS_ROWS * MOST_ACROSS)) for each in blocks)


def grid_pages(cells: Sequence[MapCell], *, show: str, scale: str, signs: str = SIGNS) -> list[MapPage]:
    """Each row of a grid on a page, a row of more than five maps on several; scales are those of the whole grid.

    Args:
        cells: in any order.
        show: name in `maps.colours.SHOWN`.
        scale: name in `maps.cells.SCALES`.
        signs: what the colours of signed maps mean.

    Raises:
        UnknownName: no such way of sharing a scale.
        ValueError: two cells have the same place.
    """
    scales = colour_scales(cells, scale)
    weak = too_weak(cells, scales)
    pages = []
    for row in grid_headings(cells)[0]:
        for members in _parts([place for place, cell in enumerate(cells) if cell.row == row], MOST_ACROSS):
            shown = [cells[member] for member in members]
            notes = [WEAK if member in weak else "" for member in members]
            content = _content(shown, _of(scales, members), show=show, scale=scale, signs=signs)
            content = replace(
                content,
                rows=[SheetRow("", tuple(range(len(members))))],
                columns=[cell.column for cell in shown],
                captions=[caption(cell) for cell in shown],
                notes=notes if any(notes) else [],
            )
            pages.append(MapPage(row, tuple(shown), show, content))
    return pages


def lens_pages(cells: Sequence[MapCell], *, show: str, scale: str) -> list[MapPage]:
    """Each stage of a layer lens on a page, in rows of at most five blocks; args and errors as for `grid_pages`."""
    scales = colour_scales(cells, scale)
    pages = []
    for stage in grid_headings(cells)[0]:
        blocks = [place for place, cell in enumerate(cells) if cell.row == stage]
        for members in _parts(blocks, LENS_ROWS * MOST_ACROSS):
            shown = [cells[member] for member in members]
            content = _content(shown, _of(scales, members), show=show, scale=scale)
            rows = _parts(range(len(members)), MOST_ACROSS)
            content = replace(
                content,
                rows=[SheetRow("", tuple(row)) for row in rows],
                captions=[(cell.column, "") for cell in shown],
                facts=[*predictions(shown), *content.facts],
            )
            pages.append(MapPage(stage, tuple(shown), show, content))
    return pages


def overview_page(cells: Sequence[MapCell], *, show: str = "overlay", scale: str = "row") -> MapPage:
    """All rows of a grid and its first four columns, without the predictions; args and errors as for `grid_pages`."""
    rows, columns = grid_headings(cells)
    columns = columns[:OVERVIEW_ACROSS]
    members = [place for place, cell in enumerate(cells) if cell.column in columns]
    shown = [cells[member] for member in members]
    position = {(cell.row, cell.column): place for place, cell in enumerate(shown)}
    content = replace(
        _content(shown, _of(colour_scales(cells, scale), members), show=show, scale=scale, verdicts=False),
        rows=[SheetRow(row, tuple(position.get((row, column)) for column in columns)) for row in rows],
        columns=columns,
    )
    return MapPage("", tuple(shown), show, content)


def map_page(page: MapPage, *, dark: bool = False) -> go.Figure:
    """The figure of a page."""
    sheet = filling(page.content, WIDTH, HEIGHT)
    hovers = [hover(cell) for cell in page.cells]
    return sheet_figure(
        sheet, page.cells, hovers, show=page.show, colours=theme.palette(dark=dark), height=sheet.height
    )


def _content(
    cells: Sequence[MapCell],
    scales: Sequence[ColourScale],
    *,
    show: str,
    scale: str,
    signs: str = SIGNS,
    verdicts: bool = True,
) -> Content:
    """What all pages have in common."""
    return Content(
        rows=[],
        columns=[],
        captions=[],
        caption_size=theme.TEXT_SIZE,
        notes=[],
        scales=scales,
        by=scale,
        barred=False,
        facts=map_facts(cells, scales, show=show, by="", signs=signs, verdicts=verdicts),
    )


def _of(scales: Sequence[ColourScale], members: Sequence[int]) -> list[ColourScale]:
    """The scales of some cells, numbered anew."""
    place = {member: new for new, member in enumerate(members)}
    found = [replace(each, members=tuple(place[old] for old in each.members if old in place)) for each in scales]
    return [each for each in found if each.members]


def _parts(members: Sequence[int], most: int) -> list[list[int]]:
    """Parts of about equal length, of at most `most`."""
    count = max(1, -(-len(members) // most))
    length = -(-len(members) // count)
    return [list(members[start : start + length]) for start in range(0, len(members), length)]
