"""The images that excite one channel most, with the place marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.block_results import ExcitingImages
from explorer.escaping import in_figure
from explorer.figures import theme
from explorer.figures.blocks.sheet import frame, picture_at, sheet_layout, sheet_width, words_at
from explorer.figures.numbers import precise

COLUMNS = 9
GAP, TITLES, HEAD, FOOT = 14, 52, 16, 36
MOST_SIDE = 150
DOT = 8


def most_exciting_images(
    found: ExcitingImages, *, large: bool = False, dark: bool = False, height: int | None = None
) -> go.Figure:
    """Images in order of the channel's maximum; a frame around its receptive field, a dot in the middle of that.

    A point's customdata is [position in `found.table`].

    Args:
        found: of `studies.features.exciting_images`.
        large: for a room: larger letters, fewer words.
        dark: for a dark page.
        height: in pixels; None takes what the images need.
    """
    colours, width = theme.palette(dark=dark), sheet_width(large=large)
    columns = max(1, min(COLUMNS, len(found.pixels)))
    side = min(MOST_SIDE, (width - GAP) / columns - GAP)
    rows = max(1, -(-len(found.pixels) // columns))
    total = HEAD + rows * (side + TITLES + GAP) + FOOT
    data: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    titles: list[tuple[float, float, str]] = []
    middles: list[tuple[float, float]] = []
    for number, (row, pixels) in enumerate(zip(_rows(found), found.pixels, strict=True)):
        left = GAP + number % columns * (side + GAP)
        upper = HEAD + number // columns * (side + TITLES + GAP)
        name, value = in_figure(row.name), precise(row.value).replace("-", "−")
        data.append(
            picture_at((left, upper), side, pixels)
            | {
                "customdata": [[[number]] * pixels.shape[1]] * pixels.shape[0],
                "uid": f"image-{number}",
                "hovertemplate": f"<b>{name}</b>, {row.image}<br>{value} at row {row.row}, column {row.column}"
                "<extra></extra>",
            }
        )
        step = side / max(pixels.shape[:2])
        first = np.array([row.left, row.top], float)
        begin, end = np.maximum(first, 0), np.minimum(first + row.side, pixels.shape[1::-1])
        corner = (left + begin[0] * step, upper + begin[1] * step)
        size = (end[0] - begin[0]) * step, (end[1] - begin[1]) * step
        shapes += [frame(corner, *size, theme.ON_LIGHT, line=4), frame(corner, *size, theme.ON_DARK, line=1.5)]
        middle = first + row.side / 2
        middles.append((left + middle[0] * step, upper + middle[1] * step))
        titles += [(left + side / 2, upper + side + 18, name), (left + side / 2, upper + side + 38, value)]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [x for x, _ in middles],
        "y": [y for _, y in middles],
        "marker": {"size": DOT, "color": theme.ON_DARK, "line": {"color": theme.ON_LIGHT, "width": 2}},
        "uid": "middles",
        "hoverinfo": "skip",
    }
    place = found.place.replace("stage", "stage ").replace(".block", ", block ")
    note = f"channel {found.channel} of {found.channels} of {place}\u2003number: its maximum in the image"
    note += "" if large else "\u2003frame: receptive field of that position, dot: its middle"
    letters = theme.TEXT_SIZE if large else theme.TEXT_SIZE - 1
    data += [
        dots,
        words_at(titles, colours, size=letters) | {"uid": "titles"},
        words_at([(GAP, total - FOOT / 2, note)], colours, size=letters, muted=True, align="left") | {"uid": "note"},
    ]
    return go.Figure({"data": data, "layout": sheet_layout(width, total, colours, drawn=height) | {"shapes": shapes}})


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `tables.EXCITING`."""

    name: str
    image: str
    value: float
    row: int
    column: int
    left: float
    top: float
    side: int


def _rows(found: ExcitingImages) -> Iterator[_Row]:
    for row in found.table.to_dict("records"):
        yield _Row(str(row["class"]), *(row[name] for name in _Row.__slots__[1:]))
