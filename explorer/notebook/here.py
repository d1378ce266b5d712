"""Trainings in this process, such as a notebook's kernel: advanced in turn, a step of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from math import isnan
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
import pandas as pd

from explorer import tables
from explorer.analysis.verdict import end_errors, last_steps
from explorer.errors import RunError, TrainingFailed
from explorer.models.layers import network_name
from explorer.notebook.moments import FAILED, Errors, Moment, RunMoment, named
from explorer.training.loop import Record, Training

EXPERIMENT = "here"  # in the table: these runs are in no folder

# What was recorded of each training that was watched, for when it is watched again.
_RECORDS: "WeakKeyDictionary[Training, list[Record]]" = WeakKeyDictionary()
# Those that were interrupted inside of a step: some weights are past it, others are not.
_TORN: "WeakSet[Training]" = WeakSet()
TORN = "It was interrupted inside of a step, so it cannot go on exactly. Make a new one with explorer.train(...)."


class Here:
    """Trainings made with `explorer.train`."""

    def __init__(self, trainings: Sequence[Training]) -> None:
        self._trainings = list(dict.fromkeys(trainings))
        self._failures = {each: TORN for each in self._trainings if each in _TORN}
        self._stopped = False
        self._keys = _run_keys(self._trainings)
        for each in self._trainings:
            _RECORDS.setdefault(each, [])

    def moment(self) -> Moment:
        going = self._going()
        active = bool(going) and not self._stopped
        return Moment(
            runs=tuple(map(self._run, self._trainings)),
            active=active,
            running=active,
            sentence=self._sentence(active=active, unfinished=bool(going)),
        )

    def table(self, points: int = 2000) -> pd.DataFrame:
        rows = [
            (*self._keys[each].values(), *astuple(record))
            for each in self._trainings
            for record in _thinned(_RECORDS[each], points)
        ]
        return _table(rows)

    def advance(self, seconds: float, stopped: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and (going := self._going()):
            least = min(each.step for each in going)
            for each in going:
                if stopped():
                    return
                if each.step == least:  # one that went on alone before waits for the others
                    self._step(each)

    def interrupt(self) -> None:
        self._stopped = True

    def go_on(self) -> None:
        if not self._going():
            raise RunError("These trainings have ended, so none can go on. Make new ones with explorer.train(...).")
        self._stopped = False

    def _going(self) -> list[Training]:
        return [
            each
            for each in self._trainings
            if each not in self._failures and (each.step < each.recipe.steps or not each.started)
        ]

    def _step(self, training: Training) -> None:
        try:
            _RECORDS[training].append(next(training))
        except TrainingFailed as error:  # of this network; the others go on
            self._failures[training] = str(error)
        except KeyboardInterrupt:
            _TORN.add(training)
            self._failures[training] = TORN
            raise

    def _run(self, training: Training) -> RunMoment:
        keys, failure = self._keys[training], self._failures.get(training, "")
        ended = training.started and training.step >= training.recipe.steps
        return RunMoment(
            run=str(keys["run"]),
            network=str(keys["network"]),
            seed=int(keys["seed"]),
            state="failed" if failure else "finished" if ended else "stopped" if self._stopped else "training",
            step=training.step,
            steps=training.recipe.steps,
            errors=self._errors(training),
            trouble=failure,
        )

    def _errors(self, training: Training) -> Errors:
        """Of the last evaluation; at the end of the schedule as for all runs, from the last tenth of its steps."""
        records, steps = _RECORDS[training], training.recipe.steps
        if records and records[-1].step == steps:
            end = end_errors(self._ending(training), steps).iloc[0]
            if not isnan(end["train_error"]):
                return float(end["train_error"]), float(end["test_error"])
        last = next((each for each in reversed(records) if each.test_error is not None), None)
        return (last.train_error, last.test_error) if last else (None, None)

    def _ending(self, training: Training) -> pd.DataFrame:
        """The steps that count as the end of the schedule."""
        records = _RECORDS[training][-last_steps(training.recipe.steps) :]
        return _table([(*self._keys[training].values(), *astuple(each)) for each in records])

    def _sentence(self, *, active: bool, unfinished: bool) -> str:
        if active:
            return f"Training {named([str(self._keys[each]['network']) for each in self._trainings])} in this process."
        if unfinished:
            return (
                "Stopped between two steps. What was trained is kept, and `.resume()` of the result goes on exactly "
                "from there (`_.resume()` in the next cell, if the result has no name)."
            )
        if self._failures:
            return FAILED
        return "Finished."


def _table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*tables.RUN_KEYS, *tables.METRICS])
    return table.astype({column: "int64" if column == "step" else "float64" for column in tables.METRICS})


def _run_keys(trainings: Sequence[Training]) -> dict[Training, dict[str, str | int]]:
    """The values of `tables.RUN_KEYS`, with another run for each of two equal trainings."""
    keys: dict[Training, dict[str, str | int]] = {}
    used: set[str] = set()
    for each in trainings:
        config = getattr(each.network, "config", None)
        name, seed = network_name(each.network), each.batches.seed
        run = first = f"{name}-s{seed}"
        while run in used:
            run = f"{first}-{len(used) + 1}"
        used.add(run)
        keys[each] = {
            "experiment": EXPERIMENT,
            "run": run,
            "network": name,
            "kind": getattr(config, "kind", "residual"),
            "depth": getattr(config, "depth", 20),  # the colour of a network that is not ours
            "seed": seed,
        }
    return keys


def _thinned(records: Sequence[Record], points: int) -> list[Record]:
    """About `points` records at even distances, with all evaluations."""
    if len(records) <= points:
        return list(records)
    kept = set(np.linspace(0, len(records) - 1, points).round().astype(int))
    return [each for place, each in enumerate(records) if place in kept or each.test_error is not None]
