"""Profiles: one measure of all layers of a network, in order of depth, and its line."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from explorer.figures import theme
from explorer.figures.curve_lines import Floats
from explorer.figures.layer_axes import stage_borders
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.network_lines import NetworkLine

DOT = 8  # pixels
POINT = ["layer", "name", "stage", "block", "reference"]  # customdata of a point, which a page gets at a click


def profile(line: NetworkLine, measure: str, shown: LayerMeasure) -> pd.DataFrame:
    """The columns of `POINT`, `value` in the unit of the axis, and `place` from 0 (the stem) to 1 (the classifier)."""
    rows = line.rows.sort_values("layer")
    return rows[POINT[:-1]].assign(
        reference=line.reference,
        value=shown.factor * rows[measure].astype(float),
        place=(rows["layer"] - 1) / max(1, rows["layer"].max() - 1),
    )


def without_classifier(layers: pd.DataFrame) -> pd.DataFrame:
    """Without the classifier, whose responses are scores that no batch norm scales."""
    return layers[(layers["block"] > 0) | (layers["layer"] == 1)]


def all_values(profiles: Sequence[pd.DataFrame], column: str = "value") -> Floats:
    """The values of all networks, with those that cannot be drawn."""
    values: Floats = np.concatenate([each[column].to_numpy(float) for each in profiles] or [np.empty(0)])
    return values


def drawable(layers: pd.DataFrame, *, log: bool) -> pd.Series:
    """Whether an axis can show the value."""
    values = layers["value"]
    shown: pd.Series = np.isfinite(values) & ((values > 0) | (not log))
    return shown


def with_gaps(layers: pd.DataFrame, *, log: bool) -> pd.DataFrame:
    """NaN where an axis cannot show the value, so that the line has a gap."""
    return layers.assign(value=layers["value"].where(drawable(layers, log=log)))


def borders(profiles: Sequence[pd.DataFrame]) -> list[float]:
    """Borders of the stages of the deepest network; those of others are nearly the same."""
    longest = max(profiles, key=len, default=None)
    return [] if longest is None else stage_borders(longest["place"].to_numpy(float), longest)


def profile_trace(
    line: NetworkLine,
    layers: pd.DataFrame,
    shown: LayerMeasure,
    colours: theme.Palette,
    *,
    dotted: pd.Series | None = None,
) -> dict[str, Any]:
    """The line of one network; a point's customdata is `POINT`.

    Args:
        line, layers: a network and its profile, with gaps.
        shown: what the y axis shows.
        colours: of the figure.
        dotted: whether a layer has a dot; a layer between two gaps always has one.
    """
    there = layers["value"].notna().to_numpy()
    dots = there & ~np.append(there[1:], False) & ~np.insert(there[:-1], 0, False)
    if dotted is not None:
        dots |= dotted.to_numpy()
    return line.style(colours) | {
        "mode": "lines+markers" if dots.any() else "lines",
        "x": layers["place"].to_numpy(np.float32),
        "y": layers["value"].to_numpy(np.float32),
        "uid": f"{line.uid}-line",
        "customdata": layers[POINT].to_numpy(),
        "marker": {"size": np.where(dots, DOT, 0), "opacity": 1, "line": {"width": 0}} if dots.any() else None,
        "hovertemplate": f"{line.title}<br>layer %{{customdata[0]}} of {line.depth}, %{{customdata[1]}}"
        f"<br>stage %{{customdata[2]}}, block %{{customdata[3]}}<br>{shown.words} {shown.number}<extra></extra>",
    }
