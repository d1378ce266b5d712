"""The worker process: trains the runs of one experiment in lockstep, whoever watches.

Started by `training.launch` as `python -m explorer.training.worker EXPERIMENT`; needs no server and no terminal.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

import psutil

from explorer import progress
from explorer.errors import ExplorerError, StorageError, is_disk_full, is_out_of_memory, one_line, reason_in
from explorer.files import appending
from explorer.runs.control import requested, withdraw
from explorer.runs.experiments import experiment
from explorer.runs.facts import WorkerProcess
from explorer.runs.heartbeat import Heartbeat
from explorer.runs.reserve import Reserve
from explorer.runs.store import REASON, Run, run_lock, update_run
from explorer.runs.tidying import tidy
from explorer.training import launch

if TYPE_CHECKING:
    from explorer.training.session import Session

NO_MEMORY_TO_START = (
    "Out of memory at the start: close other programs or raise the limit of memory (ulimit -v), then resume."
)
LOCK_SECONDS = 10.0  # a page that looks whether the run is alive holds its lock for a moment


def main(experiment_id: str) -> int:
    """Train what is queued of an experiment, then start the next in the queue; 1 where an error ended a run."""
    terminated = _Terminated()
    tidy()
    runs = [run for run in experiment(experiment_id).runs if run.state in ("queued", "starting")]
    with ExitStack() as held:
        places = {}
        for run in runs:
            try:
                places[run.id] = held.enter_context(closing(_Place(run)))
            except StorageError as error:  # something stands in the place of its lock: the others train without it
                with suppress(ExplorerError):
                    update_run(run.id, state="paused", reason=str(error), worker=None)
        runs = [run for run in runs if run.id in places]
        heartbeat = held.enter_context(closing(Heartbeat(run.path for run in runs)))
        try:
            for run in runs:
                update_run(run.id, worker=WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time()))
            with progress.listening(lambda fraction: heartbeat.beat()):
                ended_well = _Lockstep(places, terminated).train(runs)
        except Exception as error:
            reason = NO_MEMORY_TO_START if is_out_of_memory(error) else f"{reason_in(error)}."
            for place in places.values():
                place.say(f"{REASON}{reason}")
            raise
    launch.start_next()
    return 0 if ended_well else 1


class _Place:
    """What a worker holds of a run: the lock of its folder, its log, and room on the disk for its last facts."""

    def __init__(self, run: Run) -> None:
        self.lock = run_lock(run.path)
        self.lock.acquire(timeout=LOCK_SECONDS)
        self.reserve = Reserve(run.path)
        self._log: int | None = None
        with (
            suppress(StorageError),
            appending(run.path / "worker.log") as log,
        ):  # open also when the folder no longer is
            self._log = os.dup(log.fileno())
        self.say(f"{_now()} worker {os.getpid()} trains {run.id}")

    def say(self, text: str) -> None:
        """Write into the run's log."""
        with suppress(OSError):  # a full disk
            os.write(sys.stdout.fileno() if self._log is None else self._log, f"{text}\n".encode())

    def close(self) -> None:
        self.reserve.give_back()
        self.lock.release()
        if self._log is not None:
            os.close(self._log)


class _Lockstep:
    """Trains runs in turns; one run's trouble does not end the others, except where it is theirs as well."""

    def __init__(self, places: Mapping[str, _Place], terminated: "_Terminated") -> None:
        self._places = places
        self._terminated = terminated
        self._going: list[Run] = []
        self._sessions: list[Session] = []
        self._ended_well = True

    def train(self, runs: Sequence[Run]) -> bool:
        """Whether no error has ended a run."""
        from explorer.training.session import Session, Shared  # torch: only after the locks are held

        shared = Shared()
        self._going = list(runs)
        for run in runs:
            if run in self._going:
                with self._troubles(run):
                    self._sessions.append(Session(run, shared))
                    progress.report(0)
        while self._sessions:
            session = min(self._sessions, key=lambda each: each.step)  # the first of the least advanced: round robin
            with self._troubles(session.run):
                self._advance(session)
                progress.report(session.step / session.recipe.steps)
        return self._ended_well

    def _advance(self, session: "Session") -> None:
        asked = requested(session.run.path) or ("pause" if self._terminated else None)
        if asked is not None:
            session.leave("paused" if asked == "pause" else "stopped")
            withdraw(session.run.path)
        elif session.advance():
            return
        self._end(session.run)

    @contextmanager
    def _troubles(self, run: Run) -> Iterator[None]:
        """End a run that meets an error; where the disk is full, all runs."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self._ended_well = False
            ended = list(self._going) if is_disk_full(error) else [run]
            for each in ended:
                self._end(each)
            for each in ended:  # only now: what was held back of the disk is for all
                _record_failure(error, each, self._places[each.id])

    def _end(self, run: Run) -> None:
        self._going.remove(run)
        self._places[run.id].reserve.give_back()
        for session in [each for each in self._sessions if each.run is run]:
            session.close()
            self._sessions.remove(session)


def _record_failure(error: Exception, run: Run, place: _Place) -> None:
    """Write down why a run ended early; trouble with the disk only pauses it."""
    reason = _reason(error, run)
    place.say("".join(traceback.format_exception(error)).rstrip())
    try:
        update_run(run.id, state="paused" if isinstance(error, StorageError) else "failed", reason=reason, worker=None)
    except (ExplorerError, OSError) as trouble:
        place.say(f"{run.id}: run.json was not changed: {reason_in(trouble)}.\n{REASON}{one_line(reason)}")
        place.lock.release()  # tells that the run has crashed


def _reason(error: Exception, run: Run) -> str:
    if isinstance(error, ExplorerError):
        return str(error)
    if is_out_of_memory(error) and run.facts is not None:
        size = int(run.facts.recipe["batch_size"])
        remedy = f"try {size // 2} or another image size" if size >= 4 else "try another image size or network"
        return f"Out of memory at batch size {size}: {remedy}."
    return f"{type(error).__name__}: {error}. The log is {run.path / 'worker.log'}."


class _Terminated:
    """True once the system has asked this process to end: then runs pause, as if the user had asked."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def __bool__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


if __name__ == "__main__":
    print(f"{_now()} worker {os.getpid()} starts {sys.argv[1]}", flush=True)
    sys.exit(main(sys.argv[1]))
