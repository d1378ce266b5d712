"""Paths of each length: their number, the gradient along one of them, and the product of both."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.axes import y_axis
from explorer.figures.captions import heading
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import axis_mark, decade_span, linear_span, panels
from explorer.figures.network_lines import NetworkLine, band, base_layout, named_once, network_lines

GAP = 0.1  # between panels, as a part of the width
MARKER = 6
INNER = 0.9  # of the gradient, in the note
SOURCE = "After Veit, Wilber and Belongie 2016 (arXiv 1605.06431), figure 6"

HEADINGS = ("Number of paths", "Gradient along one path", "Number × gradient")
TITLES = ("% of all paths", "norm at the pixels", "% of the sum")


def path_lengths(table: pd.DataFrame, *, dark: bool = False, height: int = 460) -> go.Figure:
    """Three panels against the length of a path in blocks; a plain network's one path is in the middle panel only.

    Left: paths of each length. Middle: norm of the loss gradient along single paths, mean and quartiles, on a
    logarithmic axis. Right: the product, which shows the lengths that carry the gradient.

    Args:
        table: `tables.PATHS` after `tables.MEASURED_KEYS`.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    layout = base_layout(lines, [*map(_inner, lines), "band: quartiles", SOURCE], colours, height=height)
    longest = max([1, *table["length"]])
    span = decade_span(table["gradient_norm"].to_numpy(float))
    traces = []
    for number, domain in enumerate(panels(3, GAP), start=1):
        mark = axis_mark(number)
        values = [_values(line)[number - 1] for line in lines]
        spread = [value for value in values if len(value) > 1]  # one path has 100 % of everything
        flat = linear_span(np.concatenate([*spread, np.zeros(1)]), (0.0, 0.0))
        upright = y_axis(TITLES[number - 1], colours, span if number == 2 else flat, log=number == 2)
        layout[f"yaxis{mark}"] = upright | {"anchor": f"x{mark}", "uirevision": HEADINGS[number - 1]}
        layout[f"xaxis{mark}"] = theme.axis(colours) | {
            "domain": domain,
            "anchor": f"y{mark}",
            "range": [-0.03 * longest, 1.03 * longest],
            "title": theme.axis_title("path length (blocks)"),
            "uirevision": "length",
            **({"matches": "x"} if mark else {}),
        }
        layout["annotations"].append(heading(HEADINGS[number - 1], domain[0]))
        for line, value in zip(lines, values, strict=True):
            if number != 2 and len(value) == 1:
                continue
            drawn = [_trace(line, value, number, colours)]
            if number == 2 and len(value) > 1:
                lengths, low, high = line.rows[["length", "gradient_low", "gradient_high"]].to_numpy(float).T
                drawn.insert(0, band(line, lengths, low, high, colours))
            traces += [
                trace | {"uid": f"{trace['uid']}-{number}", "xaxis": f"x{mark}", "yaxis": f"y{mark}"} for trace in drawn
            ]
    return go.Figure({"data": named_once(traces), "layout": layout})


def _values(line: NetworkLine) -> tuple[Floats, Floats, Floats]:
    """Of the three panels."""
    paths = line.rows["paths"].to_numpy(float)
    return (
        100 * paths / paths.sum(),
        line.rows["gradient_norm"].to_numpy(float),
        100 * line.rows["share"].to_numpy(float),
    )


def _trace(line: NetworkLine, value: Floats, number: int, colours: theme.Palette) -> dict[str, Any]:
    return line.style(colours) | {
        "mode": "lines+markers",
        "cliponaxis": False,
        "x": line.rows["length"].to_numpy(np.float32),
        "y": value,
        "uid": f"{line.uid}-line",
        "customdata": line.rows[["layers", "paths", "sampled"]].to_numpy(),
        "marker": {"symbol": theme.MARKERS[line.kind][0], "size": MARKER, "color": line.colour(colours)},
        "hovertemplate": f"{line.title}<br>%{{x:.0f}} blocks, %{{customdata[0]:.0f}} layers"
        f"<br>%{{customdata[1]:,.4~g}} paths, %{{customdata[2]}} sampled"
        f"<br>{TITLES[number - 1]} %{{y:.3~g}}<extra></extra>",
    }


def _inner(line: NetworkLine) -> str:
    """The lengths that carry most of the gradient, without the shortest and longest ones, for the note."""
    lengths, share = line.rows["length"].to_numpy(int), line.rows["share"].to_numpy(float)
    if len(lengths) == 1:
        return f"{line.label}: one path, of all {lengths[0]} blocks"
    total = np.cumsum(share)
    edge = (1 - INNER) / 2
    first, last = (lengths[min(int(np.searchsorted(total, part)), len(total) - 1)] for part in (edge, 1 - edge))
    return f"{line.label}: {100 * INNER:.0f} % in lengths {first} to {last} of {lengths[-1]}"
