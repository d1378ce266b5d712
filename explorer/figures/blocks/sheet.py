"""Small maps and pictures on one pair of axes in pixels, which keep their squares at every width of the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.escaping import in_figure
from explorer.figures import theme

WIDTH, LARGE_WIDTH = 1100, 780  # pixels of a sheet; of one for a room, whose letters are enlarged more

Place = tuple[float, float]  # left and top, in pixels


def sheet_width(*, large: bool) -> int:
    """Pixels of a sheet, for a room or a page."""
    return LARGE_WIDTH if large else WIDTH


def sheet_layout(width: float, height: float, colours: theme.Palette, *, drawn: int | None) -> dict[str, Any]:
    """Layout without visible axes; drawn: height of the figure, None takes that of the sheet."""
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return theme.layout(colours, height=drawn or round(height)) | {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "meta": {"width": width},  # for `ui.widgets.live_chart`, which enlarges it on a wider page
        "xaxis": axis | {"range": [0, width], "constraintoward": "left"},
        "yaxis": axis | {"range": [height, 0], "scaleanchor": "x", "constraintoward": "top"},
        "dragmode": False,
        "showlegend": False,
    }


def map_at(place: Place, side: float, values: NDArray[Any]) -> dict[str, Any]:
    """A heat map of (H, W) values in a square; the caller adds colours and hover text."""
    rows, columns = values.shape
    longest = max(rows, columns)
    step = side / longest
    return {
        "type": "heatmap",
        "x0": place[0] + step / 2,
        "dx": step,
        "y0": place[1] + step / 2,
        "dy": step,
        "z": values.astype(np.float32),
        "showscale": False,
        "hoverongaps": False,
    }


def picture_at(place: Place, side: float, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """A picture, uint8 (H, W, 3) or (H, W, 1), in a square."""
    rows, columns = pixels.shape[:2]
    step = side / max(rows, columns)
    return {
        "type": "image",
        "x0": place[0] + step / 2,
        "dx": step,
        "y0": place[1] + step / 2,
        "dy": step,
        "z": np.broadcast_to(pixels, (rows, columns, 3)).astype(np.uint8),
    }


def words_at(
    words: Sequence[tuple[float, float, str]],
    colours: theme.Palette,
    *,
    size: int,
    muted: bool = False,
    align: str = "center",
) -> dict[str, Any]:
    """Texts at places, in the middle of their lines."""
    return {
        "type": "scatter",
        "mode": "text",
        "x": [x for x, _, _ in words],
        "y": [y for _, y, _ in words],
        "text": [in_figure(text) for _, _, text in words],
        "textposition": {"center": "middle center", "left": "middle right"}[align],
        "textfont": {"size": size, "color": colours.muted if muted else colours.ink},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


def frame(
    place: Place, width: float, height: float, colour: str, *, line: float = 2, dash: str = "solid"
) -> dict[str, Any]:
    """A rectangle."""
    ends = {"x0": place[0], "x1": place[0] + width, "y0": place[1], "y1": place[1] + height}
    return ends | {"type": "rect", "line": {"color": colour, "width": line, "dash": dash}, "fillcolor": theme.CLEAR}
