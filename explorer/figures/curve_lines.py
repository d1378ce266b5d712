"""Lines of a figure from a table of metrics: column, smoothing, points."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.figures import theme

MOST_LINES = 40  # of single runs in a figure; more are drawn as means over groups
MOST_GROUPS = 24
BAND = (10, 90)  # percent of the runs of a group that are below and above its band

Floats = NDArray[np.float64]
Ends = tuple[float, float]  # training and test error of a run at the end of its schedule
FrameRow = Mapping[Hashable, Any]  # of `DataFrame.to_dict("records")`


@dataclass(frozen=True, slots=True)
class Measure:
    """What the y axis shows.

    Attributes:
        title: of the axis.
        each_step: column drawn as a running mean, bold, and its name; None draws none.
        evaluated: column drawn with a marker at each evaluation, and its name; None draws none.
        percent: the columns are fractions, shown times 100.
        smooth: the running mean may be over more than one step.
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
    """One run in a figure, or the mean of several.

    Attributes:
        network: its name, or that of the group.
        seed: of the run; of a mean, that of the first.
        letter: of the experiment, where there are several; else empty.
        variant: see `theme.variants`.
        runs: how many it is the mean of.
        band: its edges around the `main` line of a mean.
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
    runs: int = 1
    band: tuple[Line, Line] = (NO_LINE, NO_LINE)

    @property
    def name(self) -> str:
        return f"{self.network} {self.letter}".strip()

    @property
    def who(self) -> str:
        """Whose curve it is, for the hover text."""
        return f"mean of {self.runs} runs" if self.runs > 1 else f"seed {self.seed}"

    def colour(self, colours: theme.Palette) -> str:
        """Of its lines and marks."""
        return colours.network(self.depth, self.variant)

    @property
    def main(self) -> Line:
        """The line whose end is labelled."""
        return self.thin if len(self.thin.x) else self.bold


def letters(experiments: Iterable[str]) -> dict[str, str]:
    """A letter for each experiment, in order of appearance; none where there is only one."""
    unique = list(dict.fromkeys(experiments))
    return {name: letter(place) for place, name in enumerate(unique)} if len(unique) > 1 else {}


def letter(place: int) -> str:
    """A, B, ... Z, A1, B1, ..."""
    return ascii_uppercase[place % 26] + (str(place // 26) if place >= 26 else "")


def place(mark: str) -> int:
    """The place of a `letter`; 0 without one."""
    return ascii_uppercase.index(mark[0]) + 26 * int(mark[1:] or 0) if mark else 0


def curves(
    table: pd.DataFrame,
    measure: Measure,
    *,
    x: str,
    smoothing: int,
    positive_x: bool,
    marks: Mapping[str, str],
    ends: Mapping[str, Ends] | None = None,
) -> list[Curve]:
    """One curve per run, plain before residual, then by depth, experiment and seed.

    Args:
        table: `tables.METRICS` after `tables.RUN_KEYS`; without the keys it is taken as one run.
        measure: on the y axis.
        x: column of the x axis, "step" or "seconds".
        smoothing: steps of the running mean.
        positive_x: leave out points at zero, for a logarithmic axis.
        marks: the letter of each experiment.
        ends: of runs at the end of their schedule: the last values of `each_step` and `evaluated`, as fractions.
    """
    names = {x, "step"} | {column[0] for column in (measure.each_step, measure.evaluated) if column is not None}
    columns = {name: table[name].to_numpy(float) for name in names}
    number, _ = pd.factorize(table["run"])
    order = np.lexsort((columns["step"], number))
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    runs = table.iloc[order[starts]][tables.RUN_KEYS].to_dict("records")
    numbers = theme.variants((run["kind"], run["depth"], run["network"]) for run in runs)
    found = []
    for keys, places in zip(runs, np.split(order, starts[1:]), strict=False):
        rows = {name: values[places] for name, values in columns.items()}
        thin = _line(rows, measure.each_step, x, measure, positive_x)
        if measure.smooth:
            thin = thin._replace(value=running_mean(thin.step, thin.value, smoothing))
        bold = _line(rows, measure.evaluated, x, measure, positive_x)
        if ends and keys["run"] in ends:
            thin, bold = (_ending(line, 100 * end) for line, end in zip((thin, bold), ends[keys["run"]], strict=True))
        found.append(
            Curve(
                run=str(keys["run"]),
                network=str(keys["network"]),
                kind=str(keys["kind"]),
                depth=int(keys["depth"]),
                seed=int(keys["seed"]),
                letter=marks.get(str(keys["experiment"]), ""),
                variant=numbers[keys["network"]],
                thin=thin,
                bold=bold,
            )
        )
    return sorted(found, key=lambda curve: (curve.kind, curve.depth, curve.letter, curve.network, curve.seed))


# What the runs of one line have in common where there are too many for single lines, the closest first.
PER_EXPERIMENT = "one network in one experiment"
GROUPINGS: dict[str, Callable[[Curve], str]] = {
    PER_EXPERIMENT: lambda curve: curve.name,
    "one network": lambda curve: curve.network,
    "one kind and depth": lambda curve: f"{curve.kind}, {curve.depth} layers",
    "one kind": lambda curve: f"all {curve.kind}",
}


def grouping(found: Iterable[Curve]) -> str:
    """The closest of `GROUPINGS` with at most `MOST_GROUPS` groups, else the last."""
    found = list(found)
    names = list(GROUPINGS)[0 if any(curve.letter for curve in found) else 1 :]
    return next((name for name in names if len(set(map(GROUPINGS[name], found))) <= MOST_GROUPS), names[-1])


def grouped(found: Sequence[Curve]) -> list[Curve]:
    """The curves themselves, or, where there are more than `MOST_LINES`, the means of their groups with bands."""
    if len(found) <= MOST_LINES:
        return list(found)
    groups: dict[tuple[str, str], list[Curve]] = {}
    common = grouping(found)
    for curve in found:
        groups.setdefault((curve.kind, GROUPINGS[common](curve)), []).append(curve)
    means = []
    for (_, name), members in groups.items():
        first, main = members[0], [curve.main for curve in members]
        means.append(
            replace(
                first,
                run=name,
                network=name if common != PER_EXPERIMENT else first.network,
                letter=first.letter if common == PER_EXPERIMENT else "",
                variant=first.variant if name in (first.name, first.network) else 0,
                thin=mean_line(far([curve.thin for curve in members])),
                bold=mean_line(far([curve.bold for curve in members])),
                runs=len(far(main)),
                band=middle_band(main),
            )
        )
    return means


def group_note(total: int, sizes: Collection[int], common: str) -> str:
    """What lines are where single runs are not drawn.

    Args:
        total: number of runs.
        sizes: number of runs that each line is the mean of.
        common: what they have in common, of `GROUPINGS`.
    """
    runs = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    return (
        f"{total:,} runs; a line: mean of {runs} runs of {common}\u2003band: the middle {BAND[1] - BAND[0]} % of them"
    )


def far(lines: Iterable[Line]) -> list[Line]:
    """The lines that have come as far as half of them, so that one that ended early does not cut off their mean."""
    drawn = [line for line in lines if len(line.step)]
    if not drawn:
        return []
    middle = sorted(line.step[-1] for line in drawn)[len(drawn) // 2]
    return [line for line in drawn if line.step[-1] >= middle]


def middle_band(lines: Sequence[Line]) -> tuple[Line, Line]:
    """The edges of the band that holds the middle of these lines."""
    step, values = _aligned(far(lines))
    if not len(step):
        return NO_LINE, NO_LINE
    low, high = np.percentile(values, BAND, axis=0)
    return Line(step, step, low), Line(step, step, high)


def band_trace(name: str, uid: str, band: tuple[Line, Line], colour: str) -> list[dict[str, Any]]:
    """The area between two lines, shown and hidden with the legend entry `name`; none where they have no points."""
    low, high = band
    if not len(low.x):
        return []
    return [
        {
            "type": "scatter",
            "x": np.concatenate([high.x, low.x[::-1]]).astype(np.float32),
            "y": np.concatenate([high.value, low.value[::-1]]).astype(np.float32),
            "mode": "none",
            "fill": "toself",
            "fillcolor": colour,
            "opacity": 0.18,
            "uid": f"{uid}-band",
            "name": name,
            "legendgroup": name,
            "showlegend": False,
            "hoverinfo": "skip",
        }
    ]


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
    step, values = _aligned(lines)
    return Line(step, step, values.mean(axis=0)) if len(step) else NO_LINE


def _aligned(lines: Sequence[Line]) -> tuple[Floats, Floats]:
    """The common steps of lines, and their values there (lines, steps)."""
    drawn = [line for line in lines if len(line.step)]
    if not drawn:
        return np.empty(0), np.empty((0, 0))
    start, end = max(line.step[0] for line in drawn), min(line.step[-1] for line in drawn)
    step = drawn[0].step[(drawn[0].step >= start) & (drawn[0].step <= end)]
    return step, np.array([np.interp(step, line.step, line.value) for line in drawn])


def thinned(line: Line, points: int) -> Line:
    """At most `points` of its points, evenly spread, with the last one."""
    if len(line.x) <= points:
        return line
    kept = np.linspace(0, len(line.x) - 1, points).round().astype(int)
    return Line(line.x[kept], line.step[kept], line.value[kept])


def _line(
    rows: Mapping[str, Floats], column: tuple[str, str] | None, x: str, measure: Measure, positive_x: bool
) -> Line:
    if column is None:
        return NO_LINE
    value = rows[column[0]] * (100 if measure.percent else 1)
    position = rows[x]
    keep = np.isfinite(value) & np.isfinite(position) & ((position > 0) | (not positive_x))
    return Line(position[keep], rows["step"][keep], value[keep])


def _ending(line: Line, end: float) -> Line:
    """The line with this last value."""
    return line._replace(value=np.append(line.value[:-1], end)) if len(line.value) else line


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
