"""Published errors, drawn so that they are not mistaken for measured ones."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from explorer.figures import theme
from explorer.figures.curve_lines import FrameRow
from explorer.figures.curves.line_ends import SPACING

START = 2 / 3  # of the panel's width, where the lines begin
MARK = (0.88, 0.97)  # of the panel's width, where the mark of a bound is
POINTS = 9  # of a line; only points have hover text
ROOM_BELOW = 0.05  # of the y axis, for a text under a line


def published_errors(
    table: pd.DataFrame, colours: theme.Palette, top: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A thin dotted line for each exact number over the last third of a panel; near ones share a label.

    Args:
        table: network, kind, depth, test_error (fraction), source, and perhaps a note; rows without a number are
            left out.
        colours: of the figure.
        top: of the y axis, percent.

    Returns:
        Traces and annotations over an x axis from 0 to 1.
    """
    rows = table[table["test_error"].notna()].sort_values("test_error").to_dict("records")
    lines = [_line(row, (START, 1.0), row["test_error"], "test error", colours) for row in rows]
    return lines, [_name(group, colours, top) for group in _near(rows, SPACING * top)]


def published_bounds(
    table: pd.DataFrame, colours: theme.Palette, top: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A short mark ("> 60 %") for each row that has only a lower bound, in its column `above` (fraction).

    Returns:
        Traces and annotations over an x axis from 0 to 1; a bound past `top` stands there.
    """
    marks, texts = [], []
    bounds = table[table["test_error"].isna() & table["above"].notna()] if "above" in table else table.iloc[:0]
    for row in bounds.to_dict("records"):
        colour = colours.depth(int(row["depth"]))
        mark = _line(row, MARK, row["above"], "error above", colours, top)
        size = [13 if point == POINTS // 2 else 0 for point in range(POINTS)]
        arrow = {"symbol": "triangle-up", "size": size, "color": colour, "opacity": 1, "line": {"width": 0}}
        marks.append(mark | {"mode": "lines+markers", "marker": arrow})
        text = f"{row['network']}, {_who(row)} > {_percent(row['above'])}"
        texts.append(
            _text(text, min(100 * row["above"], top), colour) | {"x": MARK[1], "yanchor": "bottom", "yshift": 8}
        )
    return marks, texts


def _line(
    row: FrameRow, ends: tuple[float, float], error: float, what: str, colours: theme.Palette, top: float = 100.0
) -> dict[str, Any]:
    facts = [f"<b>{row['network']}</b>, published", f"{what} {_percent(error)}", str(row["source"])]
    facts += [str(row["note"])] if isinstance(row.get("note"), str) and row["note"] else []
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.linspace(*ends, POINTS),
        "y": np.full(POINTS, min(100 * error, top)),
        "line": {"color": colours.depth(int(row["depth"])), "width": 2, "dash": "2px,3px"},
        "uid": f"{row['network']}-published-{row['source']}",
        "showlegend": False,
        "hovertemplate": "<br>".join(facts) + "<extra></extra>",
    }


def _near(rows: Sequence[FrameRow], gap: float) -> list[list[FrameRow]]:
    """Rows in order of error, grouped where the next is less than `gap` percent away."""
    groups: list[list[FrameRow]] = []
    for row in rows:
        if groups and 100 * (row["test_error"] - groups[-1][-1]["test_error"]) < gap:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _name(group: Sequence[FrameRow], colours: theme.Palette, top: float) -> dict[str, Any]:
    """One label for near lines, below them if there is room: measured curves mostly end above."""
    low, high = 100 * group[0]["test_error"], 100 * group[-1]["test_error"]
    below = low > ROOM_BELOW * top
    anchor = {"x": 1, "yanchor": "top" if below else "bottom", "yshift": -2 if below else 2}
    if len(group) == 1:
        text, colour = f"{_who(group[0])} {_percent(group[0]['test_error'])}", colours.depth(int(group[0]["depth"]))
    else:
        text, colour = f"published: {low:.1f} to {high:.1f} %", colours.muted
    return _text(text, low if below else high, colour) | anchor


def _text(text: str, height: float, colour: str) -> dict[str, Any]:
    return {
        "text": text,
        "y": height,
        "xanchor": "right",
        "showarrow": False,
        "borderpad": 0,
        "font": {"color": colour, "size": theme.TEXT_SIZE - 1},
    }


def _percent(fraction: float) -> str:
    """ "8.75 %"."""
    return f"{100 * fraction:.4g} %"


def _who(row: FrameRow) -> str:
    """ "He et al." of "He et al. 2015, table 6"."""
    found = re.match(r"(.+?),? \d{4}", str(row["source"]))
    return found[1] if found else "published"
