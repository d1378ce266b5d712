"""Runs of worker processes, followed from a notebook."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pandas as pd

from explorer.errors import RunError
from explorer.notebook.moments import FAILED, Errors, Moment, RunMoment, named
from explorer.numerals import duration
from explorer.processes import sleep
from explorer.runs.experiments import Experiment, experiment, list_experiments, metrics_of, run_keys
from explorer.runs.facts import RESUMABLE
from explorer.runs.states import state_of_run
from explorer.runs.store import Run, read_run
from explorer.studies.listing import run_errors
from explorer.training import following, launch

SLICE_SECONDS = 0.1  # between two looks whether the reader has interrupted


@dataclass
class Followed:
    """Runs of one or several experiments.

    Attributes:
        run_ids: which, in display order.
        whole: id of the experiment, if it was named as such: an interrupt pauses it. Of single runs only the watching
            ends.
    """

    run_ids: tuple[str, ...]
    whole: str = ""
    _left: bool = False
    _ended: dict[str, Errors] = field(default_factory=dict)

    def moment(self) -> Moment:
        runs = self._runs()
        active = not self._left and any(run.state in ("queued", "starting", "running") for run in runs)
        return Moment(
            runs=tuple(self._run(run) for run in runs),
            active=active,
            running=any(run.state == "running" and run.silent_seconds is None for run in runs),
            sentence=self._sentence(runs),
        )

    def table(self, points: int = 2000) -> pd.DataFrame:
        return metrics_of(self._runs(), points=points)

    def advance(self, seconds: float, stopped: Callable[[], bool]) -> None:
        if any(run.state == "queued" for run in self._runs()):
            launch.start_next()
        for _ in range(max(1, round(seconds / SLICE_SECONDS))):
            if stopped():
                return
            sleep(SLICE_SECONDS)

    def interrupt(self) -> None:
        if self.whole:
            with suppress(KeyboardInterrupt):  # the reader does not wait for the end of the step
                following.paused(self.whole)
        self._left = True

    def go_on(self) -> None:
        if self.whole:
            launch.resume(self.whole)
        self._left = False

    def _runs(self) -> list[Run]:
        return [read_run(run_id) for run_id in self.run_ids]

    def _run(self, run: Run) -> RunMoment:
        keys = run_keys(run)
        return RunMoment(
            run=run.id,
            network=str(keys["network"] or run.id),
            seed=int(keys["seed"]),
            state=state_of_run(run),
            step=run.progress.step,
            steps=run.steps,
            errors=self._errors(run),
            trouble=_trouble(run),
        )

    def _errors(self, run: Run) -> Errors:
        """As all pages state them: at the end of the schedule, from the last tenth of its steps."""
        if not run.steps or run.progress.step < run.steps or run.facts is None:
            return run.progress.train_error, run.progress.test_error
        if run.id not in self._ended:
            self._ended |= run_errors(experiment(run.facts.experiment))
        return self._ended.get(run.id, (run.progress.train_error, run.progress.test_error))

    def _sentence(self, runs: Sequence[Run]) -> str:
        states = {run.state for run in runs}
        on = f"`explorer.resume({self.whole!r})`, then `explorer.watch({self.whole!r})`"
        if self._left and not self.whole:
            return "Training goes on in the background; only the watching has ended. Watch again by running this cell."
        if self._left and states & {"queued", "starting", "running"}:
            return f"Not paused yet: the current step has not ended. It pauses when it can; go on with {on}."
        if "running" in states:
            return f"Training {named([run.facts.network.name for run in runs if run.facts])}."
        if "starting" in states:
            return "Starting: PyTorch is loading, which takes about ten seconds."
        if "queued" in states:
            return "Waiting for the training before it in the queue."
        if states & set(RESUMABLE):
            if not self.whole:
                waiting = [run.facts.experiment for run in runs if run.facts and run.state in RESUMABLE]
                on = " and ".join(f"`explorer.resume({each!r})`" for each in dict.fromkeys(waiting))
            return f"{_ended(states)}. What was trained is kept; go on exactly from there with {on}."
        if "failed" in states:
            return FAILED
        if "damaged" in states:
            return "A run cannot be read, for the reason below. `python -m explorer runs mend ID` restores what it can."
        return "Finished."


def _ended(states: Collection[str]) -> str:
    if "paused" in states:
        return "Paused"
    return "Stopped" if "stopped" in states else "The training process is gone"


def _trouble(run: Run) -> str:
    if run.silent_seconds is not None:
        return f"There has been no sign of it for {duration(run.silent_seconds)}; an interrupt ends it by force."
    return "" if run.state in ("queued", "starting", "running") else run.damage or run.reason


def followed(ids: Sequence[str]) -> Followed:
    """Runs by their own ids, or by those of their experiments.

    Raises:
        RunError: an id is neither.
    """
    if len(ids) == 1 and (found := _experiment(ids[0])):
        return Followed(found.run_ids, whole=found.id)
    run_ids: list[str] = []
    for each in ids:
        found = _experiment(each)
        run_ids += found.run_ids if found else [_run(each)]
    return Followed(tuple(dict.fromkeys(run_ids)))


def _experiment(identity: str) -> Experiment | None:
    return next((found for found in list_experiments() if found.id == identity), None)


def _run(identity: str) -> str:
    try:
        return read_run(identity).id
    except RunError as error:
        raise RunError(
            f"There is no experiment or run {identity!r}. `explorer.experiments()` lists the experiments. ({error})"
        ) from None
