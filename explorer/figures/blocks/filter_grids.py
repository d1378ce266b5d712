"""The filters of a convolution as a grid."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures import theme
from explorer.figures.blocks.sheet import picture_at, sheet_layout, sheet_width, words_at

LEFT, HEAD, FOOT, RIGHT, EDGE = 92, 44, 40, 84, 8.0
GAP = 3
MOST, MOST_LARGE = 32, 6  # filters, and input channels, that are shown; to a room
COLOUR_COLUMNS, COLOUR_COLUMNS_LARGE, COLOUR_SIDE = 12, 9, 72  # of filters of colour images
MOST_SIDE = 40


def filter_grid(
    weights: NDArray[np.float32], *, large: bool = False, dark: bool = False, height: int | None = None
) -> go.Figure:
    """Filters on one colour scale: those of colour images as pictures, others a row each, with their input channels.

    A point's customdata is [filter, input channel].

    Args:
        weights: (filters, input channels, height, width), of `studies.features.filters`; the first 32 of both are
            shown.
        large: for a room: the first 6, in larger letters.
        dark: for a dark page.
        height: in pixels; None takes what the filters need.
    """
    colours, width = theme.palette(dark=dark), sheet_width(large=large)
    top = float(np.abs(weights).max()) or 1.0
    if weights.shape[1] == 3 and weights.shape[2] > 1:
        return _of_colours(weights, top, colours, height, large=large)
    filters, channels = (min(MOST_LARGE if large else MOST, count) for count in weights.shape[:2])
    side = min(MOST_SIDE, (width - LEFT - RIGHT) / channels - GAP, 24 if filters > 16 else MOST_SIDE)
    total = HEAD + filters * (side + GAP) + FOOT
    data = [_maps(weights[:filters, :channels], side)]
    step = 1 if side > 14 else 4
    rows = [(EDGE, HEAD + number * (side + GAP) + side / 2, f"filter {number}") for number in range(0, filters, step)]
    data += [
        words_at(
            rows,
            colours,
            size=min(theme.TEXT_SIZE, round(side * 0.7) if step == 1 else theme.TEXT_SIZE - 2),
            align="left",
        ),
        words_at([(LEFT, HEAD / 2, "input channels, from 0")], colours, size=theme.TEXT_SIZE, align="left"),
        words_at(
            [(EDGE, total - FOOT / 2, _note(weights, filters, channels))],
            colours,
            size=theme.TEXT_SIZE,
            muted=True,
            align="left",
        ),
    ]
    layout = sheet_layout(width, total, colours, drawn=height) | {
        "coloraxis": _bar(top, colours, total, filters * (side + GAP), width)
    }
    return go.Figure({"data": data, "layout": layout})


def _maps(weights: NDArray[np.float32], side: float) -> dict[str, Any]:
    """One heat map with gaps between the filters: a browser takes seconds for a thousand small ones."""
    filters, channels, rows, columns = weights.shape
    cells = np.full((filters, rows + 1, channels, columns + 1), np.nan, np.float32)
    cells[:, :rows, :, :columns] = weights.transpose(0, 2, 1, 3)
    places = np.broadcast_arrays(np.arange(filters)[:, None, None, None], np.arange(channels)[:, None], cells)[:2]
    shape = filters * (rows + 1), channels * (columns + 1)
    return {
        "type": "heatmap",
        "x": _edges(LEFT, channels, columns, side),
        "y": _edges(HEAD, filters, rows, side),
        "z": cells.reshape(shape)[:-1, :-1],
        "coloraxis": "coloraxis",
        "customdata": np.stack([each.reshape(shape)[:-1, :-1] for each in places], axis=-1).astype(object),
        "uid": "filters",
        "hoverongaps": False,
        "hovertemplate": "filter %{customdata[0]}, input channel %{customdata[1]}: %{z:.3f}<extra></extra>",
    }


def _edges(start: float, count: int, cells: int, side: float) -> NDArray[np.float64]:
    """Of the cells of so many filters, and of the gaps between them."""
    inside = np.linspace(0, side, cells + 1)
    return (start + np.arange(count)[:, None] * (side + GAP) + inside).ravel()


def _of_colours(
    weights: NDArray[np.float32], top: float, colours: theme.Palette, height: int | None, *, large: bool
) -> go.Figure:
    """Filters as pictures; grey is zero."""
    columns = COLOUR_COLUMNS_LARGE if large else COLOUR_COLUMNS
    filters = min(3 * columns if large else 4 * MOST, len(weights))
    across = COLOUR_SIDE + 12
    down = COLOUR_SIDE + 30
    rows = -(-filters // columns)
    total = 16 + rows * down + FOOT
    pixels = np.rint(255 * (0.5 + weights / (2 * top))).astype(np.uint8).transpose(0, 2, 3, 1)
    corners = [(12 + number % columns * across, 16 + number // columns * down) for number in range(filters)]
    data: list[dict[str, Any]] = [
        picture_at(corner, COLOUR_SIDE, pixels[number])
        | {
            "customdata": np.full((*weights.shape[2:], 2), [number, 0]).astype(object),
            "uid": f"filter-{number}",
            "hovertemplate": f"filter {number}: %{{z}}<extra></extra>",
        }
        for number, corner in enumerate(corners)
    ]
    names = [
        (left + COLOUR_SIDE / 2, upper + COLOUR_SIDE + 13, str(number)) for number, (left, upper) in enumerate(corners)
    ]
    words = f"{_note(weights, filters, 3)}\u2003grey: zero, brightest: {top:.2f}"
    data += [
        words_at(names, colours, size=theme.TEXT_SIZE),
        words_at([(12.0, total - FOOT / 2, words)], colours, size=theme.TEXT_SIZE, muted=True, align="left"),
    ]
    return go.Figure({"data": data, "layout": sheet_layout(sheet_width(large=large), total, colours, drawn=height)})


def _note(weights: NDArray[np.float32], filters: int, channels: int) -> str:
    count, inputs, rows, columns = weights.shape
    shown = "" if (filters, channels) == (count, inputs) else f", of which the first {filters} × {channels} are shown"
    return f"{count} filters of {inputs} × {rows} × {columns} weights{shown}, on one scale"


def _bar(top: float, colours: theme.Palette, total: float, long: float, width: int) -> dict[str, Any]:
    bar = {
        "tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted},
        "thickness": 12,
        "outlinewidth": 0,
        "nticks": 5,
    }
    part = min(long, 240) / total
    bar |= {
        "x": 1 - RIGHT / width + 0.012,
        "xanchor": "left",
        "y": 1 - HEAD / total - part,
        "yanchor": "bottom",
        "len": part,
    }
    return {"colorscale": colours.diverging, "cmin": -top, "cmax": top, "colorbar": bar | {"xpad": 0, "ypad": 0}}
