"""Layout of a drawn network: a row for each stage, with its heading, blocks and shortcuts."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import NamedTuple

import pandas as pd

from explorer import tables
from explorer.figures.network.cells import Cell, Click
from explorer.figures.network.measured import Measured
from explorer.figures.numbers import number
from explorer.models.structure import BlockShape

# The x axis of a drawing goes from 0 to WIDTH however wide the page is; its y axis goes down in pixels.
WIDTH = 1000.0
LEFT, RIGHT = 90.0, 910.0  # of the blocks, between stem and classifier
END = 76.0  # width of stem and classifier
NARROW = 0.82  # pixels per unit of x on a page of 900 pixels
FEWEST, MOST = 3, 40  # blocks that share the width of a line
HEADING, SHORTCUTS, LAYER, LINE, CLOSED = 28.0, 30.0, 36.0, 24.0, 20.0  # heights
ROOM = 6.0  # below a heading
BETWEEN = 24.0  # rows
GAP = 0.16  # between blocks, as a part of what a block takes
GRID = 3  # decimals, so that edges meant to be equal are equal

SHORTCUT_NAMES = {
    "identity": "identity shortcut",
    "pad": "zero-padding shortcut",
    "projection": "1×1 projection shortcut",
    "pooled": "2×2 mean and 1×1 projection as shortcut",
    "concatenation": "input kept, new channels behind it",
    "none": "no shortcut",
}
BLOCK_NAMES = {"basic": "block", "bottleneck": "bottleneck block", "transition": "transition"}
DENSE_NAME = "dense layer"


class LayerRow(NamedTuple):
    """A row of `tables.LAYERS`."""

    layer: int
    name: str
    stage: int
    block: int
    width: int
    side: int
    parameters: int
    shortcut: str


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage in a drawing.

    Attributes:
        stage: its number.
        members: the layers of each block, in order.
        shapes: of each block.
        top: of its heading.
        slot: width of a block and its gap.
        closed: drawn as one box.
    """

    stage: int
    members: list[list[LayerRow]]
    shapes: list[BlockShape]
    top: float
    slot: float
    closed: bool

    @property
    def blocks(self) -> int:
        return len(self.members)

    @property
    def folded(self) -> bool:
        """Whether it has several lines, without shortcuts."""
        return self.blocks > MOST

    @property
    def cells_top(self) -> float:
        return self.top + HEADING + ROOM + (0 if self.closed or self.folded else SHORTCUTS)

    @property
    def cell_height(self) -> float:
        return CLOSED if self.closed else LINE - 4 if self.folded else LAYER

    @property
    def bottom(self) -> float:
        lines = 1 if self.closed else -(-self.blocks // MOST)
        return self.cells_top + (lines - 1) * LINE + self.cell_height

    @property
    def entry(self) -> tuple[float, float]:
        """Where the main path enters: x and y."""
        return (LEFT if self.closed else self.box(1)[0]), self.cells_top + self.cell_height / 2

    @property
    def exit(self) -> tuple[float, float]:
        """Where the main path leaves."""
        return (RIGHT if self.closed else self.box(self.blocks)[1]), self.bottom - self.cell_height / 2

    @property
    def gap(self) -> float:
        return min(GAP * self.slot, 40.0)

    def box(self, block: int) -> tuple[float, float, float, float]:
        """Left, right, top and bottom of a block."""
        line, column = divmod(block - 1, MOST)
        left = LEFT + column * self.slot + self.gap / 2
        top = self.cells_top + line * LINE
        return round(left, GRID), round(left + self.slot - self.gap, GRID), top, top + self.cell_height


def layer_rows(layers: pd.DataFrame) -> list[LayerRow]:
    """The layers of a network in order, from a table with the columns of `tables.LAYERS`."""
    return [LayerRow(*row) for row in layers[tables.LAYERS].itertuples(index=False, name=None)]


def stage_rows(layers: Iterable[LayerRow], shapes: Iterable[BlockShape], closed: Collection[int]) -> list[StageRow]:
    """The stages from the top."""
    made_of: dict[int, list[BlockShape]] = {}
    for shape in shapes:
        made_of.setdefault(shape.stage, []).append(shape)
    stages: dict[int, dict[int, list[LayerRow]]] = {}
    for layer in layers:
        if layer.block:
            stages.setdefault(layer.stage, {}).setdefault(layer.block, []).append(layer)
    most = max(len(blocks) for blocks in stages.values())
    slot = (RIGHT - LEFT) / min(max(most, FEWEST), MOST)
    found: list[StageRow] = []
    top = 0.0
    for stage, blocks in stages.items():
        found.append(StageRow(stage, list(blocks.values()), made_of[stage], top, slot, stage in closed))
        top = found[-1].bottom + BETWEEN
    return found


def heading(row: StageRow) -> Cell:
    """The bar above a row, which closes and opens it."""
    first, last = row.members[0][0], row.members[-1][-1]
    text = (
        f"{'▶' if row.closed else '▼'} <b>Stage {row.stage}</b>: {_blocks(row.shapes)}, "
        f"{row.shapes[-1].width} channels, {last.side} × {last.side}, layers {first.layer}–{last.layer}"
    )
    if row.folded and not row.closed:
        text += f"; {MOST} blocks a line, shortcuts not drawn"
    hover = f"click: {'open' if row.closed else 'close'} stage {row.stage}"
    return Cell(LEFT, RIGHT, row.top, row.top + HEADING, ("stage", 0, row.stage, 0), hover, text=text)


def _blocks(shapes: Sequence[BlockShape]) -> str:
    """ "18 blocks", "transition and 12 dense layers"."""
    counts = Counter(BLOCK_NAMES.get(shape.kind, DENSE_NAME) for shape in shapes)
    texts = [name if name == "transition" else f"{count} {name}{'s' * (count > 1)}" for name, count in counts.items()]
    return " and ".join(texts)


def layer_cells(row: StageRow, measured: Measured) -> list[Cell]:
    """A cell for each layer of an open stage; one for a closed stage, with the mean of its values."""
    if row.closed:
        mean = measured.mean(layer.layer for layer in chain(*row.members))
        hover = f"<b>stage {row.stage}</b>, closed"
        if isfinite(mean):
            hover += f"<br>{measured.words(mean)}, mean of its {'blocks' if measured.by_block else 'layers'}"
        text = f"mean {number(mean)}" if isfinite(mean) else ""
        return [Cell(LEFT, RIGHT, row.cells_top, row.bottom, ("stage", 0, row.stage, 0), hover, mean, text)]
    cells = []
    for block, members in enumerate(row.members, start=1):
        left, right, top, bottom = row.box(block)
        edges = [round(left + (right - left) * i / len(members), GRID) for i in range(len(members) + 1)]
        written = not measured.by_block and measured.fits(NARROW * (edges[1] - edges[0]))
        for layer, start, end in zip(members, edges, edges[1:], strict=False):
            value = measured.value(layer.layer)
            text = number(value) if written and isfinite(value) else ""
            cells.append(Cell(start, end, top, bottom, click(layer), layer_words(layer, measured), value, text))
    return cells


def shortcut_cells(row: StageRow, measured: Measured) -> list[Cell]:
    """A cell above each block for its shortcut, with the value of a measure of blocks."""
    if row.closed or row.folded:
        return []
    cells = []
    for block, (members, shape) in enumerate(zip(row.members, row.shapes, strict=True), start=1):
        left, right, top, _ = row.box(block)
        value = measured.value(members[0].layer)
        kind = shape.kind if shape.kind == "transition" else SHORTCUT_NAMES[shape.shortcut] + factor_words(shape)
        lines = [f"<b>stage {row.stage}, block {block}</b>", kind]
        lines += [measured.words(value)] if measured.by_block else []
        written = measured.by_block and isfinite(value) and measured.fits(NARROW * (right - left))
        text = number(value) if written else ""
        meaning = ("block", 0, row.stage, block)
        cells.append(Cell(left, right, top - SHORTCUTS, top, meaning, "<br>".join(lines), text=text))
    return cells


def end_cells(layers: Iterable[LayerRow], rows: Sequence[StageRow], measured: Measured) -> list[Cell]:
    """The layers of the stem at the left of the first row, the classifier at the right of the last."""
    ends = [layer for layer in layers if not layer.block]
    return [
        *_end([each for each in ends if each.stage < rows[0].stage], 0.0, rows[0].entry[1], measured),
        *_end([each for each in ends if each.stage > rows[-1].stage], WIDTH - END, rows[-1].exit[1], measured),
    ]


def _end(layers: Sequence[LayerRow], left: float, y: float, measured: Measured) -> list[Cell]:
    top, width = y - LAYER / 2, END / len(layers)
    written = measured.fits(NARROW * width)
    cells = []
    for place, layer in enumerate(layers):
        value = measured.value(layer.layer)
        text = number(value) if written and isfinite(value) else ""
        start, end = (round(left + width * edge, GRID) for edge in (place, place + 1))
        cells.append(Cell(start, end, top, top + LAYER, click(layer), layer_words(layer, measured), value, text))
    return cells


def factor_words(shape: BlockShape) -> str:
    """ ", × 0.5" where the shortcut is multiplied by a factor."""
    return "" if shape.shortcut_scale == 1 else f", × {shape.shortcut_scale:g}"


def click(layer: LayerRow) -> Click:
    """Customdata of a layer."""
    return "layer", layer.layer, layer.stage, layer.block


def layer_words(layer: LayerRow, measured: Measured) -> str:
    """Hover text of a layer."""
    place = f"stage {layer.stage}, block {layer.block}" if layer.block else layer.name.partition(".")[0]
    shape = f"{layer.width} channels, {layer.side} × {layer.side}"
    lines = [f"<b>layer {layer.layer}</b>", place, layer.name, shape, f"{layer.parameters:,} parameters"]
    words = measured.words(measured.value(layer.layer))
    lines += [f"its block: {words}" if measured.by_block and layer.block else words] if words else []
    return "<br>".join(dict.fromkeys(lines))
