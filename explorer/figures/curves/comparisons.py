"""Differences in training error between networks, with their intervals: a forest plot."""

from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer.figures import captions, theme
from explorer.figures.curve_lines import FrameRow
from explorer.numerals import minus

QUESTIONS = {
    "degradation": "Depth without shortcuts: deeper minus shallower",
    "residual_depth": "Depth with shortcuts: deeper minus shallower",
    "shortcut": "Shortcuts at equal depth: plain minus residual",
}
WEAKER = "Shortcuts at equal depth: without or weaker minus full"
OUTCOMES = {
    "seen": "the interval excludes zero",
    "reversed": "the interval excludes zero, in the other direction",
    "not_started": "a network here does no better than guessing",
}
REASONS = {
    "one_seed": "one seed, which gives no interval",
    "few_steps": "the interval includes zero, and both errors are still high: too few steps",
    "includes_zero": "the interval includes zero",
    "both_zero": "both end at about 0 %: nothing is left to tell apart",
}
ROW = 44  # pixels: two lines at the right
LETTER = 8.2  # pixels; a little more than a letter needs, in the fonts of the theme
LABEL_SIZE, VALUE_SIZE = theme.TEXT_SIZE + 2, theme.TEXT_SIZE + 1
LEAST_RANGE = 5.0  # points on each side of zero, so that noise does not look large


def gaps(table: pd.DataFrame, *, dark: bool = False, height: int | None = None) -> go.Figure:
    """One row per comparison: a dot for the difference, a bar for its interval, a strong line at zero.

    The dot is filled if the interval excludes zero, hollow if not or if one seed gives none, and faded if a network
    has not started to train.

    Args:
        table: `tables.GAPS`; fractions. Rows of one question stand together, questions in the order of the table.
        dark: for a dark page.
        height: in pixels; None takes what the rows need.
    """
    colours = theme.palette(dark=dark)
    placed = list(_placed(table))
    rows = [(place, row) for place, row in placed if not isinstance(row, str)]
    lines = max((place for place, _ in placed), default=0) + 1
    labels = {place: f"{row['network']} − {row['against']}" for place, row in rows}
    left = 24 + round(LETTER * LABEL_SIZE / theme.TEXT_SIZE * max((len(text) for text in labels.values()), default=0))
    note = _note(table)
    top, bottom = 34, 116 + 20 * (1 + note.count("<br>"))
    layout = theme.layout(colours, height=height or top + bottom + ROW * lines) | {
        "showlegend": False,
        "margin": {"l": left, "r": 188, "t": top, "b": bottom},
        "xaxis": _x_axis(table, colours),
        "yaxis": theme.axis(colours)
        | {"range": [lines - 0.4, -0.6], "fixedrange": True, "showgrid": False, "showline": False, "ticks": ""}
        | {"tickvals": list(labels), "ticktext": list(labels.values())}
        | {"tickfont": {"size": LABEL_SIZE, "color": colours.ink}},
        "shapes": [
            {"type": "line", "x0": 0, "x1": 0, "y0": place - 0.5, "y1": place + 0.5, "layer": "between"}
            | {"line": {"color": colours.ink, "width": 3}}
            for place, _ in rows  # not through the headings
        ],
        "annotations": [
            {"text": "no difference", "x": 0, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False},
            *(_heading(place, text, left) for place, text in placed if isinstance(text, str)),
            *(_value(place, row, colours) for place, row in rows),
            captions.note(note, colours)
            | {"xshift": 8 - left, "yshift": -86, "font": {"size": theme.TEXT_SIZE, "color": colours.muted}},
        ],
    }
    return go.Figure({"data": [_dot(place, row, colours) for place, row in rows], "layout": layout})


def _placed(table: pd.DataFrame) -> Iterator[tuple[int, str | FrameRow]]:
    """Headings and rows from the top, each with its place."""
    place = 0
    for question, rows in table.groupby("question", sort=False):
        weaker = question == "shortcut" and "residual" in set(rows["kind"])
        yield place, WEAKER if weaker else QUESTIONS.get(str(question), str(question))
        for row in rows.to_dict("records"):
            place += 1
            yield place, row
        place += 1


