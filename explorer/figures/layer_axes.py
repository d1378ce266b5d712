"""Axes of figures about layers: panels, stages, and decades on which a flat profile looks flat."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, log10
from typing import Any

import numpy as np
import pandas as pd

from explorer.figures import captions, theme
from explorer.figures.curve_lines import Floats

Domain = tuple[float, float]  # from 0 to 1

LEAST_DECADES = 6


def panels(count: int, gap: float) -> list[Domain]:
    """Domains of panels beside each other, with `gap` between them."""
    width = (1 - gap * (count - 1)) / count
    starts = [place * (width + gap) for place in range(count)]
    return [(start, min(1.0, start + width)) for start in starts]


def grid(count: int, columns: int, *, gap: float, between: float) -> list[tuple[Domain, Domain]]:
    """Domains (x, y) of panels in rows of `columns`, the first at the top left.

    Args:
        gap: between columns, between: rows, both as parts of what the panels share.
    """
    upright = panels(-(-count // columns), between)[::-1]
    across = panels(min(count, columns), gap)
    return [(across[place % columns], upright[place // columns]) for place in range(count)]


def panel_row(
    headings: Sequence[str], across: dict[str, Any], upright: dict[str, Any], *, gap: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Axes of panels beside each other that share both scales, and the annotations above them."""
    axes: dict[str, Any] = {}
    domains = panels(len(headings), gap)
    for number, domain in enumerate(domains, start=1):
        mark = axis_mark(number)
        axes[f"xaxis{mark}"] = across | {"domain": domain, "anchor": f"y{mark}"}
        axes[f"yaxis{mark}"] = upright | {"anchor": f"x{mark}"}
        if mark:
            axes[f"xaxis{mark}"] |= {"matches": "x"}
            axes[f"yaxis{mark}"] |= {"matches": "y", "showticklabels": False, "title": None}
    return axes, [captions.heading(text, domain[0]) for text, domain in zip(headings, domains, strict=True)]


def axis_mark(number: int) -> str:
    """How plotly numbers axes: x, x2, x3."""
    return "" if number == 1 else str(number)


def decade_span(values: Floats, highest: float = inf) -> tuple[float, float]:
    """Range of a logarithmic axis: six whole decades around the middle of the data, more if needed.

    Args:
        values: of all lines; those not positive or not finite are ignored.
        highest: possible value, such as 100 percent; the axis ends there.
    """
    powers = np.log10(values[np.isfinite(values) & (values > 0)])
    if not len(powers):
        return 10.0 ** (-LEAST_DECADES // 2), 10.0 ** (LEAST_DECADES // 2)
    low, high = int(np.floor(powers.min())), int(np.ceil(powers.max()))
    if high - low < LEAST_DECADES:
        middle = float(powers.min() + powers.max()) / 2
        low = min(max(round(middle - LEAST_DECADES / 2), high - LEAST_DECADES), low)
        high = low + LEAST_DECADES
    beyond = max(0.0, high - log10(highest))
    return 10.0 ** (low - beyond), 10.0 ** (high - beyond)


def decade_note(span: tuple[float, float]) -> str:
    """ "y axis: 6 decades"."""
    return f"y axis: {round(float(np.log10(span[1] / span[0])))} decades"


def left_out(values: Floats, *, log: bool = True) -> str:
    """The number of layers that an axis cannot show, for the note; empty for none."""
    infinite = int((~np.isfinite(values)).sum())
    zero = int((values == 0).sum()) if log else 0
    negative = int((values[np.isfinite(values)] < 0).sum()) if log else 0
    counts = {"exactly zero": zero, "below zero": negative, "infinite or not a number": infinite}
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    return f"layers not shown: {', '.join(parts)}" if parts else ""


def stage_borders(places: Floats, rows: pd.DataFrame) -> list[float]:
    """Borders between stages on an axis, halfway between two layers or blocks.

    Args:
        places: of the rows on the axis.
        rows: with the columns stage and block; stem and classifier (block 0) belong to no stage.
    """
    inside = (rows["block"] > 0).to_numpy()
    places, stages = places[inside], rows["stage"].to_numpy()[inside]
    last = np.flatnonzero(np.diff(stages))
    return [float(border) for border in (places[last] + places[last + 1]) / 2]


def zero_line(colours: theme.Palette) -> dict[str, Any]:
    """A strong line at zero, for an axis whose values have signs."""
    return {"zeroline": True, "zerolinecolor": colours.muted, "zerolinewidth": 2}


def stage_axis(borders: Sequence[float], colours: theme.Palette) -> dict[str, Any]:
    """An x axis from 0 to 1: stages numbered at their middles, with a line between them.

    Args:
        borders: of the deepest network; those of others are nearly the same. Empty takes thirds.
    """
    borders = list(borders) or [1 / 3, 2 / 3]
    middles = [(start + end) / 2 for start, end in pairwise([0.0, *borders, 1.0])]
    lines = {"tickmode": "array", "tickvals": borders, "showgrid": True, "gridcolor": colours.grid, "gridwidth": 2}
    return theme.axis(colours) | {
        "range": [-0.02, 1.02],
        "title": theme.axis_title("stage"),
        "showgrid": False,
        "ticks": "",
        "tickvals": middles,
        "ticktext": [str(number) for number in range(1, len(middles) + 1)],
        "minor": lines,
    }


def linear_span(values: Floats, reach: tuple[float, float]) -> tuple[float, float]:
    """Range of a linear axis that includes the finite `values` and `reach`."""
    seen = np.concatenate([values[np.isfinite(values)], reach])
    low, high = float(seen.min()), float(seen.max())
    if high == low:
        return low, low + 1
    room = 0.03 * (high - low)  # or a line at the edge would be half hidden
    return low - room * (low < reach[0]), high + room * (high > reach[1])
