"""What a block is: two layers, the shortcut around them, and the sum."""

from math import sqrt
from typing import Any

import plotly.graph_objects as go

from explorer.figures import theme

WIDE, HIGH = 448, 170  # units of the axes, about one pixel each
BOX = 104, 40
MIDDLE = 66.0  # height of the layers
SUM = 348.0  # place of the sum


def residual_block(*, dark: bool = False, height: int = HIGH) -> go.Figure:
    """A residual block: x, F(x) of two layers, the shortcut that carries x around them, and their sum.

    Args:
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    larger = sqrt(max(1.0, height / HIGH))  # of lines and type; the rest grows with the height itself
    ink = {"color": colours.ink, "width": 2 * larger}
    shortcut = {"color": colours.network(20, 0), "width": 3 * larger}
    font = {"size": round(theme.TEXT_SIZE * larger), "color": colours.ink}
    boxes = [(62.0, "3×3 conv"), (208.0, "3×3 conv")]
    shapes = [
        {"type": "rect", "x0": left, "x1": left + BOX[0], "y0": MIDDLE - BOX[1] / 2, "y1": MIDDLE + BOX[1] / 2}
        | {"line": ink}
        for left, _ in boxes
    ]
    shapes.append({"type": "circle", "x0": SUM - 13, "x1": SUM + 13, "y0": MIDDLE - 13, "y1": MIDDLE + 13, "line": ink})
    over = MIDDLE + 66
    shapes.append(
        {"type": "path", "path": f"M 40,{MIDDLE} L 40,{over} L {SUM},{over} L {SUM},{MIDDLE + 24}", "line": shortcut}
    )
    texts = [
        *((left + BOX[0] / 2, MIDDLE, text) for left, text in boxes),
        (SUM, MIDDLE, "+"),
        (14.0, MIDDLE, "<b>x</b>"),
        (187.0, MIDDLE + 14, "ReLU"),
        (187.0, MIDDLE - 40, "the branch learns <b>F(x)</b>"),
        (187.0, over + 16, "the shortcut carries <b>x</b>"),
        (412.0, MIDDLE, "<b>x + F(x)</b>"),
    ]
    arrows = [
        _arrow(24.0, 62.0, ink),
        _arrow(62.0 + BOX[0], 208.0, ink),
        _arrow(208.0 + BOX[0], SUM - 13, ink),
        _arrow(SUM + 13, 376.0, ink),
        _arrow(SUM, SUM, shortcut, MIDDLE + 26, MIDDLE + 13),
    ]
    words = [{"x": x, "y": y, "text": text, "showarrow": False, "font": font} for x, y, text in texts]
    hidden = {"visible": False, "fixedrange": True}
    layout = theme.layout(colours, height=height) | {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "xaxis": hidden | {"range": [0, WIDE], "constrain": "domain"},
        "yaxis": hidden | {"range": [0, HIGH], "scaleanchor": "x", "constrain": "domain"},
        "dragmode": False,
        "shapes": shapes,
        "annotations": arrows + words,
    }
    return go.Figure({"data": [{"type": "scatter", "x": [], "y": [], "showlegend": False}], "layout": layout})


def _arrow(
    start: float, end: float, line: dict[str, Any], below: float = MIDDLE, above: float = MIDDLE
) -> dict[str, Any]:
    """From (start, below) to (end, above)."""
    return {
        "x": end, "y": above, "ax": start, "ay": below, "xref": "x", "yref": "y", "axref": "x", "ayref": "y",
        "text": "", "showarrow": True, "arrowhead": 2, "arrowwidth": line["width"], "arrowcolor": line["color"],
    }  # fmt: skip
