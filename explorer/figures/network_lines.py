"""Lines for the measured networks of a table: one per network and step, with its label and style."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.curve_lines import Floats, letters

WIDTH, EARLIER_WIDTH = 3.0, 1.75
EARLIER_OPACITY = 0.5
BAND_OPACITY = 0.18
RING = 15  # diameter in pixels, around the selected point


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """One network at one step of its training.

    Attributes:
        reference, network, kind, depth, step: see `tables.MEASURED_KEYS`; None for a step that is not known.
        name: the network, with a letter if the table has several runs of it at one step.
        label: the name, with the step if the table has several.
        earlier: the table has a later step too.
        variant: see `theme.variants`.
        rows: of the table, in order of depth.
    """

    reference: str
    network: str
    kind: str
    depth: int
    step: int | None
    name: str
    label: str
    earlier: bool
    variant: int
    rows: pd.DataFrame

    @property
    def uid(self) -> str:
        """Prefix of its trace ids; plotly puts these into CSS selectors, where an @ or a / is an error."""
        return re.sub(r"[^A-Za-z0-9_-]", "-", f"{self.reference}-{self.step}")

    @property
    def title(self) -> str:
        """First line of the hover text."""
        return f"<b>{self.name}</b>, {moment(self.step)}"

    def colour(self, colours: theme.Palette) -> str:
        """Of its lines and marks."""
        return colours.network(self.depth, self.variant)

    def style(self, colours: theme.Palette) -> dict[str, Any]:
        """Common properties of its traces; an earlier step is thinner and lighter."""
        return {
            "type": "scatter",
            "name": self.label,
            "legendgroup": self.label,
            "opacity": EARLIER_OPACITY if self.earlier else 1,
            "line": {
                "color": self.colour(colours),
                "width": EARLIER_WIDTH if self.earlier else WIDTH,
                "dash": theme.DASHES[self.kind],
            },
        }


def network_lines(table: pd.DataFrame) -> list[NetworkLine]:
    """One line per reference and step, plain before residual, then by depth, name and step.

    Args:
        table: begins with `tables.MEASURED_KEYS`; a missing reference is the network's name, a missing step 0.
    """
    table = table if "reference" in table else table.assign(reference=table["network"])
    table = table if "step" in table else table.assign(step=0)
    groups = [rows for _, rows in table.groupby(["reference", "step"], sort=False, dropna=False)]
    found = [(rows, rows.iloc[0], _step(rows["step"].iloc[0])) for rows in groups]
    at_once = Counter((first["network"], step) for _, first, step in found)
    marks = letters(_run(first["reference"]) for _, first, step in found if at_once[first["network"], step] > 1)
    names = [f"{first['network']} {marks.get(_run(first['reference']), '')}".strip() for _, first, _ in found]
    numbers = theme.variants((str(first["kind"]), int(first["depth"]), str(first["network"])) for _, first, _ in found)
    lines = []
    for (rows, first, step), name in zip(found, names, strict=True):
        steps = [each for (_, _, each), other in zip(found, names, strict=True) if other == name]
        line = NetworkLine(
            reference=str(first["reference"]),
            network=str(first["network"]),
            kind=str(first["kind"]),
            depth=int(first["depth"]),
            step=step,
            name=name,
            label=f"{name}, {moment(step)}" if len(steps) > 1 else name,
            earlier=step is not None and any(each is not None and each > step for each in steps),
            variant=numbers[str(first["network"])],
            rows=rows,
        )
        lines.append(line)
    return sorted(lines, key=lambda line: (line.kind, line.depth, line.name, -1 if line.step is None else line.step))


def moment(step: int | None) -> str:
    """ "step 400"."""
    return "step not known" if step is None else f"step {step:,}"


def base_layout(
    lines: Sequence[NetworkLine], facts: Iterable[str], colours: theme.Palette, *, height: int
) -> dict[str, Any]:
    """The layout without axes: legend, margins, and a note below, which is the first annotation.

    Args:
        lines: in all panels; equal labels share a legend entry.
        facts: for the note, between the key of line styles and the key of letters; empty ones are left out.
        colours: of the figure.
        height: in pixels.
    """
    kinds = {line.label: line.kind for line in lines}
    runs = {line.name: _run(line.reference) for line in lines if line.name != line.network}
    note = captions.wrapped(
        text
        for text in (
            theme.dash_words(kinds.values()),
            "pale: an earlier step" if any(line.earlier for line in lines) else "",
            *facts,
            "\u2003".join(f"<b>{name}</b> {in_figure(run)}" for name, run in runs.items()),
        )
        if text
    )
    legend, legend_height = captions.legend_by_kind(kinds.values(), kinds)
    return theme.layout(colours, height=height) | {
        "legend": legend,
        "margin": {"l": 84, "r": 16, "t": 44 + legend_height, "b": 92 + 20 * note.count("<br>")},
        "annotations": [captions.note(note, colours)],
    }


def rings(line: NetworkLine, chosen: pd.DataFrame, colours: theme.Palette) -> list[dict[str, Any]]:
    """A ring around the selected layer or block of a line; no trace where it has none.

    Args:
        chosen: rows with place and value.
    """
    if chosen.empty:
        return []
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": chosen["place"].to_numpy(np.float32),
        "y": chosen["value"].to_numpy(np.float32),
        "uid": f"{line.uid}-ring",
        "name": line.label,
        "legendgroup": line.label,
        "showlegend": False,
        "hoverinfo": "skip",
        "marker": {"symbol": "circle-open", "size": RING, "color": colours.ink, "line": {"width": 2.5}},
    }
    return [trace]


def band(line: NetworkLine, x: Floats, low: Floats, high: Floats, colours: theme.Palette) -> dict[str, Any]:
    """A pale area from `low` to `high`, to be drawn behind the line."""
    return {
        "type": "scatter",
        "mode": "none",
        "x": np.concatenate([x, x[::-1]]).astype(np.float32),
        "y": np.concatenate([high, low[::-1]]).astype(np.float32),
        "fill": "toself",
        "fillcolor": line.colour(colours),
        "opacity": BAND_OPACITY,
        "uid": f"{line.uid}-band",
        "name": line.label,
        "legendgroup": line.label,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def named_once(traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep one legend entry per line over all panels; a click on it hides the line in all of them."""
    named: set[str] = set()
    for trace in traces:
        trace["showlegend"] = trace.get("showlegend", True) and trace["legendgroup"] not in named
        if trace["showlegend"]:
            named.add(trace["legendgroup"])
    return traces


def _step(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _run(reference: str) -> str:
    """ "r3" of "r3" and of "r3@100"."""
    return reference.partition("@")[0]
