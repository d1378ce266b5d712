"""Heat maps of a measure of every layer or block against the steps of training."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import decades
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import axis_mark, grid
from explorer.figures.layer_measures import BLOCK_MEASURES, GRADIENT_MEASURES, RESPONSE_MEASURES, LayerMeasure
from explorer.registry import lookup

MOST_COLUMNS = 4
GAP = 0.05  # between columns, as a part of the width
ROW, BETWEEN = 300, 84  # pixels: of a row of panels, between two of them
MARGIN = {"l": 60, "r": 110, "t": 44, "b": 108}
LEAST_SPAN = 0.1  # of the largest value, so that noise does not look large
LEAST_SIGNED = 0.05  # to either side of zero
LATE = 0.1  # of the last step; a first column later than that is noted
BESIDE = 0.1  # offset of a tick from its row: on the row, plotly would show its text in the hover text
CLIPPED = 1.0  # percent of the values clipped at either end, so that one layer does not take the whole scale

MEASURES = {
    **{name: RESPONSE_MEASURES[name] for name in ("response_std", "response_mean", "zeros")},
    **{name: GRADIENT_MEASURES[name] for name in ("gradient_norm", "response_gradient")},
    **{name: BLOCK_MEASURES[name] for name in ("branch_ratio", "cosine", "gamma", "shortcut_share")},
}


def layer_steps(
    table: pd.DataFrame, *, measure: str = "response_std", dark: bool = False, height: int | None = None
) -> go.Figure:
    """A heat map per network: steps to the right, layers or blocks downwards, the stem on top; one colour scale.

    Plain networks come before residual ones, up to four in a row; of several runs of a network the one with the first
    seed is shown, with the seed in its heading. Measures of responses leave out the classifier, whose scores do not
    compare. Gradient norms have a logarithmic colour scale, signed measures a diverging one.

    Args:
        table: `tables.LIVE_LAYERS` or `tables.LIVE_BLOCKS` after `tables.RUN_KEYS`.
        measure: name in `MEASURES`, a column of the table.
        dark: for a dark page.
        height: in pixels; None takes what the rows of panels need.

    Raises:
        UnknownName: no such measure.
    """
    shown = lookup(MEASURES, measure, "measure")
    colours = theme.palette(dark=dark)
    maps = [(rows.iloc[0], _cells(rows, measure, shown)) for rows in _first_seeds(table)]
    steps = np.unique(np.concatenate([cells.columns.to_numpy(float) for _, cells in maps] or [np.zeros(1)]))
    seeds = table.drop_duplicates("run")["network"].value_counts()
    rows_of_panels = -(-max(1, len(maps)) // MOST_COLUMNS)
    columns = -(-max(1, len(maps)) // rows_of_panels)
    shared = height - MARGIN["t"] - MARGIN["b"] if height else rows_of_panels * (ROW + BETWEEN) - BETWEEN
    domains = grid(max(1, len(maps)), columns, gap=GAP, between=BETWEEN / shared)
    layout = theme.layout(colours, height=shared + MARGIN["t"] + MARGIN["b"]) | {
        "margin": MARGIN,
        "coloraxis": _colour_axis([cells for _, cells in maps], shown, colours),
        "annotations": [captions.note(_note(shown, steps), colours)],
        "shapes": [],
    }
    for number, (across, up) in enumerate(domains, start=1):
        mark = axis_mark(number)
        cells = maps[number - 1][1] if maps else _cells(table, measure, shown)
        lowest, first = number > len(domains) - columns, number % columns == 1 or columns == 1
        layout[f"xaxis{mark}"] = _x_axis(steps, colours, titled=lowest) | {"domain": across, "anchor": f"y{mark}"}
        layout[f"yaxis{mark}"] = _y_axis(cells, colours, titled=first) | {"domain": up, "anchor": f"x{mark}"}
        if mark:
            layout[f"xaxis{mark}"] |= {"matches": "x"}
        layout["shapes"] += [
            {"type": "line", "xref": f"x{mark} domain", "x0": 0, "x1": 1, "yref": f"y{mark}", "y0": edge, "y1": edge}
            | {"line": {"color": colours.page, "width": 2}}
            for edge in sorted({edge for _, first, last in _stages(cells) for edge in (first - 0.5, last + 0.5)})
            if 0 < edge < len(cells) - 1
        ]
        if maps:
            run = maps[number - 1][0]
            name = f"{run['network']}, seed {run['seed']}" if seeds[run["network"]] > 1 else str(run["network"])
            layout["annotations"].append(captions.heading(name, across[0]) | {"y": up[1]})
    traces = [_map(run, cells, shown, axis_mark(number)) for number, (run, cells) in enumerate(maps, start=1)]
    return go.Figure({"data": traces, "layout": layout})


def _first_seeds(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of one run of each network."""
    ordered = table.sort_values(["kind", "depth", "network", "seed"], kind="stable")
    first = ordered.drop_duplicates("network")["run"]
    return [ordered[ordered["run"] == run] for run in first]


def _cells(rows: pd.DataFrame, measure: str, shown: LayerMeasure) -> pd.DataFrame:
    """Values to colour: layers or blocks in order of depth (index: their keys) by steps."""
    keys = ["layer", "name", "stage", "block"] if "layer" in rows else ["stage", "block"]
    if measure in RESPONSE_MEASURES:
        rows = rows[(rows["block"] > 0) | (rows["layer"] == 1)]
    values = rows.pivot(index=keys, columns="step", values=measure).astype(float)  # noqa: PD010 a row without values stays
    values = values.where(values > 0).apply(np.log10) if shown.log else shown.factor * values
    return values.where(np.isfinite(values))


