"""Lines of a figure from a table of metrics: column, smoothing, points."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.figures import theme

Floats = NDArray[np.float64]
FrameRow = Mapping[Hashable, Any]  # of `DataFrame.to_dict("records")`


@dataclass(frozen=True, slots=True)
class Measure:
    """What the y axis shows.

    Attributes:
        title: of the axis.
        each_step: column drawn thin, as a running mean, and its name; None draws none.
        evaluated: column drawn bold, with a marker at each evaluation, and its name; None draws none.
        percent: the columns are fractions, shown times 100.
        smooth: the thin line may be smoothed.
    """

    title: str
    each_step: tuple[str, str] | None = None
    evaluated: tuple[str, str] | None = None
    percent: bool = False
    smooth: bool = True


MEASURES: dict[str, Measure] = {
    "error": Measure("error (%)", ("batch_error", "training error"), ("test_error", "test error"), percent=True),
    "train_error": Measure(
        "training error (%)", None, ("train_error", "training error on a fixed sample"), percent=True
    ),
    "loss": Measure("loss (nats)", ("loss", "training loss")),
    "learning_rate": Measure("learning rate", ("learning_rate", "learning rate"), smooth=False),
    "images_per_second": Measure("images per second", None, ("images_per_second", "training speed")),
}


class Line(NamedTuple):
    """Points in order of `step`; `x` is steps or seconds, `value` is in the unit of the axis."""

    x: Floats
    step: Floats
    value: Floats


NO_LINE = Line(np.empty(0), np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Curve:
    """One run in a figure.

    Attributes:
        letter: of the experiment, where there are several; else empty.
        variant: see `theme.variants`.
    """

    run: str
    network: str
    kind: str
    depth: int
    seed: int
    letter: str
    variant: int
    thin: Line
    bold: Line

    @property
    def name(self) -> str:
        return f"{self.network} {self.letter}".strip()

    def colour(self, colours: theme.Palette) -> str:
        """Of its lines and marks."""
        return colours.network(self.depth, self.variant)

    @property
    def main(self) -> Line:
        """The line whose end is labelled."""
        return self.bold if len(self.bold.x) else self.thin


def letters(experiments: Iterable[str]) -> dict[str, str]:
    """A letter for each experiment, in order of appearance; none where there is only one."""
    unique = list(dict.fromkeys(experiments))
    return {name: letter(place) for place, name in enumerate(unique)} if len(unique) > 1 else {}


def letter(place: int) -> str:
    """A, B, ... Z, A1, B1, ..."""
    return ascii_uppercase[place % 26] + (str(place // 26) if place >= 26 else "")


def curves(
    table: pd.DataFrame,
    measure: Measure,
    *,
    x: str,
    smoothing: int,
    positive_x: bool,
    marks: Mapping[str, str],
) -> list[Curve]:
    """One curve per run, plain before residual, then by depth, experiment and seed.

    Args:
        table: `tables.METRICS` after `tables.RUN_KEYS`; without the keys it is taken as one run.
        measure: on the y axis.
        x: column of the x axis, "step" or "seconds".
        smoothing: steps of the running mean.
        positive_x: leave out points at zero, for a logarithmic axis.
        marks: the letter of each experiment.
    """
    numbers = theme.variants(zip(table["kind"], table["depth"], table["network"], strict=True))
    found = []
    for run, rows in table.groupby("run", sort=False):
        ordered = rows.sort_values("step")
        keys = ordered.iloc[0]
        thin = _line(ordered, measure.each_step, x, measure, positive_x)
        if measure.smooth:
            thin = thin._replace(value=running_mean(thin.step, thin.value, smoothing))
        found.append(
            Curve(
                run=str(run),
                network=str(keys["network"]),
                kind=str(keys["kind"]),
                depth=int(keys["depth"]),
                seed=int(keys["seed"]),
                letter=marks.get(str(keys["experiment"]), ""),
                variant=numbers[keys["network"]],
                thin=thin,
                bold=_line(ordered, measure.evaluated, x, measure, positive_x),
            )
        )
    return sorted(found, key=lambda curve: (curve.kind, curve.depth, curve.letter, curve.network, curve.seed))


def running_mean(step: Floats, value: Floats, window: int) -> Floats:
    """Mean over the last `window` steps at each point; over fewer at the start."""
    total = np.concatenate([[0.0], np.cumsum(value)])
    first = np.searchsorted(step, step - window, side="right")
    last = np.arange(1, len(step) + 1)
    mean: Floats = (total[last] - total[first]) / (last - first)
    return mean


def mean_line(lines: Sequence[Line]) -> Line:
    """The mean of lines at the steps of the first one, as far as all have come.

    Other lines are interpolated there, so that runs thinned differently can be averaged.
    """
    drawn = [line for line in lines if len(line.step)]
    if not drawn:
        return NO_LINE
    start, end = max(line.step[0] for line in drawn), min(line.step[-1] for line in drawn)
    step = drawn[0].step[(drawn[0].step >= start) & (drawn[0].step <= end)]
    value: Floats = np.mean([np.interp(step, line.step, line.value) for line in drawn], axis=0)
    return Line(step, step, value)


def thinned(line: Line, points: int) -> Line:
    """At most `points` of its points, evenly spread, with the last one."""
    if len(line.x) <= points:
        return line
    kept = np.linspace(0, len(line.x) - 1, points).round().astype(int)
    return Line(line.x[kept], line.step[kept], line.value[kept])


def _line(rows: pd.DataFrame, column: tuple[str, str] | None, x: str, measure: Measure, positive_x: bool) -> Line:
    if column is None:
        return NO_LINE
    value = rows[column[0]].to_numpy(float) * (100 if measure.percent else 1)
    position = rows[x].to_numpy(float)
    keep = np.isfinite(value) & np.isfinite(position) & ((position > 0) | (not positive_x))
    return Line(position[keep], rows["step"].to_numpy(float)[keep], value[keep])


def with_keys(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `tables.RUN_KEYS`; records of one training have none."""
    missing: dict[str, str | int] = {
        "experiment": "", "run": "run", "network": "network", "kind": "residual", "depth": 20, "seed": 0
    }  # fmt: skip
    table = table.copy(deep=False)
    for key, value in missing.items():
        if key not in table:
            table[key] = value
    return table
