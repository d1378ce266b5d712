"""The error of each class before and after operations, a panel for each network."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.layer_axes import axis_mark, panel_row
from explorer.figures.network_lines import NetworkLine, network_lines

MOST_CLASSES = 30  # more cannot be read: those that change most
ROW = 30  # pixels of a class
DOT = 11  # pixels
GAP = 0.04  # between panels, as a part of the width


def operated_classes(table: pd.DataFrame, *, dark: bool = False, height: int | None = None) -> go.Figure:
    """A row for each class: hollow the error before, filled the error after; the class that changes most is on top.

    Args:
        table: `tables.OPERATED`.
        dark: for a dark page.
        height: in pixels; None takes what the rows need.
    """
    colours = theme.palette(dark=dark)
    classes = table[table["class"] != ""]
    lines = network_lines(classes)
    changes = classes["rise"].abs().groupby(classes["class"], sort=False).max().sort_values(kind="stable")
    names = [str(name) for name in changes.index[-MOST_CLASSES:]]
    letters = max([len(name) for name in names], default=0) * theme.BOLD_LETTER * theme.TEXT_SIZE
    across = theme.axis(colours) | {"title": theme.axis_title("error (%)"), "range": [-3, 103]}
    upright = theme.axis(colours) | {"type": "category", "categoryorder": "array", "fixedrange": True, "ticks": ""}
    upright |= {"categoryarray": [*map(in_figure, names)], "range": [-0.6, max(1, len(names)) - 0.4]}
    axes, headings = panel_row([line.label for line in lines], across, upright, gap=GAP) if lines else ({}, [])
    note = captions.wrapped(_facts(classes, len(names), len(changes)))
    layout = theme.layout(colours, height=height or 150 + ROW * max(1, len(names))) | axes
    layout |= {
        "margin": {"l": 24 + letters, "r": 16, "t": 44, "b": 92 + 20 * note.count("<br>")},
        "annotations": [captions.note(note, colours), *headings],
        "showlegend": False,
    }
    traces = []
    for number, line in enumerate(lines, start=1):
        mark = axis_mark(number)
        rows = line.rows[line.rows["class"].isin(names)]
        traces += [trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"} for trace in _traces(line, rows, colours)]
    return go.Figure({"data": traces, "layout": layout})


def _traces(line: NetworkLine, rows: pd.DataFrame, colours: theme.Palette) -> list[dict[str, Any]]:
    """A line from before to after in each row, and the two dots."""
    before, after = (100 * rows[name].to_numpy(float) for name in ("intact_error", "error"))
    classes = [in_figure(str(name)) for name in rows["class"]]
    ink = line.colour(colours)
    ways: dict[str, Any] = {
        "x": np.stack([before, after, np.full(len(rows), np.nan)], axis=1).ravel().astype(np.float32),
        "y": np.repeat(classes, 3).tolist(),
        "line": {"color": ink, "width": 2},
        "hoverinfo": "skip",
    }
    common = {"type": "scatter", "name": line.label}
    dots = common | {"mode": "markers", "y": classes, "customdata": rows[["images"]].to_numpy()}
    hover = f"<b>{line.label}</b>, %{{y}}<br>error %{{x:.1f}} % of %{{customdata[0]:,}} images "
    border = {"width": 2, "color": ink}
    return [
        common | {"mode": "lines", "uid": f"{line.uid}-ways"} | ways,
        dots | {"uid": f"{line.uid}-before", "x": before.astype(np.float32),
                "marker": {"size": DOT, "color": colours.page, "line": border},
                "hovertemplate": hover + "before<extra></extra>"},
        dots | {"uid": f"{line.uid}-after", "x": after.astype(np.float32),
                "marker": {"size": DOT, "color": ink, "line": border},
                "hovertemplate": hover + "after<extra></extra>"},
    ]  # fmt: skip


def _facts(classes: pd.DataFrame, shown: int, count: int) -> list[str]:
    images = classes.groupby("reference")["images"].sum().max() if len(classes) else 0
    facts = ["hollow: before", "filled: after", f"{int(images):,} test images"]
    return [*facts, *([f"the {shown} of {count} classes that change most"] if shown < count else [])]