def _dot(place: int, row: FrameRow, colours: theme.Palette) -> dict[str, Any]:
    colour, gap = colours.depth(int(row["depth"])), 100 * row["gap"]
    filled = _excludes_zero(row)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [gap],
        "y": [place],
        "uid": f"{row['question']}-{row['network']}-{row['against']}",
        "name": f"{row['network']} − {row['against']}",
        "marker": {"size": 15, "color": colour if filled else colours.page, "line": {"color": colour, "width": 3}},
        "opacity": 0.45 if row["outcome"] == "not_started" else 1,
        "hovertemplate": f"{_in_words(row)}<extra></extra>",
    }
    if not isnan(row["low"]):
        ends = {"array": [100 * row["high"] - gap], "arrayminus": [gap - 100 * row["low"]], "symmetric": False}
        trace["error_x"] = ends | {"type": "data", "color": colour, "thickness": 4, "width": 8}
    return trace


def _excludes_zero(row: FrameRow) -> bool:
    low, high = (round(100 * row[end], row["digits"]) for end in ("low", "high"))
    return bool(low > 0 or high < 0)


def _value(place: int, row: FrameRow, colours: theme.Palette) -> dict[str, Any]:
    """ "+17.8 [12.0, 23.6]" at the right of a row."""
    text = f"<b>{_number(row, 'gap', '+')}</b>"
    if row["reason"] == "both_zero":
        text += " both at about 0 %"
    else:
        text += " one seed" if isnan(row["low"]) else f" [{_number(row, 'low')}, {_number(row, 'high')}]"
    if row["outcome"] == "not_started":
        text += "<br>not started to train"
    return {
        "text": text,
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 12,
        "y": place,
        "align": "left",
        "showarrow": False,
        "font": {"size": VALUE_SIZE, "color": colours.muted if row["outcome"] == "not_started" else colours.ink},
    }


def _in_words(row: FrameRow) -> str:
    network, against = row["network"], row["against"]
    size = f"{_number(row, 'gap').lstrip('−')} points {'above' if row['gap'] >= 0 else 'below'}"
    lines = [f"<b>{network} − {against}</b>", f"{network} ends {size} {against} in training error"]
    if not isnan(row["low"]):
        lines.append(f"95 % interval {_number(row, 'low')} to {_number(row, 'high')} points, {int(row['seeds'])} seeds")
    return "<br>".join([*lines, (REASONS | OUTCOMES).get(row["reason"] or row["outcome"], "")])


def _number(row: FrameRow, name: str, sign: str = "") -> str:
    """A fraction of a row in points, with as many digits as its outcome needs."""
    digits = row["digits"]
    return minus(f"{round(100 * row[name], digits) + 0.0:{sign}.{digits}f}")


def _heading(place: int, text: str, left: int) -> dict[str, Any]:
    where = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": 8 - left, "y": place, "yanchor": "middle"}
    return where | {"text": f"<b>{text}</b>", "showarrow": False, "font": {"size": theme.TITLE_SIZE}}


def _x_axis(table: pd.DataFrame, colours: theme.Palette) -> dict[str, Any]:
    ends = 100 * table[["gap", "low", "high"]].astype(float)
    low, high = (0.0 if isnan(end) else end for end in (ends.min().min(), ends.max().max()))
    # an interval over two seeds may exceed the possible range of errors
    low, high = max(min(low, -LEAST_RANGE), -100.0), min(max(high, LEAST_RANGE), 100.0)
    room = 0.06 * (high - low)
    title = "difference in training error (percentage points)"
    title += "<br>◂ first network better\u2003\u2003first network worse ▸"
    return theme.axis(colours) | {
        "range": [low - room, high + room],
        "title": theme.axis_title(title),
        "tickfont": {"size": theme.TEXT_SIZE + 1, "color": colours.muted},
    }


def _note(table: pd.DataFrame) -> str:
    lines = ["bar: 95 % interval over seeds\u2003filled dot: the interval excludes zero"]
    if (table["outcome"] == "not_started").any():
        lines.append("faded: a network does no better than guessing, so depth is not what is measured")
    return "<br>".join(lines)
