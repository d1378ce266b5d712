"""Error against steps while networks train, in the manner of He et al. 2015, figure 6."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.figures import theme
from explorer.figures.curve_lines import MEASURES, Curve, Line, Measure, curves, letters
from explorer.registry import lookup

LABEL_SPACING = 0.056  # of the y axis, so that labels at line ends do not overlap
MOST_LABELS = 8  # in a panel; more of them hide the lines
LEGENDS = ("legend", "legend2")


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
) -> go.Figure:
    """Training error thin, test error bold, one colour per depth; plain networks left, residual ones right.

    Args:
        table: `tables.METRICS` after `tables.RUN_KEYS`, any number of runs; seeds of a network share its colour.
            Without the run keys (records of `train`) it is taken as one run.
        dark: for a dark page.
        x: "step", or "seconds" spent training.
        log_x: logarithmic steps or seconds; step 0 is then left out.
        log_y: logarithmic y axis; a zero is drawn at its foot and named truly in the hover text.
        smoothing: the thin line is the mean of this many last steps; 1 shows every batch.
        panels: one panel per kind where both are there; else one for all.
        measure: name in `curve_lines.MEASURES`.
        steps: right end of a step axis, where training will end; None ends it with the data.
        titles: experiment ids to titles, for a table of several experiments.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)
    found = curves(table, shown, x=x, smoothing=smoothing, positive_x=log_x)
    groups = _panels(found) if panels else [("All networks", found)]
    bottom, top = _extent(found, shown, log_y)
    figure = make_subplots(rows=1, cols=len(groups), shared_yaxes=True, horizontal_spacing=0.16)
    theme.apply(figure, colours, height=height)
    for column, (heading, members) in enumerate(groups, start=1):
        legend = LEGENDS[column - 1]
        named: set[str] = set()
        for curve in members:
            figure.add_traces(_traces(curve, shown, colours, bottom, legend, curve.name not in named), 1, column)
            named.add(curve.name)
        labels = _end_labels(members, shown, colours, (bottom, top), log_y, short=len(groups) > 1)
        figure.add_traces(labels, 1, column)
        start = figure.get_subplot(1, column).xaxis.domain[0]
        figure.update_layout({legend: _legend(heading, start)})
    _axes(figure, shown, found, x=x, log_x=log_x, log_y=log_y, extent=(bottom, top), steps=steps)
    letter = letters(table["experiment"]) if "experiment" in table else {}
    _note(figure, shown, colours, smoothing, letter, titles, short=len(groups) > 1)
    # Zoom and hidden lines are kept while curves grow; zoom is dropped once the axes mean something else.
    figure.update_layout(uirevision="kept")
    figure.update_xaxes(uirevision=f"{x}-{log_x}-{len(groups)}")
    figure.update_yaxes(uirevision=f"{measure}-{log_y}-{len(groups)}")
    return figure


