"""Layout of a sheet of attribution maps, in pixels from its top left corner; for figures and PNG files."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.figures import theme
from explorer.figures.maps.cells import ColourScale
from explorer.figures.numbers import number

EDGE = 4  # pixels around the sheet
GAP = 14  # between columns
UNDER = 12  # below a row
BESIDE = 14  # between a row heading and its row
LINE = 1.4  # of the letter size
HEADING_LETTERS = 16  # in a line of a row heading
SMALL = theme.TEXT_SIZE - 2
BAR, TICKS = 12, 52  # thickness of a colour bar, room for its numbers at the right
BAR_BELOW = BAR + 6 + SMALL * LINE
MOST_BARS = 4
LEAST_CELL = 24
LEAST_WIDTH, LEAST_HEIGHT = 640, 40  # for the note, for no cells at all


@dataclass(frozen=True, slots=True)
class SheetText:
    """A text of one or several lines, centred vertically at `y`."""

    x: float
    y: float
    text: str
    size: int
    align: Literal["left", "center", "right"] = "center"
    bold: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A colour bar; its lowest value is at the left, of an upright one at the bottom."""

    left: float
    top: float
    width: float
    height: float
    scale: ColourScale

    @property
    def upright(self) -> bool:
        return self.height > self.width


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of cells.

    Attributes:
        heading: at the left; empty if the row continues the one above.
        members: position of the cell in each column; None where there is none.
    """

    heading: str
    members: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Places of cells, texts and colour bars.

    Attributes:
        side: of every cell.
        corners: left and top of each cell, in the order of the cells.
        places: row and column of each cell, from zero.
        scales: of all cells.
    """

    width: float
    height: float
    side: float
    corners: tuple[tuple[float, float], ...]
    places: tuple[tuple[int, int], ...]
    scales: tuple[ColourScale, ...]
    words: tuple[SheetText, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a sheet shows.

    Attributes:
        rows: of cells; all have the same number of columns.
        columns: headings; empty for none.
        captions: above each cell, in the order of the cells: a name, shortened if too long, and a suffix; empty for
            none.
        caption_size: font size.
        notes: below each cell; empty for none.
        scales: of the cells.
        by: what shares a scale; name in `maps.cells.SCALES`.
        barred: the scales have colour bars, if they are not too many.
        facts: texts at the bottom.
    """

    rows: Sequence[SheetRow]
    columns: Sequence[str]
    captions: Sequence[tuple[str, str]]
    caption_size: int
    notes: Sequence[str]
    scales: Sequence[ColourScale]
    by: str
    barred: bool
    facts: Sequence[str]

    @property
    def bars(self) -> list[ColourScale]:
        return list(self.scales) if self.barred and len(self.scales) <= MOST_BARS else []

    @property
    def left(self) -> float:
        """Room for the row headings."""
        longest = max((len(line) for row in self.rows for line in wrapped(row.heading, HEADING_LETTERS)), default=0)
        return EDGE + (BESIDE + longest * theme.BOLD_LETTER * (theme.TEXT_SIZE + 1) if longest else 0)

    @property
    def right(self) -> float:
        """Room for colour bars beside the rows."""
        if self.by in {"map", "column"} or not self.bars:
            return EDGE
        starts = [self.row_of(scale.members[0]) for scale in self.bars]
        return EDGE + max(starts.count(row) for row in starts) * (GAP + BAR + TICKS)

    @property
    def text_width(self) -> float:
        """Width of a column that shows each word of its heading and each caption in full."""
        words = [word for text in self.columns for word in text.split()]
        captions = ["".join(each) for each in self.captions]
        return max(
            _width(words, theme.BOLD_LETTER * (theme.TEXT_SIZE + 1)), _width(captions, theme.LETTER * self.caption_size)
        )

    def row_of(self, member: int) -> int:
        return next(place for place, row in enumerate(self.rows) if member in row.members)

    def column_of(self, member: int) -> int:
        return self.rows[self.row_of(member)].members.index(member)

    def side(self, width: float) -> float:
        """Side of cells that fill a width."""
        columns = max((len(row.members) for row in self.rows), default=1)
        return (width - self.left - self.right - GAP * (columns - 1)) / columns


def lay_out(content: Content, side: float, room: float = 0.0) -> Sheet:
    """The sheet with cells of this side.

    Args:
        room: width that each column has for its cell and texts, if it is more.
    """
    room = max(side, room)
    words: list[SheetText] = []
    bars: list[Bar] = []
    corners: dict[int, tuple[float, float]] = {}
    places: dict[int, tuple[int, int]] = {}
    columns = max((len(row.members) for row in content.rows), default=1)
    lefts = [content.left + column * (room + GAP) + (room - side) / 2 for column in range(columns)]
    y = EDGE + _add_headings(words, content, lefts, side, room)
    own_bars = content.bars if content.by == "map" else []
    for place, row in enumerate(content.rows):
        top = y + (content.caption_size * LINE if content.captions else 0)
        heading = "\n".join(wrapped(row.heading, HEADING_LETTERS))
        words.append(SheetText(content.left - BESIDE, top + side / 2, heading, theme.TEXT_SIZE + 1, "right", bold=True))
        y = top + side
        for column, member in enumerate(row.members):
            if member is not None:
                corners[member], places[member] = (lefts[column], top), (place, column)
                _add_captions(words, content, member, corners[member], side, room)
        if content.notes:
            y += SMALL * LINE
        if own_bars:
            bars += [
                Bar(corners[member][0], y + 4, side, BAR, scale)
                for scale in own_bars
                for member in scale.members
                if member in row.members
            ]
            y += BAR_BELOW
        y += UNDER
    if content.by == "column" and content.bars:
        y += _add_bars_below(bars, content, lefts, side, y)
    elif content.by in {"row", "all"}:
        _add_bars_beside(bars, content, corners, side)
    for bar in bars:
        words += _numbers(bar)
    width = max(LEAST_WIDTH, lefts[-1] + (side + room) / 2 + content.right)
    height = max(LEAST_HEIGHT, y + _add_facts(words, content.facts, y, width) + EDGE)
    order = sorted(corners)
    return Sheet(
        width,
        height,
        side,
        tuple(corners[member] for member in order),
        tuple(places[member] for member in order),
        tuple(content.scales),
        tuple(each for each in words if each.text),
        tuple(bars),
    )


def fitted(content: Content, width: int, height: int | None, most: int) -> Sheet:
    """The sheet with cells as large as width and height allow, at most `most` pixels.

    Columns are wider than cells that the height makes small, where their texts need it and the width has it.
    """
    widest = content.side(width)
    room = min(widest, content.text_width)
    return _shrunk(content, max(LEAST_CELL, min(most, widest)), height, room)


def filling(content: Content, width: int, height: int) -> Sheet:
    """The sheet that fills a width, with cells as large as the height allows, columns evenly spread."""
    widest = content.side(width)
    return _shrunk(content, widest, height, widest)


def _shrunk(content: Content, side: float, height: int | None, room: float) -> Sheet:
    """The sheet with cells of this side, or smaller ones where it would be higher than `height`."""
    sheet = lay_out(content, side, room)
    for _ in range(2):  # a narrower note may need another line
        if height is not None and sheet.height > height and content.rows:
            smaller = max(LEAST_CELL, sheet.side - (sheet.height - height) / len(content.rows))
            sheet = lay_out(content, smaller, room)
    return sheet


def wrapped(text: str, letters: float) -> list[str]:
    """Lines of at most `letters` letters."""
    return textwrap.wrap(text, max(1, int(letters)))


def shortened(text: str, letters: float) -> str:
    """Cut to at most `letters` letters."""
    return text if len(text) <= letters else text[: max(1, int(letters) - 1)].rstrip() + "…"


def _width(texts: Sequence[str], letter: float) -> float:
    return letter * max(map(len, texts), default=0)


def letters_in(width: float, size: float, *, bold: bool = False) -> float:
    """Number of letters of a font size that fit into a width."""
    return width / ((theme.BOLD_LETTER if bold else theme.LETTER) * size)


def _add_headings(words: list[SheetText], content: Content, lefts: Sequence[float], side: float, room: float) -> float:
    """Headings of the columns, broken between words, aligned at the bottom; returns their height."""
    size = theme.TEXT_SIZE + 1
    letters = letters_in(room + GAP / 2, size, bold=True)
    texts = [_broken(text, letters) for text in content.columns]
    height = max((len(lines) for lines in texts), default=0) * size * LINE
    for left, lines in zip(lefts, texts, strict=False):  # a sheet without headings has columns too
        middle = EDGE + height - len(lines) * size * LINE / 2
        words.append(SheetText(left + side / 2, middle, "\n".join(lines), size, bold=True))
    return height + 4 if height else 0.0


def _broken(text: str, letters: float) -> list[str]:
    """Lines of whole words; a word that is longer than a line is shortened."""
    lines = textwrap.wrap(text, max(1, int(letters)), break_long_words=False, break_on_hyphens=False)
    return [shortened(line, letters) for line in lines]


def _add_captions(
    words: list[SheetText], content: Content, member: int, corner: tuple[float, float], side: float, room: float
) -> None:
    """Caption above and note below a cell."""
    left, top = corner
    if content.captions:
        y = top - content.caption_size * LINE / 2
        name, ending = content.captions[member]
        name = shortened(name, letters_in(room, content.caption_size) - len(ending))
        words.append(SheetText(left + side / 2, y, name + ending, content.caption_size))
    if content.notes:
        text = shortened(content.notes[member], letters_in(room + GAP, SMALL))
        words.append(SheetText(left + side / 2, top + side + SMALL * LINE / 2, text, SMALL, muted=True))


def _add_bars_below(bars: list[Bar], content: Content, lefts: Sequence[float], side: float, top: float) -> float:
    """Colour bars under the columns, a second one of a column below the first; returns their height."""
    under = [0] * len(lefts)
    for scale in content.bars:
        column = content.column_of(scale.members[0])
        bars.append(Bar(lefts[column], top + under[column] * BAR_BELOW, side, BAR, scale))
        under[column] += 1
    return max(under) * BAR_BELOW + UNDER


def _add_bars_beside(bars: list[Bar], content: Content, corners: dict[int, tuple[float, float]], side: float) -> None:
    """Upright colour bars, at the right of the row of their first cell."""
    beside: dict[int, int] = {}
    right = max(left for left, _ in corners.values()) + side if corners else 0.0
    for scale in content.bars:
        row = content.row_of(scale.members[0])
        left = right + GAP + beside.get(row, 0) * (GAP + BAR + TICKS)
        bars.append(Bar(left, corners[scale.members[0]][1], BAR, side, scale))
        beside[row] = beside.get(row, 0) + 1


def _numbers(bar: Bar) -> list[SheetText]:
    """The values at the ends of a colour bar, and zero in the middle of a signed one."""
    top, signed = number(bar.scale.top), bar.scale.signed
    texts = [f"−{top}", "0", top] if signed else ["0", top]
    parts = [place / (len(texts) - 1) for place in range(len(texts))]
    if not bar.upright:
        aligns: list[Literal["left", "center", "right"]] = ["left", "center", "right"] if signed else ["left", "right"]
        y = bar.top + bar.height + 3 + SMALL * LINE / 2
        return [
            SheetText(bar.left + part * bar.width, y, text, SMALL, align, muted=True)
            for part, text, align in zip(parts, texts, aligns, strict=True)
        ]
    x, room = bar.left + bar.width + 5, bar.height - SMALL
    return [
        SheetText(x, bar.top + SMALL / 2 + (1 - part) * room, text, SMALL, "left", muted=True)
        for part, text in zip(parts, texts, strict=True)
    ]


def _add_facts(words: list[SheetText], facts: Sequence[str], top: float, width: float) -> float:
    """Facts in as many lines as they need; returns their height."""
    size = theme.TEXT_SIZE - 1
    lines: list[str] = []
    for fact in facts:
        if lines and len(lines[-1]) + len(fact) + 3 <= letters_in(width, size):
            lines[-1] += f"\u2003{fact}"
        else:
            lines.append(fact)
    for place, line in enumerate(lines):
        words.append(SheetText(EDGE, top + (place + 0.5) * size * LINE, line, size, "left", muted=True))
    return len(lines) * size * LINE
