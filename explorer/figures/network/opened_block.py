"""One block of a drawn network in full: convolutions, norms, ReLUs in their order, and the shortcut around them."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.figures.network.cells import Cell
from explorer.figures.network.connections import LIFT, Line, Lines, outline
from explorer.figures.network.measured import LETTER, Measured
from explorer.figures.network.stage_rows import (
    GRID,
    HEADING,
    LEFT,
    NARROW,
    RIGHT,
    WIDTH,
    LayerRow,
    click,
    factor_words,
    layer_words,
)
from explorer.models.structure import BlockShape, branch

# The parts of a block, and their relative widths. The scalars a and b are learned.
PARTS = {
    "x": 0.4,
    "convolution": 2.7,
    "batch norm": 1.0,
    "group norm": 1.0,
    "ReLU": 0.9,
    "+ b": 0.6,
    "× a": 0.6,
    "× a + b": 0.9,
    "squeeze, excite": 1.3,
    "2×2 mean": 1.0,
    "blur": 0.9,
    "join": 0.2,
    "out": 0.5,
}
NORMS = {"batch": "batch norm", "group": "group norm", "skipinit": "", "fixup": ""}
TWO_LINES = ("batch norm", "group norm", "squeeze, excite", "2×2 mean")
BOXED = PARTS.keys() - {"x", "convolution", "join", "out"}
ARROW = 0.25  # between two of them, in the same unit
ABOVE, PARTS_HEIGHT, BELOW = 58.0, 64.0, 28.0  # pixels: shortcut, boxes, values
BLOCK = HEADING + ABOVE + PARTS_HEIGHT + BELOW

Part = tuple[str, LayerRow | None]  # a name in PARTS, and the layer if it is a convolution


@dataclass(frozen=True, slots=True)
class OpenedBlock:
    """A block that is drawn in full.

    Attributes:
        shape: what it is made of.
        members: its layers in order.
    """

    shape: BlockShape
    members: list[LayerRow]


def opened_block(layers: Sequence[LayerRow], shapes: Sequence[BlockShape], place: tuple[int, int]) -> OpenedBlock:
    """The block of this stage and number there.

    Raises:
        ValueError: there is none.
    """
    for shape in shapes:
        if (shape.stage, shape.block) == place:
            return OpenedBlock(shape, [layer for layer in layers if (layer.stage, layer.block) == place])
    raise ValueError(f"There is no block {place[1]} in stage {place[0]}. Choose one that the network has.")


def block_heading(block: OpenedBlock, top: float, measured: Measured) -> Cell:
    """The bar above an opened block, which closes it."""
    place = block.shape.stage, block.shape.block
    first, last = block.members[0].layer, block.members[-1].layer
    counted = f"layers {first}–{last}" if last > first else f"layer {first}"
    text = f"▼ <b>Stage {place[0]}, block {place[1]}</b> in full: {counted}"
    if measured.by_block:
        text += f"; {measured.words(measured.value(first))}"
    return Cell(LEFT, RIGHT, top, top + HEADING, ("block", 0, *place), "click: close this block", text=text)


def add_block(lines: Lines, block: OpenedBlock, top: float, measured: Measured) -> list[Cell]:
    """Draw a block from left to right below `top`, the top of its heading; returns its convolutions.

    Args:
        lines: extended by the arrows, the boxes and the shortcut.
        block: to draw.
        top: in pixels.
        measured: values and their colour scale.
    """
    parts = block_parts(block)
    kinds = dict(zip((layer.layer for layer in block.members), branch(block.shape), strict=True))
    unit = WIDTH / (sum(PARTS[name] for name, _ in parts) + ARROW * (len(parts) - 1))
    box_top = top + HEADING + ABOVE
    bottom, middle = box_top + PARTS_HEIGHT, box_top + PARTS_HEIGHT / 2
    left, join = 0.0, 0.0
    taps: dict[str, float] = {}  # x behind the first part of each name
    cells: list[Cell] = []
    for name, layer in parts:
        right = left + PARTS[name] * unit
        centre = (left + right) / 2
        if layer:
            place = (round(left, GRID), round(right, GRID), box_top, bottom)
            text = _convolution(kinds[layer.layer], NARROW * (right - left))
            hover, value = layer_words(layer, measured), measured.value(layer.layer)
            cells.append(Cell(*place, click(layer), hover, value, text))
            lines.boxes += outline(*place)
            lines.labels.append((centre, bottom + 14, _label(layer, measured)))
        elif name == "join":
            join = centre
            lines.add_join(block.shape.shortcut, centre, middle)
        else:
            lines.labels.append((centre, middle, name.replace(" ", "<br>") if name in TWO_LINES else name))
            if name in BOXED:
                lines.boxes += outline(left, right, box_top + 10, bottom - 10)
        if name != "out":
            lines.path += [(right, middle), (right + ARROW * unit, middle), LIFT]
            lines.arrowheads.append((right + ARROW * unit, middle))
        taps.setdefault(name, right + ARROW * unit / 2)
        left = right + ARROW * unit
    tap = taps["ReLU" if block.shape.shares_activation else "x"]
    height = top + HEADING + 32
    if join:
        line: Line = [(tap, middle), (tap, height), (join, height), (join, middle)]
        lines.add_shortcut(block.shape, line, ((tap + join) / 2, height))
    lines.labels.append(((tap + join) / 2 if join else WIDTH / 2, height - 12, shortcut_words(block.shape)))
    return cells


def block_parts(block: OpenedBlock) -> list[Part]:
    """The parts of a block, in order."""
    shape = block.shape
    parts: list[Part] = [("x", None)]
    before = shape.order == "pre" or shape.kind not in ("basic", "bottleneck")
    for layer in block.members:
        last = layer is block.members[-1]
        if before:
            parts += _named(NORMS[shape.norm], "ReLU")
        if shape.norm == "fixup":
            parts += _named("+ b")
        parts.append(("convolution", layer))
        if before:
            parts += _named("× a" * (last and shape.norm == "skipinit"))
        else:
            scalars = {"skipinit": "× a" * last, "fixup": "× a + b" if last else "+ b"}
            parts += _named(scalars.get(shape.norm, NORMS[shape.norm]), "ReLU" * (not last))
            if layer is block.members[-2]:
                parts += _named({"none": "", "blur": "blur", "average": "2×2 mean"}[shape.antialias])
    excitation = "squeeze, excite" * shape.excitation
    of_sum = shape.excitation_on == "sum"
    parts += _named("2×2 mean" * (shape.kind == "transition"), "" if of_sum else excitation)
    parts += _named("join" * (shape.shortcut != "none"), excitation if of_sum else "")
    return parts + _named("ReLU" * (not before), "out")


def _named(*names: str) -> list[Part]:
    """Parts without a layer; an empty name is none."""
    return [(name, None) for name in names if name]


def shortcut_words(shape: BlockShape) -> str:
    """What the shortcut of a block does."""
    if shape.kind == "transition":
        return "transition to the next stage: no shortcut"
    norm = NORMS[shape.norm]
    active = f"x after {norm} and ReLU" if norm else "x after ReLU"
    taken = active if shape.shares_activation else "x"
    normed = f", {norm}" if norm and shape.order == "post" else ", + b before and after" * (shape.norm == "fixup")
    kept = "mean of 2×2 positions" if shape.subsampling == "average" else "every second position"
    zeros = "behind the old channels" if shape.padding == "end" else "for the new channels"
    words = {
        "none": "plain network: no shortcut, no addition",
        "identity": f"identity: {taken}" if shape.shares_activation else "identity: x itself",
        "pad": f"zero padding: {kept} of {taken}, zeros {zeros}",
        "projection": f"projection of {taken}: 1×1 convolution{normed}",
        "pooled": f"projection of {taken}: mean of 2×2 positions, 1×1 convolution{normed}",
        "concatenation": "concatenation: x itself, and the new channels behind it",
    }[shape.shortcut]
    return words + factor_words(shape)


def _label(layer: LayerRow, measured: Measured) -> str:
    words = "" if measured.by_block else measured.words(measured.value(layer.layer))
    return f"layer {layer.layer}: {words}" if words else f"layer {layer.layer}"


def _convolution(found: tuple[int, int, int, int, int], pixels: float) -> str:
    """The text in a convolution: two lines, three if it is narrow."""
    in_width, width, kernel, stride, groups = found
    name, widths = f"conv {kernel}×{kernel}", f"{in_width} → {width}"
    more = [f"stride {stride}"] * (stride > 1) + [f"{groups} groups"] * (groups > 1)
    first = ", ".join([f"<b>{name}</b>", *more])
    if LETTER * max(len(first) - len("<b></b>"), len(widths) + len(" channels")) <= pixels:
        return f"{first}<br>{widths} channels"
    return "<br>".join([f"<b>{name}</b>", *filter(None, [", ".join(more)]), widths])
