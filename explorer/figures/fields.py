"""A matrix of coloured fields with numbers in them: networks, methods or classes against each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.escaping import in_figure
from explorer.figures import theme

FIELD = 92  # pixels
MOST_FIELDS = 640  # pixels, of all fields together
PALE = 0.55  # opacity of the colours, so that the page's letters are readable on all of them


def room(names: Sequence[str]) -> float:
    """Width of the longest name, in pixels."""
    return max((len(name) for name in names), default=0) * theme.BOLD_LETTER * theme.TEXT_SIZE


def field_axis(names: Sequence[str], colours: theme.Palette) -> dict[str, Any]:
    """An axis of names without lines and ticks."""
    axis = theme.axis(colours) | {"type": "category", "showline": False, "ticks": "", "showgrid": False}
    return axis | {"categoryorder": "array", "categoryarray": list(map(in_figure, names)), "fixedrange": True}


def fields(
    names: Sequence[str], values: Any, texts: list[list[str]], colours: theme.Palette, *, small: bool = False
) -> dict[str, Any]:
    """The trace, with the same names on both axes; the caller adds colours and hover text.

    Args:
        values: (names, names); NaN leaves a field out.
        texts: in the fields.
        small: smaller letters.
    """
    return {
        "type": "heatmap",
        "x": list(map(in_figure, names)),
        "y": list(map(in_figure, names)),
        "z": values.astype(np.float32),
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"size": theme.TEXT_SIZE - (4 if small else 0), "color": colours.ink},
        "opacity": PALE,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
    }


def square(
    names: Sequence[str], values: Any, texts: list[list[str]], colours: theme.Palette, *, height: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trace and layout of square fields, smaller where there are many.

    Args:
        names, values, texts: as for `fields`.
        height: in pixels; None takes what the fields need.
    """
    longest, side = room(names), min(FIELD, MOST_FIELDS / max(1, len(names)))
    upright = longest > side  # or names below would overlap
    margin = {"l": 24 + longest, "r": 24, "t": 12, "b": 24 + (longest if upright else 30)}
    axis = field_axis(names, colours) | {"constrain": "domain"}
    layout = theme.layout(colours, height=height or round(margin["t"] + margin["b"] + side * max(1, len(names)))) | {
        "margin": margin,
        "xaxis": axis | {"constraintoward": "left", "tickangle": -90 if upright else 0},
        "yaxis": axis | {"autorange": "reversed", "scaleanchor": "x", "constraintoward": "top"},
        "dragmode": False,
    }
    return fields(names, values, texts, colours, small=side <= FIELD / 2), layout
