"""Figures of lines as SVG, without a browser: drawn in milliseconds, shown by everything that shows pictures.

For curves that grow in a notebook, and for what shows no plotly figures. It draws what `race` and `training_curves`
have: panels with ranges, lines, markers, bands, texts, legends above.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.curves.line_ends import apart

WIDTH = 860  # pixels, of the output of a cell on a small screen
MOST_TICKS = 6
TICK = 6  # pixels
LABEL_LINE = 18  # pixels between the labels at the ends of lines
LEGEND_ROW, SYMBOL, LETTER, GAP = 24, 40, 8.3, 18  # pixels of a legend: row, line before a name, letter, between names
CORNERS: dict[str, list[tuple[float, float]]] = {  # of markers, where half their size is 1; others are circles
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "triangle": [(-1, 1), (0, -1), (1, 1)],
}
Floats = NDArray[np.float64]


def still(figure: go.Figure, alt: str, *, width: int = WIDTH) -> str:
    """An SVG element with what the figure shows.

    Args:
        figure: of lines, with a height, margins and the ranges of its axes.
        alt: what it shows, in a sentence.
        width: in pixels; on a narrower page it gets smaller.
    """
    layout = figure.layout
    height = int(layout.height)
    parts = [f'<rect width="{width}" height="{height}" fill="{layout.paper_bgcolor}"/>']
    axes = [key.replace("axis", "") for key in layout.to_plotly_json() if re.fullmatch(r"xaxis\d*", key)]
    panels = {axis: _Panel(layout, axis, width) for axis in axes}
    shown = {axis: panel for axis, panel in panels.items() if panel.x.visible is not False}
    for panel in shown.values():
        parts += panel.frame()
    for axis, panel in shown.items():
        traces = [trace for trace in _traces(figure) if (trace.xaxis or "x") == axis]
        labels = _label_heights(traces, panel)
        for trace in traces:
            parts += _trace(trace, panel, labels.get(trace.uid))
    whole = _Panel(layout, "", width)
    parts += _legends(figure, whole)
    for note in list(layout.annotations):
        if note.xref == "paper":
            parts += _lines(whole.across(note.x), whole.up(note.y) - (note.yshift or 0), note, layout)
    style = f"font-family: {layout.font.family}; max-width: 100%; height: auto"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img"'
    return f'{head} aria-label="{escape(alt)}" style="{style}"><title>{escape(alt)}</title>{"".join(parts)}</svg>'


def _traces(figure: go.Figure) -> Iterator[Any]:
    data: Any = figure.data
    yield from data


class _Panel:
    """A panel, or the whole plot area for the axis "", in pixels of the figure.

    Attributes:
        x, y: its axes.
    """

    def __init__(self, layout: Any, axis: str, width: int) -> None:
        margin = layout.margin
        self._layout = layout
        self.x: Any = None
        self.y: Any = None
        low, high = 0.0, 1.0
        if axis:
            self.x = layout[axis.replace("x", "xaxis")]
            self.y = layout[(self.x.anchor or "y").replace("y", "yaxis")]
            low, high = self.x.domain or (low, high)
        inner = width - margin.l - margin.r
        self.left, self.right = margin.l + low * inner, margin.l + high * inner
        self.top, self.bottom = margin.t, layout.height - margin.b

    def across(self, fraction: float) -> float:
        return float(self.left + fraction * (self.right - self.left))

    def up(self, fraction: float) -> float:
        return float(self.bottom - fraction * (self.bottom - self.top))

    def places(self, values: Any, axis: Any) -> Floats:
        """Pixels of values along one of its axes."""
        numbers = np.asarray(values, dtype=float)
        if axis.type == "log":
            numbers = np.log10(numbers)
        low, high = axis.range
        part = (numbers - low) / ((high - low) or 1)
        return np.asarray(
            self.across(0) + part * (self.right - self.left)
            if axis is self.x
            else self.up(0) - part * (self.bottom - self.top)
        )

    def frame(self) -> Iterator[str]:
        """Grid lines, ticks with their numbers, titles."""
        grid, ink = self.x.gridcolor, self.x.linecolor
        letters = f'font-size="{self.x.tickfont.size}" fill="{self.x.tickfont.color}"'
        for place, text in self._ticks(self.x):
            yield f'<path d="M{place:.1f} {self.top}V{self.bottom}" stroke="{grid}"/>'
            yield f'<text x="{place:.1f}" y="{self.bottom + TICK + 16}" text-anchor="middle" {letters}>{text}</text>'
        for place, text in self._ticks(self.y):
            yield f'<path d="M{self.left:.1f} {place:.1f}H{self.right:.1f}" stroke="{grid}"/>'
            if self.y.showticklabels is not False:
                at = f'x="{self.left - TICK - 3:.1f}" y="{place + 5:.1f}" text-anchor="end"'
                yield f"<text {at} {letters}>{text}</text>"
        yield f'<path d="M{self.left:.1f} {self.top}V{self.bottom}H{self.right:.1f}" fill="none" stroke="{ink}"/>'
        ink, middle = f'fill="{self._layout.font.color}" font-size="16" text-anchor="middle"', self.up(0.5)
        if self.x.title.text:
            yield f'<text x="{self.across(0.5):.1f}" y="{self.bottom + 46}" {ink}>{_plain(self.x.title.text)}</text>'
        if self.y.title.text:
            at = self.left - 50
            turned = f'transform="rotate(-90 {at:.1f} {middle:.1f})"'
            yield f'<text x="{at:.1f}" y="{middle:.1f}" {turned} {ink}>{_plain(self.y.title.text)}</text>'

    def _ticks(self, axis: Any) -> list[tuple[float, str]]:
        if axis.tickvals is not None:
            values, texts = list(axis.tickvals), [str(each) for each in axis.ticktext or axis.tickvals]
        else:
            values = _round_numbers(float(axis.range[0]), float(axis.range[1]), axis.nticks or MOST_TICKS)
            texts = [f"{each:,.10g}".replace("-", "−") for each in values]
        places = self.places(values, axis)
        low, high = (self.left, self.right) if axis is self.x else (self.top, self.bottom)
        found = zip(places, texts, strict=True)
        return [(float(place), _plain(text)) for place, text in found if low - 1 <= place <= high + 1]


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10((high - low) / most or 1))
    distance = next(power * digit for digit in (1, 2, 5, 10) if (high - low) / (power * digit) <= most)
    return [float(each * distance) for each in range(int(np.ceil(low / distance)), int(high / distance + 1e-9) + 1)]


def _label_heights(traces: Sequence[Any], panel: _Panel) -> dict[str, float]:
    """Pixels of the labels at the ends of lines, by trace id: a figure knows its shares, not the height of a letter."""
    ends = {each.uid: panel.places(each.meta["value"], panel.y) for each in traces if each.meta}
    above = {uid: max(0.0, panel.bottom - float(end)) for uid, end in ends.items()}
    return {uid: panel.bottom - up for uid, up in apart(above, LABEL_LINE, panel.bottom - panel.top).items()}


def _trace(trace: Any, panel: _Panel, height: float | None) -> Iterator[str]:
    if trace.x is None or not len(trace.x):
        return
    x, y = panel.places(trace.x, panel.x), panel.places(trace.y, panel.y)
    if height is not None:
        y = np.full_like(y, height)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    mode, opacity = trace.mode or "lines", trace.opacity if trace.opacity is not None else 1
    way = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    if trace.fill:
        yield f'<path d="{way}Z" fill="{trace.fillcolor or trace.line.color}" opacity="{opacity}"/>'
        return
    if "lines" in mode and len(x):
        yield f'<path class="line" d="{way}" {_stroke(trace.line)} opacity="{opacity}"/>'
    if "markers" in mode and len(x):
        most = trace.marker.maxdisplayed or len(x)
        kept = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(int))
        yield from (_marker(trace.marker, float(x[i]), float(y[i])) for i in kept)
    if "text" in mode:
        font = f'font-size="{trace.textfont.size}" fill="{trace.textfont.color}"'
        for a, b, text in zip(x, y, trace.text, strict=False):
            yield f'<text x="{a:.1f}" y="{b + 5:.1f}" {font}>{_bold(text)}</text>'


def _stroke(line: Any) -> str:
    dash = "" if line.dash in (None, "solid") else f' stroke-dasharray="{line.dash.replace("px", "")}"'
    return f'fill="none" stroke="{line.color}" stroke-width="{line.width or 2}"{dash}'


def _marker(marker: Any, x: float, y: float) -> str:
    """A square, a diamond, a triangle, else a circle; those called open are empty."""
    symbol, half, ink = marker.symbol or "circle", (marker.size or 8) / 2, marker.line.color
    fill = "none" if "open" in symbol else ink
    corners = CORNERS.get(symbol.partition("-")[0])
    style = f'fill="{fill}" stroke="{ink}" stroke-width="{marker.line.width or 1}"'
    if corners is None:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:.1f}" {style}/>'
    points = " ".join(f"{x + half * a:.1f},{y + half * b:.1f}" for a, b in corners)
    return f'<polygon points="{points}" {style}/>'


def _legends(figure: go.Figure, whole: _Panel) -> Iterator[str]:
    """Names with their lines: at the top edge in columns, or above the panel that a legend stands at."""
    layout, size, traces = figure.layout, figure.layout.font.size, list(_traces(figure))
    names = dict.fromkeys(each.legend or "legend" for each in traces if each.showlegend)
    starts = [whole.across(layout[name].x or 0) for name in names]
    for name, (start, end) in zip(names, pairwise([*starts, whole.right]), strict=True):
        legend = layout[name]
        entries = [each for each in traces if each.showlegend and (each.legend or "legend") == name]
        widest = SYMBOL + GAP + LETTER * max(len(each.name) for each in entries)
        wanted = round(0.9 / legend.entrywidth) if legend.entrywidth else len(entries)
        columns = max(1, min(wanted, int((end - start) / widest)))
        rows = -(-len(entries) // columns)
        top = 4 if legend.yref == "container" else whole.top - 6 - LEGEND_ROW * rows
        if legend.title.text:
            ink = f'font-size="{legend.title.font.size or size}" fill="{layout.font.color}"'
            yield f'<text x="{start:.1f}" y="{top - 4:.1f}" {ink}>{_bold(legend.title.text)}</text>'
        for place, each in enumerate(entries):
            x, y = start + place % columns * widest, top + LEGEND_ROW * (place // columns) + LEGEND_ROW / 2
            yield f'<path d="M{x:.1f} {y:.1f}h{SYMBOL - 6}" {_stroke(each.line)}/>'
            ink = f'font-size="{size}" fill="{layout.font.color}"'
            yield f'<text x="{x + SYMBOL:.1f}" y="{y + 5:.1f}" {ink}>{_plain(each.name)}</text>'


def _lines(x: float, y: float, note: Any, layout: Any) -> Iterator[str]:
    """An annotation, line by line."""
    size, ink = note.font.size or layout.font.size, note.font.color or layout.font.color
    first = y - 4 if note.yanchor == "bottom" else y + size
    for number, line in enumerate(re.split("<br ?/?>", note.text)):
        at = first + 20 * number
        yield f'<text x="{x:.1f}" y="{at:.1f}" font-size="{size}" fill="{ink}">{_bold(line)}</text>'


def _plain(text: str) -> str:
    """A text of a figure without its tags, escaped."""
    return escape(unescape(re.sub("<[^<>]*>", "", text)))


def _bold(text: str) -> str:
    """The same with its bold parts."""
    pieces = ["", *re.split("(</?b>)", text)]
    bold = "font-weight"
    return "".join(
        f'<tspan {bold}="bold">{_plain(piece)}</tspan>' if before == "<b>" else _plain(piece)
        for before, piece in pairwise(pieces)
        if piece not in ("<b>", "</b>", "")
    )