def _panels(found: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    kinds = [(f"{kind.capitalize()} networks", [c for c in found if c.kind == kind]) for kind in theme.DASHES]
    return [panel for panel in kinds if panel[1]] or [("", [])]


def _traces(
    curve: Curve, measure: Measure, colours: theme.Palette, bottom: float, legend: str, first: bool
) -> list[go.Scatter]:
    colour, symbols = colours.depth(curve.depth), theme.MARKERS[curve.kind]
    symbol = symbols[(ord(curve.letter or "A") - ord("A")) % len(symbols)]
    alone = measure.each_step is None or measure.evaluated is None
    drawn: list[tuple[str, Line, str, float, dict[str, Any]]] = []
    if measure.each_step is not None:
        drawn.append(("thin", curve.thin, measure.each_step[1], 2.5 if alone else 1.5, {"mode": "lines"}))
    if measure.evaluated is not None:
        marker = {"symbol": symbol, "size": 8, "line": {"color": colour, "width": 2}}
        drawn.append(("bold", curve.bold, measure.evaluated[1], 3.5, {"mode": "lines+markers", "marker": marker}))
    return [
        go.Scatter(
            x=line.x.astype(np.float32),
            y=np.maximum(line.value, bottom).astype(np.float32),
            customdata=np.stack([line.step, line.value], axis=1).astype(np.float32),
            uid=f"{curve.run}-{part}",
            name=curve.name,
            legend=legend,
            legendgroup=curve.name,
            legendrank=curve.depth,
            showlegend=first and part == drawn[-1][0],
            line={"color": colour, "width": width, "dash": theme.DASHES[curve.kind]},
            opacity=0.75 if part == "thin" and not alone else 1,
            hovertemplate=f"<b>{curve.name}</b>, seed {curve.seed}<br>step %{{customdata[0]:,.0f}}<br>"
            f"{what} %{{customdata[1]:{'.1f' if measure.percent else '.4~g'}}}{' %' if measure.percent else ''}"
            "<extra></extra>",
            **look,
        )
        for part, line, what, width, look in drawn
    ]


def _end_labels(
    members: Sequence[Curve], measure: Measure, colours: theme.Palette, extent: tuple[float, float], log_y: bool,
    *, short: bool,
) -> list[go.Scatter]:
    """The name and last value at each line's end, moved apart where they would overlap; seeds share one label."""
    ends: dict[str, list[Curve]] = {}
    for curve in members:
        if len(curve.main.x):
            ends.setdefault(curve.name, []).append(curve)
    if not ends or len(ends) > MOST_LABELS:
        return []
    bottom, top = (float(v) for v in (np.log10(extent) if log_y else extent))
    last = {name: float(np.mean([c.main.value[-1] for c in group])) for name, group in ends.items()}
    place = {n: float(np.log10(max(v, extent[0]))) if log_y else v for n, v in last.items()}
    spread = _apart(place, LABEL_SPACING * (top - bottom), top)
    return [
        go.Scatter(
            x=[max(float(c.main.x[-1]) for c in group)],
            y=[10 ** spread[name] if log_y else spread[name]],
            mode="text",
            text=[f" {name.removeprefix('plain').removeprefix('resnet') if short else name}  <b>{f'{last[name]:.1f} %' if measure.percent else f'{last[name]:.4g}'}</b>"],
            textposition="middle right",
            textfont={"color": colours.depth(group[0].depth), "size": theme.TEXT_SIZE},
            uid=f"{name}-label",
            legendgroup=name,
            showlegend=False,
            cliponaxis=False,
            hoverinfo="skip",
        )
        for name, group in ends.items()
    ]


def _apart(place: Mapping[str, float], gap: float, top: float) -> dict[str, float]:
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


def _extent(found: Sequence[Curve], measure: Measure, log_y: bool) -> tuple[float, float]:
    """Foot and top of the y axis; what lies below the foot of a logarithmic one is drawn at it."""
    values = np.concatenate([line.value for curve in found for line in (curve.thin, curve.bold)] or [np.empty(0)])
    highest = float(values.max()) if len(values) and values.max() > 0 else (100.0 if measure.percent else 1.0)
    if measure.percent:
        highest = min(100.0, float(np.ceil(highest / 10) * 10))
    if not log_y:
        return 0.0, highest
    positive = values[values > 0]
    return (float(positive.min()) / 2 if len(positive) else highest / 1000), highest


def _axes(
    figure: go.Figure, measure: Measure, found: Sequence[Curve], *, x: str, log_x: bool, log_y: bool,
    extent: tuple[float, float], steps: int | None,
) -> None:  # fmt: skip
    furthest = [float(line.x[-1]) for curve in found for line in (curve.thin, curve.bold) if len(line.x)]
    nearest = [float(line.x[0]) for curve in found for line in (curve.thin, curve.bold) if len(line.x)]
    end = float(steps) if steps and x == "step" else max(furthest, default=1.0)
    bounds = [np.log10(min(nearest, default=1.0)), np.log10(max(end, 1e-3))] if log_x else [0.0, end * 1.01]
    figure.update_xaxes(
        title_text="training time (seconds)" if x == "seconds" else "step",
        type="log" if log_x else "linear",
        range=bounds,
        matches="x",
    )
    low, high = np.log10(extent) if log_y else extent
    figure.update_yaxes(type="log" if log_y else "linear", range=[low, high + 0.02 * (high - low)])
    figure.update_yaxes(title_text=measure.title, col=1)
    if log_x:
        figure.update_xaxes(_decades(10 ** bounds[0], 10 ** bounds[1]))
    if log_y:
        figure.update_yaxes(_decades(*extent))
    figure.update_layout(hovermode="closest", hoverdistance=30)


def _decades(low: float, high: float) -> dict[str, Any]:
    """Ticks at 1, 2 and 5 times the powers of ten, all in one letter size."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    values = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}


def _legend(heading: str, start: float) -> dict[str, Any]:
    return {
        "title": {"text": f"<b>{heading}</b>", "side": "top", "font": {"size": theme.TITLE_SIZE}},
        "orientation": "h",
        "x": start,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "font": {"size": theme.TEXT_SIZE},
        "itemwidth": 36,
        "groupclick": "togglegroup",
        "tracegroupgap": 0,
        "bgcolor": "rgba(0,0,0,0)",
    }


def _note(
    figure: go.Figure,
    measure: Measure,
    colours: theme.Palette,
    smoothing: int,
    letter: Mapping[str, str],
    titles: Mapping[str, str] | None,
    *,
    short: bool,
) -> None:
    """What thin and bold mean, and which experiment each letter is, below the axes."""
    mean = f" (mean of {smoothing} steps)" if smoothing > 1 and measure.smooth else ""
    parts = []
    if measure.each_step and measure.evaluated:
        parts.append(f"thin: {measure.each_step[1]}{mean}, bold: {measure.evaluated[1]}")
    elif measure.each_step:
        parts.append(f"{measure.each_step[1]}{mean}")
    elif measure.evaluated:
        parts.append(measure.evaluated[1])
    named = titles or {}
    key = "   ".join(f"<b>{mark}</b> {named.get(name, name)}" for name, mark in letter.items())
    figure.add_annotation(
        text="<br>".join([*parts, *([key] if key else [])]),
        xref="paper", yref="paper", x=0, y=0, xanchor="left", yanchor="top", yshift=-62, align="left",
        showarrow=False, font={"size": theme.TEXT_SIZE - 1, "color": colours.muted},
    )  # fmt: skip
    figure.update_layout(margin_b=112 if key else 92, margin_r=100 if short else 150)
