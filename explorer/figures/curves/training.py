"""Error against steps while networks train, in the manner of He et al. 2015, figure 6."""

import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.axes import extent, x_axis, y_axis
from explorer.figures.curve_lines import (
    MEASURES,
    Curve,
    Ends,
    Line,
    Measure,
    band_trace,
    curves,
    group_note,
    grouped,
    grouping,
    letters,
    place,
    with_keys,
)
from explorer.figures.curves.line_ends import End, end_labels
from explorer.registry import lookup

_MORE = re.compile(r"^(?!plain\d|resnet\d)|-(?!w\d)")  # in a name with more than kind, depth and width
LETTER = 8  # pixels, in the label at the end of a line
MOST_NAMES = 4  # in a panel's legend; more are written without their kind, which is in the heading
MOST_MARKERS = 15  # on the mean of many runs
MOST_TITLES = 8  # of experiments in the note
GAP = 0.16  # between the panels, as a fraction of the width; it holds the labels of the left one


def training_curves(
    table: pd.DataFrame,
    *,
    dark: bool = False,
    x: Literal["step", "seconds"] = "step",
    log_x: bool = False,
    log_y: bool = False,
    smoothing: int = 10,
    panels: bool = True,
    measure: str = "error",
    steps: int | None = None,
    titles: Mapping[str, str] | None = None,
    height: int = 540,
    ends: Mapping[str, Ends] | None = None,
) -> go.Figure:
    """Training error bold, test error thin with markers, a colour per depth; plain networks left, residual ones right.

    Args:
        table: `tables.METRICS` after `tables.RUN_KEYS`, any number of runs; seeds of a network share its colour.
            Without the run keys (records of `train`) it is taken as one run.
        dark: for a dark page.
        x: "step", or "seconds" spent training.
        log_x: logarithmic steps or seconds; step 0 is then left out.
        log_y: logarithmic y axis; a zero is drawn at its lower end, with the true value in the hover text.
        smoothing: the training error is the mean of this many last steps; 1 shows every batch.
        panels: one panel per kind; else one for all.
        measure: name in `curve_lines.MEASURES`.
        steps: right end of a step axis, where training will end; None ends it with the data.
        titles: experiment ids to titles, for a table of several experiments; their order gives the letters.
        height: in pixels.
        ends: training and test error of runs at the end of their schedule, as fractions: the last points of their
            lines, which a table of averaged steps has less exactly. Only for the measure "error".

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)
    table = with_keys(table)
    marks = letters(titles or table["experiment"].astype(str))
    single = curves(
        table, shown, x=x, smoothing=smoothing, positive_x=log_x, marks=marks, ends=ends if measure == "error" else None
    )
    found = grouped(single)
    groups = _panels(found) if panels else [("All networks", found)]
    span = extent(found, shown, log_y=log_y)
    traces: list[dict[str, Any]] = []
    layout = theme.layout(colours, height=height)
    across = x_axis(found, colours, x=x, log=log_x, steps=steps)
    upright = y_axis(shown.title, colours, span, log=log_y)
    for number, (heading, members) in enumerate(groups, start=1):
        mark = "" if number == 1 else str(number)
        axes = {"xaxis": f"x{mark}", "yaxis": f"y{mark}", "legend": f"legend{mark}"}
        drawn = [trace for curve in members for trace in _traces(curve, shown, colours, span[0])]
        for curve in members:
            drawn += band_trace(curve.network, curve.run, curve.band, curve.colour(colours))
        _name_once(drawn, short=len(groups) > 1)
        labelled = _ends(members, shown, colours, short=len(groups) > 1)
        labels = end_labels(labelled, span, log_y=log_y)
        traces += [trace | axes for trace in drawn + labels]
        width = (1 - GAP * (len(groups) - 1)) / len(groups)
        domain = [round((number - 1) * (width + GAP), 6), round((number - 1) * (width + GAP) + width, 6)]
        room = max((28 + LETTER * len(re.sub("<.*?>", "", end.text)) for end in labelled), default=0)
        layout[f"legend{mark}"] = _legend(heading, domain[0])
        # Zoom is kept while curves grow, and reset when the axes change.
        layout[f"xaxis{mark}"] = across | {"domain": domain, "anchor": f"y{mark}", "uirevision": f"{x}-{log_x}"}
        layout[f"yaxis{mark}"] = upright | {"anchor": f"x{mark}", "uirevision": f"{measure}-{log_y}"}
        if mark:
            layout[f"xaxis{mark}"] |= {"matches": "x"}
            layout[f"yaxis{mark}"] |= {"matches": "y", "showticklabels": False, "title": None}
    lettered = marks if any(curve.letter for curve in found) else {}
    note = _note(shown, smoothing, lettered, titles or {})
    if len(found) < len(single):
        common = grouping(single) + (" in all experiments" if marks and not lettered else "")
        note = f"{group_note(len(single), [curve.runs for curve in found], common)}<br>{note}"
    layout["annotations"] = [captions.note(note, colours)]
    bottom = 92 + 20 * note.count("<br>")
    layout["margin"] = {"l": 72, "r": max(100 if len(groups) > 1 else 150, room), "t": 84, "b": bottom}
    return go.Figure({"data": traces, "layout": layout})


def _panels(found: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    kinds = [(f"{kind.capitalize()} networks", [c for c in found if c.kind == kind]) for kind in theme.DASHES]
    return [panel for panel in kinds if panel[1]] or [("", [])]


def _traces(curve: Curve, measure: Measure, colours: theme.Palette, foot: float) -> list[dict[str, Any]]:
    colour, symbols = curve.colour(colours), theme.MARKERS[curve.kind]
    symbol = symbols[place(curve.letter) % len(symbols)]
    alone = measure.each_step is None or measure.evaluated is None
    drawn: list[tuple[str, Line, str, float, dict[str, Any]]] = []
    if measure.each_step is not None:
        drawn.append(("each-step", curve.thin, measure.each_step[1], 2.5 if alone else 3.5, {"mode": "lines"}))
    if measure.evaluated is not None:
        most = {"maxdisplayed": MOST_MARKERS} if curve.runs > 1 else {}
        marker = {"symbol": symbol, "size": 8, "line": {"color": colour, "width": 2}} | most
        style = {"mode": "lines+markers", "marker": marker}
        drawn.append(("evaluated", curve.bold, measure.evaluated[1], 2.5 if alone else 1.5, style))
    number = "%{customdata[1]:.1f} %" if measure.percent else "%{customdata[1]:.4~g}"
    return [
        {
            "type": "scatter",
            "x": line.x.astype(np.float32),
            "y": np.maximum(line.value, foot).astype(np.float32),
            "customdata": np.stack([line.step, line.value], axis=1).astype(np.float32),
            "uid": f"{curve.run}-{part}",
            "name": curve.network,
            "legendgroup": curve.network,
            "legendrank": curve.depth,
            "showlegend": part == drawn[-1][0],
            "line": {"color": colour, "width": width, "dash": theme.DASHES[curve.kind]},
            "opacity": 0.75 if part == "evaluated" and not alone else 1,
            "hovertemplate": f"<b>{curve.name}</b>, {curve.who}<br>step %{{customdata[0]:,.0f}}<br>"
            f"{what} {number}<extra></extra>",
            **style,
        }
        for part, line, what, width, style in drawn
    ]


def _name_once(traces: Sequence[dict[str, Any]], *, short: bool) -> None:
    """Keep one legend entry per network over seeds and experiments; `short` drops the kind where room is scarce."""
    named: set[str] = set()
    for trace in traces:
        trace["showlegend"] = trace["showlegend"] and trace["name"] not in named
        if trace["showlegend"]:
            named.add(trace["name"])
    if short and len(named) > MOST_NAMES:
        for trace in traces:
            trace["name"] = _without_kind(trace["name"])


def _ends(members: Sequence[Curve], measure: Measure, colours: theme.Palette, *, short: bool) -> list[End]:
    """The name and last value at each line's end; seeds share one label."""
    groups: dict[str, list[Curve]] = {}
    for curve in members:
        if curve.main.step.size and curve.main.step[-1] > 0:  # at step 0 all lines coincide
            groups.setdefault(curve.name, []).append(curve)
    ends = []
    for name, group in groups.items():
        last = float(np.mean([curve.main.value[-1] for curve in group]))
        ends.append(
            End(
                name=name,
                text=_label(name, last, measure, short=short),
                x=max(float(line.x[-1]) for curve in group for line in (curve.thin, curve.bold) if len(line.x)),
                value=last,
                colour=group[0].colour(colours),
                group=group[0].network,
                lines=tuple(f"{curve.run}-{'bold' if curve.main is curve.bold else 'thin'}" for curve in group),
            )
        )
    return ends


