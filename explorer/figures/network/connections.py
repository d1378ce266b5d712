"""The lines of a drawn network: the main path through its rows and the shortcuts around its blocks."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import copysign, cos, pi, sin
from typing import Any

from explorer.figures import theme
from explorer.figures.network.cells import Cell
from explorer.figures.network.stage_rows import BETWEEN, END, SHORTCUTS, WIDTH, StageRow, factor_words
from explorer.models.structure import BlockShape

Point = tuple[float, float]
Line = list[tuple[float | None, float | None]]

LIFT = (None, None)  # a gap between two lines
TURNS = [pi * corner / 16 for corner in range(17)]  # angles of an arc
BOW = 0.5  # of an arc: 1 is an ellipse, 0 a rectangle
RISE = SHORTCUTS - 6  # of an arc above its block
TAP = 0.22  # start and end of a shortcut, as a fraction of the gap before and after its block
WIDE = 140.0  # width of a block from which arrowheads and additions fit between blocks


@dataclass(slots=True)
class Lines:
    """Lines and letters of the whole network and of an opened block.

    Attributes:
        path: the main path; `arrowheads` are the points it reaches.
        boxes: outlines of blocks, batch norms and ReLUs.
        shortcuts: by kind: identity, pad, projection, pooled, concatenation.
        factor: that they are multiplied by, as text; empty for 1.
        projections: a point on each projection.
        joins: where a shortcut joins the main path, with a sign: + or, for a concatenation, c.
        thin_frames: around the opened block; `frames`: around the selected layer.
        marks: around layers that differ from those of another network.
        headings: texts, left-aligned at a point.
        labels: texts, centred at a point.
    """

    path: Line = field(default_factory=list)
    arrowheads: list[Point] = field(default_factory=list)
    boxes: Line = field(default_factory=list)
    shortcuts: dict[str, Line] = field(default_factory=dict)
    factor: str = ""
    projections: list[Point] = field(default_factory=list)
    joins: list[tuple[float, float, str]] = field(default_factory=list)
    thin_frames: Line = field(default_factory=list)
    frames: Line = field(default_factory=list)
    marks: Line = field(default_factory=list)
    headings: list[tuple[float, float, str]] = field(default_factory=list)
    labels: list[tuple[float, float, str]] = field(default_factory=list)

    def add_shortcut(self, shape: BlockShape, line: Line, middle: Point) -> None:
        """The shortcut of a block; `middle` is a point on it."""
        self.shortcuts.setdefault(shape.shortcut, []).extend([*line, LIFT])
        self.factor = factor_words(shape)
        if shape.shortcut in ("projection", "pooled"):
            self.projections.append(middle)

    def add_join(self, kind: str, x: float, y: float) -> None:
        """The point where a shortcut of this kind joins the main path."""
        self.joins.append((x, y, "c" if kind == "concatenation" else "+"))


def outline(left: float, right: float, top: float, bottom: float, *, room: float = 0.0) -> Line:
    """A rectangle with `room` around it."""
    corners = [(left - room, top - room), (right + room, top - room), (right + room, bottom + room)]
    return [*corners, (left - room, bottom + room), *corners[:2], LIFT]  # past the first corner, to close the line


def marks(cells: Iterable[Cell], layers: Collection[int]) -> Line:
    """Outlines around the cells of these layers; adjacent ones of a block share one."""
    found: Line = []
    for (marked, _, _), group in groupby(cells, lambda cell: (cell.click[1] in layers, *cell.click[2:])):
        members = list(group)
        if marked:
            found += outline(members[0].left, members[-1].right, members[0].top, members[0].bottom, room=1)
    return found


def add_rows(lines: Lines, rows: Sequence[StageRow]) -> None:
    """The blocks of all rows, their shortcuts, and the main path from the stem through them to the classifier."""
    (first_x, first_y), (last_x, last_y) = rows[0].entry, rows[-1].exit
    lines.path += [(END, first_y), (first_x, first_y), LIFT]
    for row, following in pairwise(rows):  # from the end of a row to the start of the next
        (x, y), (next_x, next_y) = row.exit, following.entry
        right, left, turn = WIDTH - END / 2, END / 2, row.bottom + BETWEEN / 2
        lines.path += [(x, y), (right, y), (right, turn), (left, turn), (left, next_y), (next_x, next_y), LIFT]
    lines.path += [(last_x, last_y), (WIDTH - END, last_y), LIFT]
    lines.arrowheads += [*(row.entry for row in rows), (WIDTH - END, last_y)]
    for row in rows:
        if not row.closed:
            for block in range(1, row.blocks + 1):
                lines.boxes += outline(*row.box(block))
            if not row.folded:
                _add_blocks(lines, row)


def _add_blocks(lines: Lines, row: StageRow) -> None:
    """The main path from block to block, and the shortcuts."""
    y = row.entry[1]
    for before, after in pairwise(range(1, row.blocks + 1)):
        lines.path += [(row.box(before)[1], y), (row.box(after)[0], y), LIFT]
    wide = row.slot >= WIDE
    lines.arrowheads += [(row.box(block)[0], y) for block in range(2, row.blocks + 1) if wide]
    for block, shape in enumerate(row.shapes, start=1):
        kind = shape.shortcut
        if kind == "none":
            continue
        left, right, top, _ = row.box(block)
        start, end = left - TAP * row.gap, right + TAP * row.gap
        middle = (start + end) / 2
        radius = (end - start) / 2
        bow: Line = [(middle - radius * _bent(cos(turn)), top - RISE * _bent(sin(turn))) for turn in TURNS]
        lines.add_shortcut(shape, [(start, y), *bow, (end, y)], (middle, top - RISE))
        if wide:
            lines.add_join(kind, end, y)


def _bent(part: float) -> float:
    return copysign(abs(part) ** BOW, part)


def line_traces(lines: Lines, colours: theme.Palette) -> list[dict[str, Any]]:
    """One trace for all boxes, one for the main path, one for each kind of shortcut, with its name in the legend."""
    found = [
        _line(lines.boxes, "boxes", colours.muted, width=1),
        _line(lines.path, "path", colours.muted, width=2),
        _points([(x - 5, y) for x, y in lines.arrowheads], "arrowheads", "triangle-right", colours.muted, size=10),
    ]
    styles = {
        "identity": ("identity shortcut", colours.ink, "solid"),
        "pad": ("zero padding", colours.others[0], "5px,3px"),
        "projection": ("1×1 projection ◆", colours.others[2], "solid"),
        "pooled": ("2×2 mean, 1×1 projection ◆", colours.others[2], "2px,3px"),
        "concatenation": ("concatenation", colours.others[1], "solid"),
    }
    for kind, (name, colour, dash) in styles.items():
        if kind in lines.shortcuts:
            drawn = _line(lines.shortcuts[kind], kind, colour, width=2.5, dash=dash)
            found.append(drawn | {"name": f"{name}{lines.factor}", "showlegend": True})
    if lines.marks:
        drawn = _line(lines.marks, "marks", colours.depth(32), width=3)
        found.append(drawn | {"name": "differs", "showlegend": True})
    diamonds = _points(lines.projections, "projections", "diamond", styles["projection"][1], size=9)
    sums = _points([(x, y) for x, y, _ in lines.joins], "joins", "circle", colours.page, size=17)
    signs = [sign for _, _, sign in lines.joins]
    written = {"mode": "markers+text", "text": signs, "textfont": {"size": theme.TEXT_SIZE, "color": colours.ink}}
    sums["marker"] |= {"line": {"color": colours.ink, "width": 1.5}}
    frames = [
        _line(lines.thin_frames, "thin-frames", colours.ink, width=2.5),
        _line(lines.frames, "frames", colours.ink, width=7),
        _line(lines.frames, "in-frames", colours.page, width=2),  # visible on dark cells too
    ]
    return [*found, diamonds, sums | written, *frames, _letters(lines, colours)]


def _line(points: Line, uid: str, colour: str, *, width: float, dash: str = "solid") -> dict[str, Any]:
    x, y = zip(*points, strict=True) if points else ((), ())
    return _unnamed(uid) | {
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width, "dash": dash},
    }


def _points(points: Sequence[Point], uid: str, symbol: str, colour: str, *, size: int) -> dict[str, Any]:
    x, y = zip(*points, strict=True) if points else ((), ())
    marker = {"symbol": symbol, "size": size, "color": colour, "opacity": 1}
    return _unnamed(uid) | {"mode": "markers", "x": x, "y": y, "marker": marker, "cliponaxis": False}


def _letters(lines: Lines, colours: theme.Palette) -> dict[str, Any]:
    x, y, texts = zip(*lines.headings, *lines.labels, strict=True)
    positions = ["middle right"] * len(lines.headings) + ["middle center"] * len(lines.labels)
    return _unnamed("letters") | {
        "mode": "text",
        "x": x,
        "y": y,
        "text": texts,
        "textposition": positions,
        "textfont": {"size": theme.TEXT_SIZE - 1, "color": colours.ink},
        "cliponaxis": False,
    }


def _unnamed(uid: str) -> dict[str, Any]:
    """Common properties: no hover text, so that the pointer reaches the cells below."""
    return {"type": "scatter", "uid": uid, "hoverinfo": "skip", "showlegend": False}
