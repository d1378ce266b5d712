"""Lockstep: all runs of an experiment advance together, so that their curves grow together.

Within a lane the least advanced run makes the next step. A lane that is far ahead waits for the others.
"""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import progress
from explorer.errors import ExplorerError, StorageError, is_disk_full, is_out_of_memory, one_line, reason_in
from explorer.processes import lock_is_held, sleep
from explorer.runs.control import requested, withdraw
from explorer.runs.heartbeat import BEAT_SECONDS, Heartbeat, last_sign
from explorer.runs.store import LOCK, REASON, Run, update_run
from explorer.training.recipe import Recipe
from explorer.training.resources import Resources

if TYPE_CHECKING:
    from explorer.training.session import Session

AHEAD_EVALUATIONS = 2  # by which a lane may be ahead of the slowest one
AHEAD_STEPS = 20  # the same at least: heartbeats, which tell the steps, are up to a tenth of a second old


class OtherLanes:
    """The lanes that train other runs of the experiment."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._free_until = -1  # the step up to which none is too far behind
        self._looked = 0.0

    def are_behind(self, step: int, recipe: Recipe) -> bool:
        """Whether a lane at this step has to wait for the others."""
        if step <= self._free_until or not self._folders:
            return False
        if time.monotonic() - self._looked > BEAT_SECONDS / 2:
            slowest = min(self._steps(), default=step)
            self._free_until = slowest + max(AHEAD_EVALUATIONS * recipe.evaluation_interval, AHEAD_STEPS)
            self._looked = time.monotonic()
        return step > self._free_until

    def _steps(self) -> Iterator[int]:
        """The steps of the lanes that live and do not hang."""
        for folder in self._folders:
            sign = last_sign(folder)
            silent = sign is None or time.monotonic() - sign.at > sign.patience
            if sign is not None and not silent and lock_is_held(folder / LOCK):
                yield sign.step


class Lockstep:
    """Trains the runs of a lane in turns; an error ends its run only, unless the disk is full.

    Args:
        places: what the lane holds for its runs, by id.
        heartbeat: of the lane.
        others: folders of the experiment's other runs, which other lanes may train.
        terminated: true once all runs are to be paused.
    """

    def __init__(
        self,
        places: Mapping[str, Resources],
        heartbeat: Heartbeat,
        others: Sequence[Path],
        terminated: Callable[[], bool],
    ) -> None:
        self._places = places
        self._heartbeat = heartbeat
        self._others = OtherLanes(others)
        self._terminated = terminated
        self._going: list[Run] = []
        self._sessions: list[Session] = []
        self._ended_well = True

    def train(self, runs: Sequence[Run]) -> bool:
        """Train the runs; False if an error ended one."""
        from explorer.training.session import Session, Shared  # imports torch, once the locks are held

        shared = Shared(next((run.facts.lane for run in runs if run.facts), None))
        self._going = list(runs)
        for run in runs:
            if run in self._going:
                with self._ending_on_error(run):
                    self._sessions.append(Session(run, shared))
                    progress.report(0)
        while self._sessions:
            session = min(self._sessions, key=lambda each: each.step)  # the first of the least advanced: round robin
            self._heartbeat.step = session.step
            ahead = self._others.are_behind(session.step, session.recipe)
            for each in list(self._sessions) if ahead else [session]:
                with self._ending_on_error(each.run):
                    self._advance(each, waiting=ahead)
            progress.report(session.step / session.recipe.steps)
            if ahead:
                sleep(BEAT_SECONDS)
        return self._ended_well

    def _advance(self, session: "Session", *, waiting: bool) -> None:
        """Make a step unless it has to wait, or follow a request."""
        action = requested(session.run.path) or ("pause" if self._terminated() else None)
        if action is not None:
            session.leave("paused" if action == "pause" else "stopped")
            withdraw(session.run.path)
        elif waiting or session.advance():
            return
        self._end(session.run)

    @contextmanager
    def _ending_on_error(self, run: Run) -> Iterator[None]:
        """End the run after an error; if the disk is full, all runs."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self._ended_well = False
            ended = list(self._going) if is_disk_full(error) else [run]
            for each in ended:
                self._end(each)
            for each in ended:  # after all reserves are released
                record_failure(error, each, self._places[each.id])

    def _end(self, run: Run) -> None:
        self._going.remove(run)
        self._places[run.id].reserve.release()
        for session in [each for each in self._sessions if each.run is run]:
            session.close()
            self._sessions.remove(session)


def record_failure(error: Exception, run: Run, place: Resources) -> None:
    """Store why a run ended early; a storage error only pauses it."""
    reason = _reason(error, run)
    place.log("".join(traceback.format_exception(error)).rstrip())
    try:
        update_run(run.id, state="paused" if isinstance(error, StorageError) else "failed", reason=reason, worker=None)
    except (ExplorerError, OSError) as trouble:
        place.log(f"{run.id}: run.json was not changed: {reason_in(trouble)}.\n{REASON}{one_line(reason)}")
        place.lock.release()  # marks the run as crashed


def _reason(error: Exception, run: Run) -> str:
    if isinstance(error, ExplorerError):
        return str(error)
    if is_out_of_memory(error) and run.facts is not None:
        size = int(run.facts.recipe["batch_size"])
        remedy = f"try {size // 2} or another image size" if size >= 4 else "try another image size or network"
        return f"Out of memory at batch size {size}: {remedy}."
    return f"{type(error).__name__}: {error}. The log is {run.path / 'worker.log'}."
