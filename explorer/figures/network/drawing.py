"""A network as a drawing: stem, stages, blocks, shortcuts, classifier, coloured by any measure of layers or blocks."""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.network.cells import Cell, areas, coloured
from explorer.figures.network.connections import Lines, add_rows, line_traces, marks, outline
from explorer.figures.network.measured import Measured, measured
from explorer.figures.network.opened_block import BLOCK, add_block, block_heading, opened_block
from explorer.figures.network.stage_rows import (
    BETWEEN,
    END,
    WIDTH,
    LayerRow,
    StageRow,
    click,
    end_cells,
    heading,
    layer_cells,
    layer_rows,
    shortcut_cells,
    stage_rows,
)
from explorer.models.config import NetworkConfig
from explorer.models.size import layer_table
from explorer.models.structure import block_shapes

LEGEND, COLOUR_BAR = 36, 74  # pixels above the drawing
EDGE = 10  # pixels around it
LINE_ROOM = 2  # inside the axes, for half the width of lines at the edge


def network_drawing(
    config: NetworkConfig,
    *,
    image_size: int | None = None,
    values: pd.DataFrame | None = None,
    column: str = "",
    measure: LayerMeasure | None = None,
    closed: Collection[int] = (),
    opened: tuple[int, int] | None = None,
    selected: int | None = None,
    marked: Collection[int] = (),
    dark: bool = False,
    height: int | None = None,
) -> go.Figure:
    """A row for each stage, with a box for each block, a cell for each layer and an arc for each shortcut.

    A stage of more than 40 blocks has several lines and no arcs. The customdata of cells is
    ["layer", number, stage, block], ["block", 0, stage, block] or ["stage", 0, stage, 0].

    Args:
        config: of the network.
        image_size: pixels a side; None takes the network's own.
        values: a measure of this network at one step: one row per layer, with a column `layer`, or one per block,
            with `stage` and `block`.
        column: of `values`.
        measure: how it is shown; None for no colours.
        closed: stages drawn as one box in the colour of their mean.
        opened: stage and block of a block drawn in full below the rows.
        selected: number of a layer with a frame.
        marked: numbers of layers that differ from those of another network, with frames too.
        dark: for a dark page.
        height: in pixels; None takes what the rows need.

    Raises:
        BadSettings: the network cannot take images of this size.
        ValueError: `values` has several rows for a layer or a block, or there is no block `opened`.
    """
    colours = theme.palette(dark=dark)
    layers, shapes = layer_table(config, image_size), block_shapes(config)
    found = measured(layers, values, column, measure)
    in_order = layer_rows(layers)
    rows = stage_rows(in_order, shapes, closed)
    groups = [end_cells(in_order, rows, found), *(layer_cells(row, found) for row in rows)]
    shortcuts = [cell for row in rows for cell in shortcut_cells(row, found)]
    headings = [heading(row) for row in rows]
    bottom = max(cell.bottom for cell in chain(*groups))
    lines = Lines()
    add_rows(lines, rows)
    if opened:
        block = opened_block(in_order, shapes, opened)
        headings.append(block_heading(block, bottom + BETWEEN, found))
        groups.append(add_block(lines, block, bottom + BETWEEN, found))
        bottom += BETWEEN + BLOCK
    cells = list(chain(*groups))
    _add_labels(lines, headings, groups[0], shortcuts)
    lines.marks += marks(chain(*groups[: 1 + len(rows)]), set(marked))
    _add_frames(lines, rows, cells, opened, next((each for each in in_order if each.layer == selected), None))
    data = areas(headings, uid="headings", colour=colours.grid) + areas(shortcuts, uid="shortcuts", colour=theme.CLEAR)
    for place, group in enumerate(groups):
        data += coloured(group, found, uid=f"cells-{place}", empty=colours.page if found.measure else colours.grid)
    data += [*line_traces(lines, colours), _written(cells, found, colours)]
    top = COLOUR_BAR if found.measure else LEGEND if lines.shortcuts or lines.marks else EDGE
    layout = theme.layout(colours, height=height or round(top + bottom + EDGE)) | {
        "margin": {"l": EDGE, "r": EDGE, "t": top, "b": EDGE},
        "xaxis": {"visible": False, "fixedrange": True, "range": [-LINE_ROOM, WIDTH + LINE_ROOM]},
        "yaxis": {"visible": False, "fixedrange": True, "range": [bottom + LINE_ROOM, 0]},
        "dragmode": False,
        "legend": _legend(),
    }
    if found.measure:
        layout["coloraxis"] = found.colour_axis(colours)
        data += [] if all(found.has_colour(cell.value) for cell in cells) else [_empty(colours)]
    return go.Figure({"data": data, "layout": layout})


def _add_labels(lines: Lines, headings: Iterable[Cell], ends: Iterable[Cell], shortcuts: Iterable[Cell]) -> None:
    """Headings, names and outlines of stem and classifier, values of blocks under their arcs."""
    lines.headings += [(cell.left + 8, cell.middle[1], cell.text) for cell in headings]
    lines.labels += [(cell.middle[0], cell.bottom - 13, cell.text) for cell in shortcuts if cell.text]
    for cell in ends:
        lines.boxes += outline(cell.left, cell.right, cell.top, cell.bottom)
        if cell.left in (0.0, WIDTH - END):  # the first of a stem of several layers
            lines.labels.append((cell.left + END / 2, cell.top - 10, "classifier" if cell.left else "stem"))


def _add_frames(
    lines: Lines, rows: list[StageRow], cells: Iterable[Cell], opened: tuple[int, int] | None, selected: LayerRow | None
) -> None:
    """Frames around the opened block and the selected layer, or its stage if closed."""
    for row in rows:
        if opened and row.stage == opened[0] and not row.closed:
            lines.thin_frames += outline(*row.box(opened[1]), room=5)
    if selected:
        wanted = {click(selected), ("stage", 0, selected.stage, 0)}
        for cell in cells:
            if cell.click in wanted:
                lines.frames += outline(cell.left, cell.right, cell.top, cell.bottom)


def _written(cells: Iterable[Cell], found: Measured, colours: theme.Palette) -> dict[str, Any]:
    """The texts in cells."""
    written = [cell for cell in cells if cell.text]
    inks = [found.letter_colour(cell.value, colours) for cell in written]
    return {
        "type": "scatter",
        "uid": "values",
        "mode": "text",
        "x": [cell.middle[0] for cell in written],
        "y": [cell.middle[1] for cell in written],
        "text": [cell.text for cell in written],
        "textfont": {"size": theme.TEXT_SIZE - 1, "color": inks},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _legend() -> dict[str, Any]:
    """The legend of the shortcuts, above the drawing at the left."""
    place = {"x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
    return captions.legend() | place | {"itemclick": False, "itemdoubleclick": False}


def _empty(colours: theme.Palette) -> dict[str, Any]:
    """A legend entry for layers that are not measured."""
    marker = {"symbol": "square", "size": 14, "color": colours.page, "line": {"color": colours.muted, "width": 1}}
    place = {"type": "scatter", "uid": "empty", "mode": "markers", "x": [None], "y": [None]}
    return place | {"marker": marker, "name": "not measured", "showlegend": True}
