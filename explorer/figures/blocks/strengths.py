"""The error of networks that are operated on more and more: against deleted blocks, order, strength of shortcuts."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.figures.axes import y_axis
from explorer.figures.network_lines import NetworkLine, band, base_layout, named_once, network_lines

Across = Literal["deleted", "distance", "tau", "alpha"]
MARKER = 8
TITLES: dict[Across, str] = {
    "deleted": "blocks deleted at random",
    "distance": "Kendall tau distance of the order (0: unchanged, 1: reversed)",
    "tau": "Kendall tau correlation of the order",
    "alpha": "factor of all shortcuts, alpha",
}
FALLING = ("tau", "alpha")  # the unchanged network, at 1, is at the left


def operated_errors(table: pd.DataFrame, *, x: Across, dark: bool = False, height: int = 460) -> go.Figure:
    """A line for each network: test error in percent; plain is dashed, residual solid.

    Bands are quartiles over choices at random.

    Args:
        table: `tables.RANDOM_LESIONS`, `tables.SHUFFLES` or `tables.SHORTCUT_STRENGTHS`.
        x: the column.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    lines = network_lines(table)
    images = [f"{table['images'].iloc[0]:,} test images"] if len(table) else []
    repeats = [f"mean and quartiles of {table['repeats'].max()} choices"] if "low" in table and len(table) else []
    layout = base_layout(lines, [*images, *repeats], colours, height=height)
    layout["xaxis"] = theme.axis(colours) | {"title": theme.axis_title(TITLES[x]), "uirevision": x}
    if x in FALLING:
        layout["xaxis"] |= {"autorange": "reversed"}
    top = max(100 * float(table["high" if "low" in table else "error"].max()), 10.0) if len(table) else 100.0
    layout["yaxis"] = y_axis("error (%)", colours, (0.0, min(100.0, 10 * np.ceil(top / 10))))
    traces: list[dict[str, Any]] = []
    for line in lines:
        places = line.rows[x].to_numpy(float)
        if "low" in table:
            low, high = (100 * line.rows[edge].to_numpy(float) for edge in ("low", "high"))
            traces.append(band(line, places, low, high, colours))
        traces.append(_line(line, places, TITLES[x], colours))
    return go.Figure({"data": named_once(traces), "layout": layout})


def _line(line: NetworkLine, places: Any, title: str, colours: theme.Palette) -> dict[str, Any]:
    return line.style(colours) | {
        "mode": "lines+markers",
        "cliponaxis": False,
        "uid": f"{line.uid}-line",
        "x": places.astype(np.float32),
        "y": (100 * line.rows["error"]).to_numpy(np.float32),
        "marker": {"size": MARKER, "symbol": theme.MARKERS[line.kind][0]},
        "hovertemplate": f"{line.title}<br>{title.partition(' (')[0]} %{{x:.3~g}}<br>error %{{y:.1f}} %<extra></extra>",
    }