def _label(name: str, value: float, measure: Measure, *, short: bool) -> str:
    """ "plain56 85.5 %", or "56 85.5 %" where the panel's heading says the kind."""
    shown = f"{value:.1f} %" if measure.percent else f"{value:.3g}"
    return f"{_without_kind(name) if short else name}  <b>{shown}</b>"


def _without_kind(name: str) -> str:
    """ "56" of plain56 and resnet56; other names say more than the kind."""
    return name if _MORE.search(name) else name.removeprefix("plain").removeprefix("resnet")


def _legend(heading: str, start: float) -> dict[str, Any]:
    title = {"text": f"<b>{heading}</b>", "side": "top", "font": {"size": theme.TITLE_SIZE}}
    return captions.legend() | {"title": title, "x": start, "y": 1.02, "yanchor": "bottom"}


def _note(measure: Measure, smoothing: int, letter: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """The key of bold and thin lines, and of the experiments' letters."""
    mean = f" (mean of {smoothing} steps)" if smoothing > 1 and measure.smooth else ""
    each_step = f"{measure.each_step[1]}{mean}" if measure.each_step else ""
    evaluated = measure.evaluated[1] if measure.evaluated else ""
    lines = [
        f"bold: {each_step}, thin with markers: {evaluated}" if each_step and evaluated else each_step or evaluated
    ]
    if letter:
        signs = dict(zip(letter.values(), cycle(theme.MARKER_SIGNS), strict=False))
        key = [f"<b>{signs[mark]} {mark}</b> {in_figure(titles.get(name, name))}" for name, mark in letter.items()]
        marks = list(letter.values())
        many = f"{marks[0]} to {marks[-1]}: the {len(marks)} experiments, in the order they were chosen"
        lines.append("\u2003".join(key) if len(key) <= MOST_TITLES else many)
    return "<br>".join(lines)
