"""The one logarithmic scale of the loss that all panels of a landscape share."""

from typing import Any

import numpy as np
import pandas as pd

from explorer.figures import theme
from explorer.figures.axes import decades
from explorer.figures.curve_lines import Floats

MOST_DECADES = 4.0  # above the lowest loss; what is higher has the colour of the end of the scale
LEAST_DECADES = 0.3
LEAST_LOSS = 1e-6  # a loss of zero has no logarithm
LINES = 14  # contour lines, about


def grid_of(rows: pd.DataFrame, column: str = "loss") -> pd.DataFrame:
    """Values by b (rows, ascending) and a (columns); what is infinite or not a number is left out."""
    found: pd.DataFrame = rows.pivot(index="b", columns="a", values=column).astype(float)  # noqa: PD010 no value may be lost
    return found.where(np.isfinite(found))


def logarithms(values: Any) -> Floats:
    """Decimal logarithms of losses; NaN where there is none."""
    found = np.asarray(values, float)
    return np.log10(np.where(np.isfinite(found), np.maximum(found, LEAST_LOSS), np.nan))


def loss_span(losses: Any) -> tuple[float, float]:
    """Ends of the scale, as logarithms."""
    values = logarithms(losses)
    values = values[np.isfinite(values)]
    if not len(values):
        return -1.0, 1.0
    low = float(values.min())
    return low, max(low + LEAST_DECADES, min(float(values.max()), low + MOST_DECADES))


def clipped(losses: Any, span: tuple[float, float]) -> str:
    """What the scale does not show, for the note; empty for nothing."""
    values = np.asarray(losses, float)
    lost = ~np.isfinite(values)
    beyond = (values > 10 ** span[1] * 1.0001) & ~lost
    counts = {"points above the scale": int(beyond.sum()), "blank, without a finite loss": int(lost.sum())}
    return ", ".join(f"{what}: {count}" for what, count in counts.items() if count)


def loss_ticks(span: tuple[float, float]) -> dict[str, Any]:
    """Ticks at losses, on an axis of logarithms."""
    marks = decades(10 ** span[0], 10 ** span[1])
    return {"tickvals": np.log10(marks["tickvals"]).tolist(), "ticktext": marks["ticktext"]}


def colour_axis(span: tuple[float, float], colours: theme.Palette, *, title: str = "loss") -> dict[str, Any]:
    """The colours, and the bar at the right."""
    bar = {
        "title": {"text": title, "side": "right", "font": {"size": theme.TEXT_SIZE + 1}},
        "tickfont": {"size": theme.TEXT_SIZE, "color": colours.muted},
        "thickness": 16,
        "outlinewidth": 0,
    }
    return {
        "colorscale": theme.SEQUENTIAL,
        "cmin": span[0],
        "cmax": span[1],
        "colorbar": bar | loss_ticks(span),
    }


def contour_lines(span: tuple[float, float]) -> dict[str, Any]:
    """Contour lines at equal ratios of the loss."""
    size = next((each for each in (0.05, 0.1, 0.2, 0.25) if (span[1] - span[0]) / each <= LINES), 0.5)
    start = np.ceil(span[0] / size) * size
    return {"coloring": "heatmap", "start": float(start), "end": span[1], "size": size}


def loss_contour(
    rows: pd.DataFrame, span: tuple[float, float], colours: theme.Palette, *, title: str = ""
) -> dict[str, Any]:
    """A contour trace of the losses of a plane, with loss and error on hover below the title."""
    losses, errors = grid_of(rows), grid_of(rows, "error")
    return {
        "type": "contour",
        "x": losses.columns.to_numpy(np.float32),
        "y": losses.index.to_numpy(np.float32),
        "z": logarithms(losses).astype(np.float32),
        "customdata": np.stack([losses.to_numpy(), 100 * errors.to_numpy()], axis=-1).astype(np.float32),
        "contours": contour_lines(span),
        "autocontour": False,
        "line": {"color": colours.page, "width": 0.8},
        "coloraxis": "coloraxis",
        "hoverongaps": False,
        "hovertemplate": f"{title}at %{{x:.2f}}, %{{y:.2f}}: loss %{{customdata[0]:.3~g}}, "
        "error %{customdata[1]:.1f} %<extra></extra>",
    }
