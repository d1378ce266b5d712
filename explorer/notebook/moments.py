"""What is known of trainings at one moment, whoever trains them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from explorer.analysis.verdict import last_steps
from explorer.figures import Figure, race, training_curves
from explorer.numerals import listed

Errors = tuple[float | None, float | None]  # in training and test, as fractions
PANELS = 660  # pixels for the panels of a figure in the output of a cell, on a small screen
HEIGHT = 480  # pixels of a figure, which leaves room for the code above it
MOST_NAMED = 4  # networks in a sentence
FAILED = "A network failed, for the reason below; try a lower learning rate or a warm-up."
COLUMNS = ["network", "seed", "state", "step", "steps", "train_error", "test_error"]


@dataclass(frozen=True, slots=True)
class RunMoment:
    """One run at one moment.

    Attributes:
        run: its id; network: the network's name.
        state: as in `runs.facts.State`, with a remark if one should know more.
        errors: of its last evaluation; at the end of the schedule those that all pages state.
        trouble: why it does not go on; empty if nothing is wrong.
    """

    run: str
    network: str
    seed: int
    state: str
    step: int
    steps: int
    errors: Errors
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Trainings at one moment.

    Attributes:
        active: whether they go on.
        running: whether steps are being made, so that the time left can be told.
        sentence: the state in words, with the next step if they do not go on.
    """

    runs: tuple[RunMoment, ...]
    active: bool
    running: bool
    sentence: str

    @property
    def done(self) -> int:
        """Steps made, summed over the runs."""
        return sum(run.step for run in self.runs)

    @property
    def total(self) -> int:
        """Steps to be made, likewise."""
        return max(1, sum(run.steps for run in self.runs))

    def table(self) -> pd.DataFrame:
        """One row per run: `COLUMNS`; errors are fractions."""
        rows = [(r.network, r.seed, r.state, r.step, r.steps, *r.errors) for r in self.runs]
        return pd.DataFrame(rows, columns=COLUMNS).astype({"train_error": float, "test_error": float})


def named(networks: Iterable[str]) -> str:
    """The names of networks in a sentence, each once."""
    return listed(list(dict.fromkeys(networks)), MOST_NAMED)


class Trainings(Protocol):
    """Trainings that can be watched."""

    def moment(self) -> Moment:
        """Their state now."""

    def table(self, points: int = ...) -> pd.DataFrame:
        """`tables.RUN_KEYS` and `tables.METRICS`, with about `points` rows per run."""

    def advance(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Train or wait for about this time, or until `stopped`."""

    def interrupt(self) -> None:
        """End them so that what was trained is kept; may take as long as a step."""

    def go_on(self) -> None:
        """Continue interrupted ones; raises RunError if none can."""


def figure(table: pd.DataFrame, runs: Sequence[RunMoment], *, dark: bool = False) -> Figure:
    """The race of all runs; of several experiments, their training curves."""
    steps = max((run.steps for run in runs), default=0) or None
    smoothing = last_steps(steps or 0) or 1
    ends = {run.run: (run.errors[0], run.errors[1]) for run in runs if run.step == run.steps}
    known = {name: (train, test) for name, (train, test) in ends.items() if train is not None and test is not None}
    experiments = list(table["experiment"].unique())
    if len(experiments) > 1:
        titles = {name: name for name in experiments}
        return training_curves(
            table, dark=dark, smoothing=smoothing, steps=steps, ends=known, titles=titles, height=HEIGHT
        )
    return race(table, dark=dark, smoothing=smoothing, steps=steps, ends=known, height=HEIGHT, width=PANELS)
