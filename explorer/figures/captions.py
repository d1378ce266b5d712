"""What stands around the panels of a figure: the legend above, their headings, the note below."""

from collections.abc import Iterable
from typing import Any

from explorer.figures import theme

LEGEND_ROW = 26  # pixels


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


def legend_by_kind(kinds: Iterable[str]) -> tuple[dict[str, Any], int]:
    """A legend at the top edge of the figure, a row for each kind where both are there; and its height in pixels.

    Args:
        kinds: of the networks, in the order of their legend entries: all plain ones first.
    """
    kinds = list(kinds)
    columns = max([kinds.count(kind) for kind in theme.DASHES] + [1])
    place = {"x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    width = {"entrywidthmode": "fraction", "entrywidth": 0.9 / columns}  # the rest is for the gaps
    return legend() | place | width, LEGEND_ROW * -(-len(kinds) // columns)


def heading(text: str, x: float) -> dict[str, Any]:
    """The annotation above a panel whose left edge is at `x` (0 to 1)."""
    return {
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
    """The annotation below the axes and their titles, at the left."""
    return {
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
