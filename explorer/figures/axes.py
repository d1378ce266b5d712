"""Axes for the lines of a figure: ranges and ticks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.figures import theme
from explorer.figures.curve_lines import Curve, Measure

FEW_DECADES, MANY_DECADES = 5.0, 1000.0  # highest by lowest
MOST_POWERS = 9  # of ten at a logarithmic axis; beyond, every second or third


def extent(found: Sequence[Curve], measure: Measure, *, log_y: bool = False) -> tuple[float, float]:
    """Lowest and highest value of the y axis; smaller values on a logarithmic one are drawn at its lower end."""
    values = np.concatenate([line.value for curve in found for line in (curve.thin, curve.bold)] or [np.empty(0)])
    highest = float(values.max()) if len(values) and values.max() > 0 else (100.0 if measure.percent else 1.0)
    if measure.percent:
        highest = min(100.0, float(np.ceil(highest / 10) * 10))
    if not log_y:
        return 0.0, highest
    positive = values[values > 0]
    return (float(positive.min()) / 2 if len(positive) else highest / 1000), highest


def x_axis(found: Sequence[Curve], colours: theme.Palette, *, x: str, log: bool, steps: int | None) -> dict[str, Any]:
    """Steps or seconds; a step axis ends at `steps`, any other with the data."""
    lines = [line for curve in found for line in (curve.thin, curve.bold) if len(line.x)]
    end = float(steps) if steps and x == "step" else max((float(line.x[-1]) for line in lines), default=1.0)
    title = theme.axis_title("training time (seconds)" if x == "seconds" else "step")
    axis = theme.axis(colours) | {"title": title, "type": "log" if log else "linear", "range": [0.0, end * 1.01]}
    if log:
        start = min((float(line.x[0]) for line in lines), default=1.0)
        axis |= decades(start, max(end, 2 * start)) | {"range": [np.log10(start), np.log10(max(end, 2 * start))]}
    return axis


def y_axis(title: str, colours: theme.Palette, span: tuple[float, float], *, log: bool = False) -> dict[str, Any]:
    """An axis over `span`, with a little room above it."""
    foot, top = (float(v) for v in (np.log10(span) if log else span))
    return (
        theme.axis(colours)
        | {"title": theme.axis_title(title), "type": "log" if log else "linear"}
        | {"range": [foot, top + 0.02 * (top - foot)]}
        | (decades(*span) if log else {})
    )


def decades(low: float, high: float) -> dict[str, Any]:
    """Ticks at 1, 2 and 5 times the powers of ten, at more or at the powers alone if that is few or many."""
    ratio = high / low
    digits = tuple(range(1, 10)) if ratio < FEW_DECADES else (1, 2, 5) if ratio < MANY_DECADES else (1,)
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    powers = range(first, last + 1, max(1, -(-(last - first) // MOST_POWERS)))
    marks = [(digit, power) for power in powers for digit in digits]
    values = [digit * 10.0**power for digit, power in marks]
    if first < -4 or last > 6:  # 1e−7, not 0.0000001
        return {"tickvals": values, "ticktext": [f"{digit}e{power}".replace("-", "−") for digit, power in marks]}
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}
