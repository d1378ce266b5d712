"""The values that colour a drawing, with their colour scale and texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, log10, nan
from typing import Any

import numpy as np
import pandas as pd
from plotly.colors import sample_colorscale

from explorer.figures import theme
from explorer.figures.axes import decades
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.numbers import number, precise

EQUAL_CONTRAST = 0.18  # luminance at which black and white letters have equal contrast; WCAG 2.2
MIDDLE = 0.6  # of either half of a diverging scale, where letters have the page's colour
LEAST_SPAN = 0.1  # of the largest value, so that noise does not look large
MOST_TICKS = 6
LETTER = 7.6  # pixels


@dataclass(frozen=True, slots=True)
class Measured:
    """Values of layers or blocks, and their colour scale.

    Attributes:
        values: by layer number, in the unit shown; NaN if not measured.
        measure: of the values; None for no colours.
        by_block: the layers of a block share its value.
        span: lowest and highest value of the colours.
        letters: length of the longest value, as `number` writes it.
    """

    values: Mapping[int, float] = field(default_factory=dict)
    measure: LayerMeasure | None = None
    by_block: bool = False
    span: tuple[float, float] = (0.0, 1.0)
    letters: int = 0

    def value(self, layer: int) -> float:
        """The value of a layer; NaN if there is none."""
        return self.values.get(layer, nan)

    def mean(self, layers: Iterable[int]) -> float:
        """Mean over the layers that have a value."""
        found = [value for layer in layers if isfinite(value := self.value(layer))]
        return float(np.mean(found)) if found else nan

    def has_colour(self, value: float) -> bool:
        """Whether a value is on the scale: zero is not on a logarithmic one."""
        return self.measure is not None and isfinite(value) and (value > 0 or not self.measure.log)

    def place(self, value: float) -> float:
        """The place of a value on the colour axis."""
        return log10(value) if self.measure and self.measure.log else value

    def words(self, value: float) -> str:
        """A value with the name and the unit of the measure; nothing without a measure."""
        if self.measure is None:
            return ""
        percent = " %" if self.measure.percent else ""
        known = isfinite(value)
        return f"{self.measure.words} {precise(value)}{percent}" if known else f"{self.measure.words}: not measured"

    def fits(self, pixels: float) -> bool:
        """Whether every value fits into this many pixels."""
        return self.letters * LETTER <= pixels

    def letter_colour(self, value: float, colours: theme.Palette) -> str:
        """A letter colour readable on the colour of a value."""
        if self.measure is None or not self.has_colour(value):
            return colours.ink
        low, high = (self.place(end) for end in self.span)
        part = min(1.0, max(0.0, (self.place(value) - low) / (high - low)))
        if self.measure.signed:  # the colours of this scale change with the page, like its letters
            return colours.ink if abs(2 * part - 1) < MIDDLE else colours.page
        (colour,) = sample_colorscale(theme.SEQUENTIAL, [part], colortype="tuple")
        return theme.ON_LIGHT if _luminance(colour) > EQUAL_CONTRAST else theme.ON_DARK

    def colour_axis(self, colours: theme.Palette) -> dict[str, Any]:
        """Colour scale and colour bar, at the right above the drawing."""
        assert self.measure is not None
        bar = {
            "orientation": "h",
            "title": {"text": self.measure.title, "side": "top"},
            "x": 0.96,  # the buttons are further right
            "xanchor": "right",
            "y": 0.99,
            "yref": "container",
            "yanchor": "top",
            "len": 0.38,
            "thickness": 14,
            "xpad": 10,
            "ypad": 0,
            "outlinewidth": 0,
            "nticks": MOST_TICKS,
            "tickfont": {"size": theme.TEXT_SIZE - 1, "color": colours.muted},
        }
        low, high = (self.place(end) for end in self.span)
        scale = colours.diverging if self.measure.signed else theme.SEQUENTIAL
        ticks = _log_ticks(*self.span) if self.measure.log else {}
        return {"colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar | ticks}


def measured(layers: pd.DataFrame, values: pd.DataFrame | None, column: str, measure: LayerMeasure | None) -> Measured:
    """The values of one network at one step.

    The scale is made for the layers of blocks, as the classifier's values do not compare.

    Raises:
        ValueError: a layer or block has several values.
    """
    if values is None or measure is None:
        return Measured()
    keys = ["layer"] if "layer" in values else ["stage", "block"]
    if values.duplicated(keys).any():
        raise ValueError(f"`values` has several rows for one {keys[-1]}. Choose those of one network at one step.")
    joined = layers[["layer", "stage", "block"]].merge(values[[*keys, column]], how="left", on=keys)
    shown = measure.factor * joined[column].astype(float)
    coloured = np.isfinite(shown) & (shown > 0 if measure.log else True)
    compared = shown[coloured & (joined["block"] > 0)]
    return Measured(
        dict(zip(joined["layer"].tolist(), shown.tolist(), strict=True)),
        measure,
        by_block=keys != ["layer"],
        span=_span(compared if len(compared) else shown[coloured], measure),
        letters=max((len(number(value)) for value in shown[coloured]), default=0),
    )


def _span(values: pd.Series, measure: LayerMeasure) -> tuple[float, float]:
    """Range of the scale, which includes the measure's reach and is wide enough to hide noise."""
    if values.empty:
        return (0.1, 1.0) if measure.log else (-1.0, 1.0) if measure.signed else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if measure.log:
        return (low, high) if high >= 10 * low else (low / 3, 3 * high)
    if measure.reach != (0.0, 0.0):
        low, high = min(low, measure.reach[0]), max(high, measure.reach[1])
    if measure.signed:
        high = max(-low, high) or 1.0
        return -high, high
    missing = max(0.0, LEAST_SPAN * max(abs(low), abs(high)) - (high - low)) or float(high == low)
    return low - missing / 2, high + missing / 2


def _luminance(colour: tuple[float, float, float]) -> float:
    """From 0 for black to 1 for white; WCAG 2.2. The parts of the colour are from 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _log_ticks(low: float, high: float) -> dict[str, Any]:
    ticks = decades(low, high)
    shown = [pair for pair in zip(ticks["tickvals"], ticks["ticktext"], strict=True) if low <= pair[0] <= high]
    shown = shown[:: -(-len(shown) // MOST_TICKS)]
    return {"tickvals": [log10(value) for value, _ in shown], "ticktext": [text for _, text in shown]}
