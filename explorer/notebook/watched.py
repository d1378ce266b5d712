"""The result of `explorer.watch`."""

from collections.abc import Callable

import pandas as pd

from explorer.figures import Figure
from explorer.notebook.moments import Moment, Trainings, figure
from explorer.notebook.screens import figure_bundle, ipython, moment_html, shell


class Watched:
    """Trainings that were watched, as far as they came.

    In a notebook it shows its figure and the errors of its runs, except below the cell that has just shown them live.

    Attributes:
        table: metrics, `tables.RUN_KEYS` and `tables.METRICS`, as `explorer.metrics` gives them.
        errors: one row per run, `moments.COLUMNS`; at the end of the schedule the errors that all pages state.
        run_ids: of the runs in the table.
        finished: whether all runs have come to the end of their schedules.
        state: of all of them, in words.
    """

    def __init__(self, trainings: Trainings, watch: Callable[..., "Watched"], *, dark: bool) -> None:
        self._trainings, self._watch, self._dark = trainings, watch, dark
        self._moment: Moment = trainings.moment()
        self.table: pd.DataFrame = trainings.table()
        self._cell = getattr(shell(), "execution_count", None)

    @property
    def errors(self) -> pd.DataFrame:
        return self._moment.table()

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run.run for run in self._moment.runs)

    @property
    def finished(self) -> bool:
        return all(run.steps and run.step >= run.steps for run in self._moment.runs)

    @property
    def state(self) -> str:
        return self._moment.sentence

    def figure(self, *, dark: bool | None = None) -> Figure:
        """The curves; `dark` for a dark page, by default as while watching."""
        return figure(self.table, self._moment.runs, dark=self._dark if dark is None else dark)

    def resume(self) -> "Watched":
        """Go on where an interrupt ended it, exactly, and watch again.

        Raises:
            RunError: nothing of it can go on.
        """
        self._trainings.go_on()
        return self._watch(self._trainings, dark=self._dark)

    def __repr__(self) -> str:
        return f"{self.state}\n{self.errors.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return moment_html(self._moment, bar=False)

    def _ipython_display_(self) -> None:
        """The figure and the errors, unless this very cell has just shown them live."""
        here = shell()
        if here is None:
            print(self)
        elif here.execution_count != self._cell:
            ipython().display(ipython().HTML(self._repr_html_()))
            ipython().display(figure_bundle(self._moment, self.figure()), raw=True)