def _map(run: pd.Series, cells: pd.DataFrame, shown: LayerMeasure, mark: str) -> dict[str, Any]:
    """One network."""
    number = "%{customdata:.3~g}" if shown.log else "%{z:.3~g}" + (" %" if shown.percent else "")
    return {
        "type": "heatmap",
        "x": (cells.columns if len(cells.columns) > 1 else _edges(cells.columns.to_numpy(float))).astype(np.float32),
        "y": _texts(cells),
        "z": cells.to_numpy(np.float32),
        "customdata": 10 ** cells.to_numpy(np.float32) if shown.log else None,
        "coloraxis": "coloraxis",
        "xaxis": f"x{mark}",
        "yaxis": f"y{mark}",
        "uid": f"{run['run']}-map",
        "name": str(run["network"]),
        "hoverongaps": False,
        "hovertemplate": f"<b>{run['network']}</b>, seed {run['seed']}, step %{{x:,}}<br>%{{y}}"
        f"<br>{shown.words} {number}<extra></extra>",
    }


def _texts(cells: pd.DataFrame) -> list[str]:
    """Names of the rows for the hover text."""
    keys = cells.index.to_frame()
    if "layer" in keys:
        return [f"layer {row.layer}, {row.name} (stage {row.stage})" for row in keys.itertuples(index=False)]
    return [
        f"block {number} (stage {row.stage}, block {row.block})"
        for number, row in enumerate(keys.itertuples(index=False), start=1)
    ]


def _stages(cells: pd.DataFrame) -> list[tuple[int, int, int]]:
    """Number, first and last row of each stage; stem and classifier (block 0) are none."""
    keys = cells.index.to_frame(index=False)
    inside = keys[keys["block"] > 0]
    return [(int(rows["stage"].iloc[0]), rows.index[0], rows.index[-1]) for _, rows in inside.groupby("stage")]


def _x_axis(steps: Floats, colours: theme.Palette, *, titled: bool) -> dict[str, Any]:
    """From step 0 to the end of the last column."""
    title = {"title": theme.axis_title("step")} if titled else {}
    edges = _edges(steps)
    axis = {"nticks": 4, "tickformat": ",d", "showgrid": False, "range": [min(0.0, edges[0]), edges[-1]]}
    return theme.axis(colours) | axis | {"uirevision": "step"} | title


def _edges(steps: Floats) -> Floats:
    """Edges of the columns at these steps, in the middle between two; a single column gets a tenth of its step."""
    if len(steps) == 1:
        half = max(1.0, 0.05 * steps[0])
        return np.array([steps[0] - half, steps[0] + half])
    middles = (steps[1:] + steps[:-1]) / 2
    return np.concatenate([[2 * steps[0] - middles[0]], middles, [2 * steps[-1] - middles[-1]]])


def _y_axis(cells: pd.DataFrame, colours: theme.Palette, *, titled: bool) -> dict[str, Any]:
    """Stages numbered at their middles, the stem on top."""
    stages = _stages(cells)
    return theme.axis(colours) | {
        "type": "category",
        "range": [len(cells) - 0.5, -0.5],
        "tickvals": [(first + last) / 2 + BESIDE for _, first, last in stages],
        "ticktext": [str(stage) for stage, _, _ in stages],
        "ticks": "",
        "showgrid": False,
        "uirevision": "depth",
        "title": theme.axis_title("stage") if titled else None,
    }


def _colour_axis(maps: list[pd.DataFrame], shown: LayerMeasure, colours: theme.Palette) -> dict[str, Any]:
    """One scale for all maps, and the bar at the right."""
    values: Floats = np.concatenate([cells.to_numpy(float).ravel() for cells in maps] or [np.empty(0)])
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (CLIPPED, 100 - CLIPPED)) if len(values) else (0.0, 1.0)
    if shown.signed:
        high = max(abs(low), abs(high), LEAST_SIGNED)
        low = -high
    least = 1.0 if shown.log else LEAST_SPAN * max(abs(low), abs(high))  # a decade
    missing = max(0.0, least - (high - low)) / 2
    low, high = float(low - missing), float(high + missing)
    bar: dict[str, Any] = {
        "title": {"text": shown.title, "side": "right", "font": {"size": theme.TEXT_SIZE + 1}},
        "tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted},
        "thickness": 16,
        "outlinewidth": 0,
    }
    if shown.log:
        marks = decades(10**low, 10**high)
        bar |= {"tickvals": np.log10(marks["tickvals"]).tolist(), "ticktext": marks["ticktext"]}
    scale = colours.diverging if shown.signed else theme.SEQUENTIAL
    return {"colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar}


def _note(shown: LayerMeasure, steps: Floats) -> str:
    late = [f"first measured at step {steps[0]:,.0f}"] if steps[0] > LATE * steps[-1] else []
    blank = "blank: zero or not measured" if shown.log else "blank: not measured"
    return captions.wrapped(
        ["top: the stem", *late, blank, f"colour scale without the {CLIPPED:.0f} % lowest and highest values"]
    )
