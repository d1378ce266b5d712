"""One block of a drawn network in full: convolutions, batch norms, ReLUs, and the shortcut around them."""

from collections.abc import Sequence
from math import sqrt

from explorer.figures.cells import Cell
from explorer.figures.drawn_lines import LIFT, Line, Lines, outline
from explorer.figures.measured import Measured
from explorer.figures.stage_rows import GRID, HEADING, LEFT, RIGHT, WIDTH, LayerRow, click, layer_words

# What stands in a block, and how much of the width it takes.
PARTS = {"x": 0.4, "convolution": 2.7, "batch norm": 1.0, "ReLU": 0.9, "+": 0.2, "out": 0.5}
ARROW = 0.25  # between two of them, in the same unit
ABOVE, PARTS_HEIGHT, BELOW = 58.0, 54.0, 28.0  # pixels: shortcut, boxes, values
BLOCK = HEADING + ABOVE + PARTS_HEIGHT + BELOW

SHORTCUT_TEXTS = {
    "identity": "identity: x itself",
    "pad": "zero padding: every second position of x, zeros for the new channels",
    "projection": "projection of x: 1×1 convolution, batch norm",
    "none": "plain network: no shortcut, no addition",
}


def block_heading(layers: Sequence[LayerRow], block: tuple[int, int], top: float, measured: Measured) -> Cell:
    """The bar above an opened block, which closes it."""
    members = _members(layers, block)
    text = f"▼ <b>Stage {block[0]}, block {block[1]}</b> in full: layers {members[0].layer}–{members[-1].layer}"
    if measured.by_block:
        text += f"; {measured.words(measured.value(members[0].layer))}"
    return Cell(LEFT, RIGHT, top, top + HEADING, ("block", 0, *block), "click: close this block", text=text)


def add_block(
    lines: Lines, layers: Sequence[LayerRow], block: tuple[int, int], top: float, measured: Measured
) -> list[Cell]:
    """Draw a block from left to right below `top`, the top of its heading; gives its convolutions.

    Args:
        lines: get the arrows, the boxes and the shortcut.
        layers: of the network, in order.
        block: its stage, and its number there.
        top: in pixels.
        measured: what the colours say.
    """
    members = _members(layers, block)
    kind = members[0].shortcut
    parts = _parts(members)
    unit = WIDTH / (sum(PARTS[name] for name, _ in parts) + ARROW * (len(parts) - 1))
    box_top = top + HEADING + ABOVE
    bottom, middle = box_top + PARTS_HEIGHT, box_top + PARTS_HEIGHT / 2
    left, tap, addition = 0.0, 0.0, 0.0
    cells: list[Cell] = []
    for name, layer in parts:
        right = left + PARTS[name] * unit
        centre = (left + right) / 2
        if layer:
            place = (round(left, GRID), round(right, GRID), box_top, bottom)
            cells.append(_convolution(layers, layer, place, measured))
            lines.boxes += outline(*place)
            lines.labels.append((centre, bottom + 14, _label(layer, measured)))
        elif name == "+":
            addition = centre
            lines.additions.append((centre, middle))
        elif name in ("batch norm", "ReLU"):
            lines.boxes += outline(left, right, box_top + 6, bottom - 6)
        if name not in ("convolution", "+"):
            lines.labels.append((centre, middle, name.replace(" ", "<br>")))
        if name != "out":
            lines.path += [(right, middle), (right + ARROW * unit, middle), LIFT]
            lines.arrowheads.append((right + ARROW * unit, middle))
        tap = tap or right + ARROW * unit / 2
        left = right + ARROW * unit
    height = top + HEADING + 32
    if addition:
        line: Line = [(tap, middle), (tap, height), (addition, height), (addition, middle)]
        lines.add_shortcut(kind, line, ((tap + addition) / 2, height))
    lines.labels.append(((tap + addition) / 2 if addition else WIDTH / 2, height - 12, SHORTCUT_TEXTS[kind]))
    return cells


def _members(layers: Sequence[LayerRow], block: tuple[int, int]) -> list[LayerRow]:
    found = [layer for layer in layers if (layer.stage, layer.block) == block]
    if not found:
        raise ValueError(f"There is no block {block[1]} in stage {block[0]}. Choose one of those in `layers`.")
    return found


def _parts(members: list[LayerRow]) -> list[tuple[str, LayerRow | None]]:
    """What the block consists of in order, each with its layer if it is a convolution."""
    branch: list[tuple[str, LayerRow | None]] = [
        part for layer in members for part in (("convolution", layer), ("batch norm", None), ("ReLU", None))
    ]
    addition: list[tuple[str, LayerRow | None]] = [] if members[0].shortcut == "none" else [("+", None)]
    return [("x", None), *branch[:-1], *addition, branch[-1], ("out", None)]


def _label(layer: LayerRow, measured: Measured) -> str:
    words = "" if measured.by_block else measured.words(measured.value(layer.layer))
    return f"layer {layer.layer}: {words}" if words else f"layer {layer.layer}"


def _convolution(
    layers: Sequence[LayerRow], layer: LayerRow, place: tuple[float, float, float, float], measured: Measured
) -> Cell:
    before = layers[layer.layer - 2]
    side = round(sqrt(layer.parameters / (layer.width * before.width)))  # batch norm's or a bias's add little
    stride = f", stride {round(before.side / layer.side)}" if before.side > layer.side else ""
    text = f"<b>conv {side}×{side}</b>{stride}<br>{before.width} → {layer.width} channels"
    return Cell(*place, click(layer), layer_words(layer, measured), measured.value(layer.layer), text)
