"""The residual ledger: what each block adds to its input, and which path the gradient takes back."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import axis_mark, grid, linear_span, stage_axis, stage_borders, zero_line
from explorer.figures.layer_measures import BLOCK_MEASURES, LayerMeasure
from explorer.figures.network_lines import NetworkLine, base_layout, named_once, network_lines, rings
from explorer.registry import lookup

COLUMNS = 2
GAP = 0.08  # between panels, as a part of the width
BETWEEN = 84  # pixels between rows of panels, for ticks and headings
MARKER = 8
MARKERS = {"plain": "square", "residual": "circle"}
RESHAPING = ("pad", "projection")  # shortcuts of blocks that change the shape
SHARES = ("shortcut_share", "branch_share")  # 0 and 1 in a plain network
RISE = {"rise": LayerMeasure("error rise if deleted (points)", (0.0, 10.0))}
POINT = ["number", "name", "stage", "block", "reference"]  # customdata of a point


def ledger_entries(
    table: pd.DataFrame,
    *,
    measures: Sequence[str] = ("branch_ratio", "cosine", "gamma", "shortcut_share"),
    x: Literal["block", "relative"] = "block",
    selected: tuple[int, int] | None = None,
    dark: bool = False,
    height: int = 720,
) -> go.Figure:
    """A panel for each entry of the ledger, against the blocks along the network; plain is dashed, residual solid.

    A block that changes the shape (its shortcut pads or projects) is an open marker. Plain networks have no gradient
    through a shortcut, and are left out where shares are shown. A point's customdata is the number of its
    block, its name, stage, block within the stage, and reference.

    Args:
        table: `tables.LEDGER` after `tables.MEASURED_KEYS`; with a column `rise`, of the error without the block, in
            points, for the measure of this name.
        measures: "rise", or names in `layer_measures.BLOCK_MEASURES`; two panels a row.
        x: "block" counts; "relative" aligns the stages of all depths.
        selected: stage and block, with a ring in every line that has it.
        dark: for a dark page.
        height: in pixels.

    Raises:
        UnknownName: no such measure.
    """
    shown = {name: lookup(BLOCK_MEASURES | RISE, name, "measure") for name in measures}
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    layout = base_layout(lines, _facts(table, measures), colours, height=height)
    between = BETWEEN / (height - layout["margin"]["t"] - layout["margin"]["b"])
    domains = grid(len(shown), COLUMNS, gap=GAP, between=between)
    across = _x_axis(lines, x, colours)
    traces: list[dict[str, Any]] = []
    for number, ((name, measure), (along, up)) in enumerate(zip(shown.items(), domains, strict=True), start=1):
        mark = axis_mark(number)
        panel = [(line, _blocks(line, name, x)) for line in lines if line.kind != "plain" or name not in SHARES]
        values = np.concatenate([blocks["value"].to_numpy(float) for _, blocks in panel] or [np.empty(0)])
        upright = y_axis("", colours, linear_span(values, measure.reach)) | {"title": None, "uirevision": name}
        layout[f"yaxis{mark}"] = upright | {"domain": up, "anchor": f"x{mark}"}
        layout[f"xaxis{mark}"] = across | {"domain": along, "anchor": f"y{mark}"}
        if measure.signed:
            layout[f"yaxis{mark}"] |= zero_line(colours)
        if number <= len(shown) - COLUMNS:
            layout[f"xaxis{mark}"] |= {"title": None}
        if mark:
            layout[f"xaxis{mark}"] |= {"matches": "x"}
        heading = measure.title[0].upper() + measure.title[1:]
        layout["annotations"].append(captions.heading(heading, along[0]) | {"y": up[1]})
        for line, blocks in panel:
            drawn = _trace(line, blocks, measure, colours)
            chosen = blocks[[place == selected for place in zip(blocks["stage"], blocks["block"], strict=True)]]
            traces += [
                trace | {"uid": f"{trace['uid']}-{name}", "xaxis": f"x{mark}", "yaxis": f"y{mark}"}
                for trace in (drawn, *rings(line, chosen, colours))
            ]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _blocks(line: NetworkLine, measure: str, x: str) -> pd.DataFrame:
    """`POINT`, shortcut, place on the x axis and value; without the blocks that have no value."""
    rows = line.rows
    number = np.arange(1, len(rows) + 1)
    found: pd.DataFrame = rows[["name", "stage", "block", "shortcut"]].assign(
        number=number,
        reference=line.reference,
        place=number if x == "block" else _middles(rows),
        value=rows[measure].astype(float).replace([np.inf, -np.inf], np.nan),
    )
    return found[found["value"].notna()]


def _middles(rows: pd.DataFrame) -> Floats:
    """Of the blocks, from 0 to 1."""
    return (np.arange(len(rows)) + 0.5) / len(rows)


def _trace(line: NetworkLine, blocks: pd.DataFrame, measure: LayerMeasure, colours: theme.Palette) -> dict[str, Any]:
    colour = line.colour(colours)
    return line.style(colours) | {
        "mode": "lines+markers",
        "x": blocks["place"].to_numpy(np.float32),
        "y": blocks["value"].to_numpy(np.float32),
        "uid": f"{line.uid}-line",
        "customdata": blocks[[*POINT, "shortcut"]].to_numpy(),
        "marker": {
            "symbol": MARKERS[line.kind],
            "size": MARKER,
            "color": np.where(blocks["shortcut"].isin(RESHAPING), colours.page, colour),
            "line": {"color": colour, "width": 2},
        },
        "hovertemplate": f"{line.title}<br>block %{{customdata[0]}}, %{{customdata[1]}}, stage %{{customdata[2]}}"
        f"<br>shortcut: %{{customdata[5]}}<br>{measure.words} {measure.number}<extra></extra>",
    }


def _x_axis(lines: Sequence[NetworkLine], x: str, colours: theme.Palette) -> dict[str, Any]:
    longest = max((line.rows for line in lines), key=len, default=None)
    if x == "relative":
        borders = [] if longest is None else stage_borders(_middles(longest), longest)
        return stage_axis(borders, colours) | {"uirevision": x}
    last = 1 if longest is None else len(longest)
    return theme.axis(colours) | {"range": [0.4, last + 0.6], "title": theme.axis_title("block"), "uirevision": x}


def _facts(table: pd.DataFrame, measures: Sequence[str]) -> list[str]:
    facts = ["open marker: the block changes the shape"] if table["shortcut"].isin(RESHAPING).any() else []
    if (table["kind"] == "plain").any():
        if {"branch_ratio", "cosine"} & set(measures):
            facts.append("plain: F(x) compared with x, nothing is added")
        if set(SHARES) & set(measures):
            facts.append("shares without plain: all of its gradient goes through the branch")
    return facts
