"""Labels at the ends of lines: names and last values, moved apart if they overlap."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.figures import theme

SPACING = 0.056  # of the y axis, so that labels do not overlap
MOST_LABELS = 8  # in a panel; more of them hide the lines


@dataclass(frozen=True, slots=True)
class End:
    """The end of a line, and its label.

    Attributes:
        name: of the line; in the trace id of its label.
        text: of the label.
        x: of the last point.
        value: there, in the unit of the y axis.
        colour: of the line.
        group: the legend entry that hides the label together with its line.
        lines: trace ids of the lines whose mean it names; a replay moves it along them.
    """

    name: str
    text: str
    x: float
    value: float
    colour: str
    group: str
    lines: tuple[str, ...] = ()


def end_labels(
    ends: Iterable[End], span: tuple[float, float], *, log_y: bool = False, part: str = "label"
) -> list[dict[str, Any]]:
    """One text trace per end, in the order given; none at all if there are too many.

    Args:
        ends: of the lines of one panel.
        span: foot and top of the y axis.
        log_y: the axis is logarithmic.
        part: suffix of the trace ids, for two panels with the same names.
    """
    ends = list(ends)
    if len(ends) > MOST_LABELS:
        return []
    foot, top = (float(v) for v in (np.log10(span) if log_y else span))
    # not below the axis, by a rounding error either, where plotly omits the label
    inside = {end.name: max(end.value, span[0]) for end in ends}
    heights = {name: float(np.log10(value)) if log_y else value for name, value in inside.items()}
    spread = {name: max(height, foot) for name, height in apart(heights, SPACING * (top - foot), top).items()}
    return [
        {
            "type": "scatter",
            "x": [end.x],
            "y": [10 ** spread[end.name] if log_y else spread[end.name]],
            "mode": "text",
            "text": [f"\u2002{end.text}"],
            "textposition": "middle right",
            "textfont": {"color": end.colour, "size": theme.TEXT_SIZE},
            "uid": f"{end.name}-{part}",
            "meta": {"lines": end.lines, "value": end.value},
            "legendgroup": end.group,
            "showlegend": False,
            "cliponaxis": False,
            "hoverinfo": "skip",
        }
        for end in ends
    ]


def apart(place: Mapping[str, float], gap: float, top: float) -> dict[str, float]:
    """Positions at least `gap` apart, in the same order, none above `top` unless there are too many."""
    order = sorted(place, key=place.__getitem__)
    moved: list[float] = []
    for name in order:
        moved.append(max(place[name], moved[-1] + gap) if moved else place[name])
    ceiling = top
    for i in range(len(moved) - 1, -1, -1):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - gap
    return dict(zip(order, moved, strict=True))
