"""The error of each class, for several networks."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import theme
from explorer.figures.network_lines import NetworkLine, base_layout, network_lines

MOST_CLASSES = 30  # more cannot be read
ROW = 34  # pixels of a class
DOT = 12  # pixels


def class_errors(table: pd.DataFrame, *, dark: bool = False, height: int | None = None) -> go.Figure:
    """A row for each class, the hardest on top, with a dot for each network.

    Of many classes only the hardest are shown, with a note. A dot's customdata is its label and the reference.

    Args:
        table: `tables.CLASS_ERRORS` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels; None takes what the rows need.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    means = table.groupby("class", sort=False)["error"].mean().sort_values(ascending=False, kind="stable")
    shown = [str(name) for name in means.index[:MOST_CLASSES]]
    left_out = f"the {len(shown)} hardest of {len(means)} classes" if len(means) > len(shown) else ""
    letters = max([len(name) for name in shown], default=0) * theme.BOLD_LETTER * theme.TEXT_SIZE
    layout = base_layout(lines, [left_out], colours, height=height or 150 + ROW * max(1, len(shown)))
    layout["margin"] |= {"l": 24 + letters}
    note = layout["annotations"][0]  # without the key of dashes: there are none
    note["text"] = note["text"].removeprefix(theme.dash_words(line.kind for line in lines)).lstrip("\u2003")
    most = 100 * max([0.01, *table["error"]])
    layout |= {
        "xaxis": theme.axis(colours)
        | {"title": theme.axis_title("error (%)"), "range": [-0.03 * most, 1.05 * most]}  # dots at 0 beside the names
        | {"zeroline": True, "zerolinecolor": colours.grid},
        "yaxis": theme.axis(colours)
        | {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [*map(in_figure, shown[::-1])],
            "fixedrange": True,
        }
        | {"range": [-0.6, max(1, len(shown)) - 0.4], "ticks": ""},
    }
    return go.Figure({"data": [_dots(line, shown, lines, colours) for line in lines], "layout": layout})


def _dots(line: NetworkLine, shown: list[str], lines: list[NetworkLine], colours: theme.Palette) -> dict[str, Any]:
    """The dots of one network; networks of one kind have different markers."""
    rows = line.rows[line.rows["class"].isin(shown)]
    markers = theme.MARKERS[line.kind]
    alike = [each.label for each in lines if each.kind == line.kind]
    colour = line.colour(colours)
    style = {name: value for name, value in line.style(colours).items() if name != "line"}
    return style | {
        "uid": f"{line.uid}-dots",
        "mode": "markers",
        "x": (100 * rows["error"]).to_numpy(np.float32),
        "y": rows["class"].map(in_figure).tolist(),
        "customdata": [[int(label), line.reference, *others] for label, *others in _meanings(rows)],
        "marker": {
            "symbol": markers[alike.index(line.label) % len(markers)],
            "size": DOT,
            "color": colour,
            "line": {"width": 2, "color": colour},
        },
        "hovertemplate": f"{line.title}<br><b>%{{y}}</b>: %{{x:.1f}} % of %{{customdata[2]:,}} images wrong"
        "%{customdata[3]}<extra></extra>",
    }


def _meanings(rows: pd.DataFrame) -> list[tuple[int, int, str]]:
    return [
        (
            row["label"],
            int(row["images"]),
            f", mostly predicted as {in_figure(row['taken_for'])}" if row["taken_for"] else "",
        )
        for row in rows.to_dict("records")
    ]
