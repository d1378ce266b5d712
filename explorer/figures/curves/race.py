"""The degradation race: training and test error of plain and residual networks, step by step."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import extent, x_axis, y_axis
from explorer.figures.curve_lines import (
    BAND,
    GROUPINGS,
    MEASURES,
    MOST_LINES,
    Curve,
    Ends,
    Line,
    band_trace,
    curves,
    far,
    group_note,
    grouping,
    mean_line,
    middle_band,
    thinned,
    with_keys,
)
from explorer.figures.curves.line_ends import End, end_labels
from explorer.figures.curves.published import published_bounds, published_errors

TEST_PANEL, GAP = 0.235, 0.185  # fractions of the width; the labels of the training panel are in the gap
LETTER, ROOM = 7.3, 118.0  # pixels: a letter of a label, and least room for labels
NARROW = 850  # pixels that the panels have on a page of 1280
MARKS = ("", "2")  # of the axes of the panels
MOST_POINTS = 1500  # in a line of means
SEED_POINTS = 600  # in one faint line
MOST_SEEDS = 4  # of a network that are faint lines; of more, as of a class, the middle is a band
MOST_MARKERS = 15  # on a line; more would hide its dashes

HEADINGS = {"train": "Training error", "test": "Test error"}


@dataclass(frozen=True, slots=True)
class Racer:
    """One network in one panel; in a figure of many networks, those of one kind and depth.

    Attributes:
        name: of the network or the group.
        part: "train" or "test".
        seeds: its runs with points in this panel.
        lines: of these runs.
        mean: of the lines, up to the last common step.
    """

    name: str
    part: str
    seeds: tuple[Curve, ...]
    lines: tuple[Line, ...]
    mean: Line

    @property
    def kind(self) -> str:
        return self.seeds[0].kind

    @property
    def depth(self) -> int:
        return self.seeds[0].depth

    def colour(self, colours: theme.Palette) -> str:
        """Of its lines and marks."""
        return self.seeds[0].colour(colours)


def race(
    table: pd.DataFrame,
    *,
    dark: bool = False,
    smoothing: int = 10,
    steps: int | None = None,
    log_x: bool = False,
    published: pd.DataFrame | None = None,
    parts: Sequence[str] = ("train", "test"),
    height: int = 560,
    ends: Mapping[str, Ends] | None = None,
    width: int = NARROW,
) -> go.Figure:
    """Training error of all networks, large, and their test error, small, on one scale; plain dashed, residual solid.

    A network with several seeds is a bold line, their mean, and a faint line for each seed; from five on a band.

    Args:
        table: `tables.METRICS` after `tables.RUN_KEYS`, any number of runs; those of one network are its seeds.
        dark: for a dark page.
        smoothing: the training error is the mean of the batches of this many last steps; 1 shows every batch.
        steps: right end of the step axis, where training will end; None ends it with the data.
        log_x: logarithmic steps; step 0 is then left out.
        published: `tables.PUBLISHED`, optionally with a column `note` for the hover text. Exact numbers are in the test
            panel, bounds in the training panel.
        parts: "train" or "test" for one panel over the whole width.
        height: in pixels.
        ends: training and test error of runs at the end of their schedule, as fractions: the last points of their
            lines, which a table of averaged steps has less exactly.
        width: least width of the panels in pixels, where the labels between them still have room.
    """
    colours, shown = theme.palette(dark=dark), MEASURES["error"]
    found = curves(with_keys(table), shown, x="step", smoothing=smoothing, positive_x=log_x, marks={}, ends=ends)
    span = extent(found, shown)
    traces: list[dict[str, Any]] = []
    for part, mark in zip(parts, MARKS, strict=False):
        racers = _racers(found, part)
        drawn = [trace for racer in racers for trace in _around(racer, colours, len(found))]
        drawn += [_bold(racer, colours) for racer in racers]
        drawn += end_labels(_ends(racers, colours), span, part=f"{part}-label")
        traces += [trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"} for trace in drawn]
    layout = _layout(
        found, parts, colours, span, smoothing=smoothing, steps=steps, log_x=log_x, height=height, width=width
    )
    if published is not None and len(published):
        shown_published = {"train": ("4", published_bounds), "test": ("3", published_errors)}
        for part, mark in zip(parts, MARKS, strict=False):
            axis, draw = shown_published[part]
            lines, texts = draw(published, colours, span[1])
            traces += [trace | {"xaxis": f"x{axis}", "yaxis": f"y{mark}"} for trace in lines]
            layout["annotations"] += [text | {"xref": f"x{mark} domain", "yref": f"y{mark}"} for text in texts]
            # a separate axis from 0 to 1, so that zoom and logarithm do not move the marks
            over = {"overlaying": f"x{mark}", "anchor": f"y{mark}", "range": [0, 1], "fixedrange": True}
            layout[f"xaxis{axis}"] = over | {"visible": False}
    return go.Figure({"data": traces, "layout": layout})


def _racers(found: Sequence[Curve], part: str) -> list[Racer]:
    key = GROUPINGS[_common(found)]
    groups: dict[str, list[tuple[Curve, Line]]] = {}
    for curve in found:
        line = curve.thin if part == "train" else curve.bold
        if len(line.x):
            groups.setdefault(key(curve), []).append((curve, line))
    racers = []
    for name, members in groups.items():
        seeds, lines = zip(*members, strict=True)
        averaged = far(lines) if _is_crowd(len(found), len(seeds)) else lines
        racers.append(Racer(name, part, seeds, lines, thinned(mean_line(averaged), MOST_POINTS)))
    return racers


def _common(found: Sequence[Curve]) -> str:
    """What the runs of a line have in common: the network, where single runs can be drawn beside it."""
    return "one network" if len(found) <= MOST_LINES else grouping(found)


def _is_crowd(runs: int, seeds: int) -> bool:
    """Whether a figure of so many runs has a band for so many seeds of a network instead of single lines."""
    return runs > MOST_LINES or seeds > MOST_SEEDS


def _around(racer: Racer, colours: theme.Palette, runs: int) -> list[dict[str, Any]]:
    return (_band if _is_crowd(runs, len(racer.seeds)) else _faint)(racer, colours)


def _faint(racer: Racer, colours: theme.Palette) -> list[dict[str, Any]]:
    """The single seeds, where there are several."""
    if len(racer.seeds) == 1:
        return []
    return [
        _trace(racer, thinned(line, SEED_POINTS), f"seed {seed.seed}", colours, width=1.25)
        | {"uid": f"{seed.run}-{racer.part}", "mode": "lines", "opacity": 0.4, "showlegend": False}
        for seed, line in zip(racer.seeds, racer.lines, strict=True)
    ]


def _band(racer: Racer, colours: theme.Palette) -> list[dict[str, Any]]:
    """The middle of many seeds."""
    low, high = (thinned(edge, SEED_POINTS) for edge in middle_band(racer.lines))
    return band_trace(racer.name, f"{racer.name}-{racer.part}", (low, high), racer.colour(colours))


def _bold(racer: Racer, colours: theme.Palette) -> dict[str, Any]:
    several = len(racer.seeds) > 1
    who = f"mean of {len(racer.seeds)} seeds" if several else f"seed {racer.seeds[0].seed}"
    style: dict[str, Any] = {"mode": "lines"}
    if racer.part == "test":
        line = {"color": racer.colour(colours), "width": 2}
        marker = {"symbol": theme.MARKERS[racer.kind][0], "size": 8, "line": line, "maxdisplayed": MOST_MARKERS}
        # markers at the axes, such as an error of 0 % at the last step, are drawn whole
        style = {"mode": "lines+markers", "marker": marker, "cliponaxis": False}
    uid = {"uid": f"{racer.name}-{racer.part}", "showlegend": racer.part == "train"}
    return _trace(racer, racer.mean, who, colours, width=3.5) | style | uid


def _trace(racer: Racer, line: Line, who: str, colours: theme.Palette, *, width: float) -> dict[str, Any]:
    what = HEADINGS[racer.part].lower()
    return {
        "type": "scatter",
        "x": line.x.astype(np.float32),
        "y": line.value.astype(np.float32),
        "name": racer.name,
        "legendgroup": racer.name,
        "line": {"color": racer.colour(colours), "width": width, "dash": theme.DASHES[racer.kind]},
        "hovertemplate": f"<b>{racer.name}</b>, {who}<br>step %{{x:,.0f}}<br>{what} %{{y:.1f}} %<extra></extra>",
    }


def _ends(racers: Sequence[Racer], colours: theme.Palette) -> list[End]:
    return [
        End(
            name=racer.name,
            text=f"{racer.name} <b>{racer.mean.value[-1]:.1f} %</b>",
            x=float(racer.mean.x[-1]),
            value=float(racer.mean.value[-1]),
            colour=racer.colour(colours),
            group=racer.name,
            lines=(f"{racer.name}-{racer.part}",),
        )
        for racer in racers
        if len(racer.mean.x) and racer.mean.x[-1] > 0  # at step 0 all lines coincide
    ]


def _layout(
    found: Sequence[Curve],
    parts: Sequence[str],
    colours: theme.Palette,
    span: tuple[float, float],
    *,
    smoothing: int,
    steps: int | None,
    log_x: bool,
    height: int,
    width: int,
) -> dict[str, Any]:
    across = x_axis(found, colours, x="step", log=log_x, steps=steps) | {"uirevision": f"step-{log_x}", "tickangle": 0}
    powers = [10**power for power in range(7)]
    narrow = {"tickvals": powers, "ticktext": [f"{power:,}" for power in powers]} if log_x else {"nticks": 4}
    upright = y_axis("error (%)", colours, span) | {"uirevision": "error"}
    key = GROUPINGS[_common(found)]
    legend, legend_height = captions.legend_by_kind({key(curve): curve.kind for curve in found}.values())
    note = _note(found, smoothing)
    room = max([ROOM, *(LETTER * len(f"{key(curve)}  64.5 %") for curve in found)])
    panels = {"train": (0.0, 1 - TEST_PANEL - max(GAP, room / width)), "test": (1 - TEST_PANEL, 1.0)}
    axes: dict[str, Any] = {}
    for part, mark in zip(parts, MARKS, strict=False):
        axes[f"xaxis{mark}"] = across | {"domain": panels[part], "anchor": f"y{mark}"}
        axes[f"yaxis{mark}"] = upright | {"anchor": f"x{mark}"}
    if len(parts) > 1:
        axes["xaxis2"] |= narrow | {"matches": "x"}
        axes["yaxis2"] |= {"matches": "y", "showticklabels": False, "title": None}
    else:
        axes["xaxis"]["domain"] = (0, 1)
    headings = [
        captions.heading(HEADINGS[part], axes[f"xaxis{m}"]["domain"][0]) for part, m in zip(parts, MARKS, strict=False)
    ]
    return theme.layout(colours, height=height) | {
        **axes,
        "legend": legend,
        "annotations": [*headings, captions.note(note, colours)],
        "margin": {"l": 72, "r": room, "t": 44 + legend_height, "b": 92 + 20 * note.count("<br>")},
    }


def _note(found: Sequence[Curve], smoothing: int) -> str:
    """The key of bold and thin lines, and what the errors are measured on."""
    mean = f", mean of {smoothing} steps" if smoothing > 1 else ""
    words = theme.dash_words({"plain", "residual", *(curve.kind for curve in found)})
    lines = [f"training error: of each batch{mean}\u2003{words}"]
    if len(found) > MOST_LINES:
        key = GROUPINGS[_common(found)]
        lines.insert(0, group_note(len(found), Counter(map(key, found)).values(), _common(found)))
        return "<br>".join(lines)
    sizes = set(Counter(curve.network for curve in found).values()) - {1}
    keys = ["bold: mean over seeds, up to the last common step"] * bool(sizes)
    keys += ["thin: single seeds"] * any(size <= MOST_SEEDS for size in sizes)
    keys += [f"band: the middle {BAND[1] - BAND[0]} % of the seeds"] * any(size > MOST_SEEDS for size in sizes)
    if keys:
        lines.insert(0, "\u2003".join(keys))
    return "<br>".join(lines)
