"""Texts around the panels of a figure: the legend above, their headings, the note below."""

from collections.abc import Iterable
from typing import Any

from explorer.figures import theme

LEGEND_ROW = 26  # pixels
NARROW = 800  # pixels between the margins of a figure on the narrowest supported page
LETTER, SYMBOL = 7.0, 50  # pixels: a letter of a legend entry, its symbol with margins
NOTE_LETTERS = 118  # letters in a line of a note on such a page


def legend() -> dict[str, Any]:
    """A row of names; a click on one hides its lines in all panels."""
    return {
        "orientation": "h",
        "xanchor": "left",
        "font": {"size": theme.TEXT_SIZE},
        "itemwidth": 36,
        "groupclick": "togglegroup",
        "tracegroupgap": 0,
        "bgcolor": theme.CLEAR,
    }


def legend_by_kind(kinds: Iterable[str], names: Iterable[str] = ()) -> tuple[dict[str, Any], int]:
    """A legend at the top edge of the figure, each kind in separate rows; and its height in pixels.

    Args:
        kinds: of the networks, in the order of their legend entries: all plain ones first.
        names: the entries, if some may be long.
    """
    kinds = list(kinds)
    longest = max((len(name) for name in names), default=0)
    most = max(1, int(0.9 * NARROW / (SYMBOL + LETTER * longest))) if longest else len(kinds) + 1
    in_row = max([kinds.count(kind) for kind in theme.DASHES] + [1])
    columns = -(-in_row // -(-in_row // most))  # balanced, so that each kind begins a row
    place = {"x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    width = {"entrywidthmode": "fraction", "entrywidth": 0.9 / columns}  # the rest is for the gaps
    return legend() | place | width, LEGEND_ROW * -(-len(kinds) // columns)


def heading(text: str, x: float) -> dict[str, Any]:
    """The annotation above a panel whose left edge is at `x` (0 to 1)."""
    return {
        "name": "heading",
        "text": f"<b>{text}</b>",
        "xref": "paper",
        "yref": "paper",
        "x": x,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 6,
        "showarrow": False,
        "font": {"size": theme.TITLE_SIZE},
    }


def note(text: str, colours: theme.Palette) -> dict[str, Any]:
    """The annotation below the axis titles, at the left."""
    return {
        "name": "note",
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 0,
        "xanchor": "left",
        "yanchor": "top",
        "yshift": -62,
        "align": "left",
        "showarrow": False,
        "font": {"size": theme.TEXT_SIZE - 1, "color": colours.muted},
    }


def wrapped(parts: Iterable[str]) -> str:
    """The parts of a note in one text, wrapped for a narrow page."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) < NOTE_LETTERS:
            lines[-1] += f"\u2003{part}"
        else:
            lines.append(part)
    return "<br>".join(lines)
