"""The arithmetic of a block on one image: x, F(x), shortcut, sum and ReLU of each channel, on one colour scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.block_results import Arithmetic
from explorer.figures import theme
from explorer.figures.blocks.sheet import frame, map_at, sheet_layout, sheet_width, words_at
from explorer.figures.numbers import precise

EDGE = 8.0
LEFT, RIGHT = 124, 84  # for the names of channels, for the colour bar
GAP = 34  # between panels, where the signs stand
HEAD, VALUE, BETWEEN, FOOT = 44, 28, 18, 34
MOST_SIDE = 170
TOP = 99.5  # percentile of |values| at the end of the colour scale


def block_panels(
    found: Arithmetic,
    channels: Sequence[int] = (0,),
    *,
    position: tuple[int, int] | None = None,
    large: bool = False,
    dark: bool = False,
    height: int | None = None,
) -> go.Figure:
    """A row of feature maps per channel: x, F(x), shortcut(x), their sum, the ReLU; all on one colour scale.

    A point's customdata is [channel, row, column] of the block's output. The pixel at `position` is framed in every
    map, its values stand below.

    Args:
        found: of `studies.features.block_arithmetic`.
        channels: of the block's output.
        position: row and column in the output; None takes the highest value of the first channel's output.
        large: for a room: larger letters, fewer words.
        dark: for a dark page.
        height: in pixels; None takes what the rows need.
    """
    colours, width = theme.palette(dark=dark), sheet_width(large=large)
    first = channels[0] if channels else 0
    panels = found.parts(first)
    side = min(MOST_SIDE, (width - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels))
    lefts = [LEFT + number * (side + GAP) for number in range(len(panels))]
    row = side + VALUE + BETWEEN
    rows = [found.parts(channel) for channel in channels]
    top = _top(rows)
    position = position or _highest(found.output[first])
    data: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    values: list[tuple[float, float, str]] = []
    size = found.joined.shape[1:]
    for number, (channel, panels) in enumerate(zip(channels, rows, strict=True)):
        upper = HEAD + number * row
        for left, (name, values_of) in zip(lefts, panels, strict=True):
            if values_of is None:
                values.append((left + side / 2, upper + side / 2, "no such channel"))
                continue
            data.append(_map(name, channel, values_of, (left, upper), side, size))
            at = tuple(
                place * here // there for place, here, there in zip(position, values_of.shape, size, strict=True)
            )
            step = side / max(values_of.shape)
            corner = (left + at[1] * step, upper + at[0] * step)
            shapes.append(frame(corner, step, step, colours.ink))
            values.append((left + side / 2, upper + side + VALUE / 2, _value(values_of[at])))
    headings = [
        (left + side / 2, HEAD - 18, name) for left, (name, _) in zip(lefts, rows[0] if rows else [], strict=True)
    ]
    signs = [
        (left - GAP / 2, HEAD + number * row + side / 2, sign)
        for number in range(len(rows))
        for left, sign in zip(lefts[1:], _signs(found), strict=True)
    ]
    names = [(EDGE, HEAD + number * row + side / 2, f"channel {channel}") for number, channel in enumerate(channels)]
    total = HEAD + max(1, len(rows)) * row + FOOT
    data += [
        words_at(headings, colours, size=theme.TITLE_SIZE) | {"uid": "headings"},
        words_at(signs, colours, size=theme.TITLE_SIZE + 4) | {"uid": "signs"},
        words_at(values, colours, size=theme.TEXT_SIZE) | {"uid": "values"},
        words_at(names, colours, size=theme.TEXT_SIZE, align="left") | {"uid": "channels"},
        words_at(
            [(EDGE, total - FOOT / 2, _note(found, position, large=large))],
            colours,
            size=theme.TEXT_SIZE,
            muted=True,
            align="left",
        )
        | {"uid": "note"},
    ]
    bar = _bar(top, colours, (lefts[-1] + side) / width, (HEAD / total, (HEAD + side) / total))
    layout = sheet_layout(width, total, colours, drawn=height) | {"shapes": shapes, "coloraxis": bar}
    return go.Figure({"data": data, "layout": layout})


def _signs(found: Arithmetic) -> list[str]:
    """Between the panels."""
    if found.by == "concatenation":
        return ["", "→"]
    middle = ["", "+", "="] if found.shortcut is not None else [""]
    return [*middle, "→"] if found.relu is not None else middle


def _highest(values: NDArray[np.float32]) -> tuple[int, int]:
    row, column = divmod(int(values.argmax()), values.shape[1])
    return row, column


def _top(rows: Sequence[Sequence[tuple[str, NDArray[np.float32] | None]]]) -> float:
    values = [abs(each).ravel() for panels in rows for _, each in panels if each is not None]
    return float(np.percentile(np.concatenate(values), TOP)) or 1.0 if values else 1.0


def _map(
    name: str,
    channel: int,
    values: NDArray[np.float32],
    place: tuple[float, float],
    side: float,
    size: tuple[int, ...],
) -> dict[str, Any]:
    """A map whose positions mean those of the output, whose size is `size`: x is larger where the block halves it."""
    rows, columns = (
        each * there // here for each, there, here in zip(np.indices(values.shape), size, values.shape, strict=True)
    )
    where = "" if values.shape == size else " of the output"
    return map_at(place, side, values) | {
        "coloraxis": "coloraxis",
        "customdata": np.stack([np.full(values.shape, channel), rows, columns], axis=-1).astype(object),
        "uid": f"map-{channel}-{name}",
        "hovertemplate": f"<b>{name}</b>, channel {channel}<br>row %{{customdata[1]}}, column %{{customdata[2]}}"
        f"{where}: %{{z:.3f}}<extra></extra>",
    }


def _bar(top: float, colours: theme.Palette, left: float, span: tuple[float, float]) -> dict[str, Any]:
    low, high = span
    bar = {"tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted}, "thickness": 12, "outlinewidth": 0}
    bar |= {
        "x": left + 0.012,
        "xanchor": "left",
        "y": 1 - high,
        "yanchor": "bottom",
        "len": high - low,
        "nticks": 5,
    }
    return {"colorscale": colours.diverging, "cmin": -top, "cmax": top, "colorbar": bar | {"xpad": 0, "ypad": 0}}


def _value(value: float) -> str:
    return "0" if value == 0 else precise(float(value)).replace("-", "−")


def _note(found: Arithmetic, position: tuple[int, ...], *, large: bool) -> str:
    facts = [f"{found.place.replace('stage', 'stage ').replace('.block', ', block ')}"]
    facts.append(f"framed: row {position[0]}, column {position[1]}, its values below")
    if large:
        return "\u2003".join(facts)
    if found.shared_activation:
        facts.append("the shortcut starts after the first norm and ReLU")
    if found.before:
        facts.append(f"the shortcut pads x with zeros: channel c of x is channel c + {found.before}")
    if found.by == "none":
        facts.append("a plain block: no shortcut")
    return "\u2003".join(facts)
