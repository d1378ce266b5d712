"""The worker process, which trains the runs of one experiment in lockstep.

Started by `training.launch` as `python -m explorer.training.worker EXPERIMENT`; independent of server and terminal.
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
LOCK_SECONDS = 10.0  # a page that checks whether the run is alive can hold its lock for a moment


def main(experiment_id: str) -> int:
    """Train the queued runs of an experiment, then start the next in the queue; 1 if an error ended a run."""
    terminated = _Terminated()
    tidy()
    runs = [run for run in experiment(experiment_id).runs if run.state in ("queued", "starting")]
    with ExitStack() as held:
        places = {}
        for run in runs:
            try:
                places[run.id] = held.enter_context(closing(_Resources(run)))
            except StorageError as error:  # such as a link in place of its lock; the others train without it
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
                place.log(f"{REASON}{reason}")
            raise
    launch.start_next()
    return 0 if ended_well else 1


class _Resources:
    """The resources that a worker holds for a run: lock, log, and reserved disk space for its final state."""

    def __init__(self, run: Run) -> None:
        self.lock = run_lock(run.path)
        self.lock.acquire(timeout=LOCK_SECONDS)
        self.reserve = Reserve(run.path)
        self._log: int | None = None
        with suppress(StorageError), appending(run.path / "worker.log") as log:
            self._log = os.dup(log.fileno())  # writable even if the folder no longer is
        self.log(f"{_now()} worker {os.getpid()} trains {run.id}")

    def log(self, text: str) -> None:
        """Write a line to the run's log."""
        with suppress(OSError):  # a full disk
            os.write(sys.stdout.fileno() if self._log is None else self._log, f"{text}\n".encode())

    def close(self) -> None:
        self.reserve.release()
        self.lock.release()
        if self._log is not None:
            os.close(self._log)


class _Lockstep:
    """Trains runs in turns; an error ends its run only, unless the disk is full."""

    def __init__(self, places: Mapping[str, _Resources], terminated: "_Terminated") -> None:
        self._places = places
        self._terminated = terminated
        self._going: list[Run] = []
        self._sessions: list[Session] = []
        self._ended_well = True

    def train(self, runs: Sequence[Run]) -> bool:
        """Train the runs; False if an error ended one."""
        from explorer.training.session import Session, Shared  # imports torch, once the locks are held

        shared = Shared()
        self._going = list(runs)
        for run in runs:
            if run in self._going:
                with self._ending_on_error(run):
                    self._sessions.append(Session(run, shared))
                    progress.report(0)
        while self._sessions:
            session = min(self._sessions, key=lambda each: each.step)  # the first of the least advanced: round robin
            with self._ending_on_error(session.run):
                self._advance(session)
                progress.report(session.step / session.recipe.steps)
        return self._ended_well

    def _advance(self, session: "Session") -> None:
        action = requested(session.run.path) or ("pause" if self._terminated else None)
        if action is not None:
            session.leave("paused" if action == "pause" else "stopped")
            withdraw(session.run.path)
        elif session.advance():
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
                _record_failure(error, each, self._places[each.id])

    def _end(self, run: Run) -> None:
        self._going.remove(run)
        self._places[run.id].reserve.release()
        for session in [each for each in self._sessions if each.run is run]:
            session.close()
            self._sessions.remove(session)


def _record_failure(error: Exception, run: Run, place: _Resources) -> None:
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


class _Terminated:
    """True after SIGTERM: then runs pause, as if the user had requested it."""

    def __init__(self) -> None:
        self._received = False
        signal.signal(signal.SIGTERM, self._receive)

    def __bool__(self) -> bool:
        return self._received

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = True


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


if __name__ == "__main__":
    print(f"{_now()} worker {os.getpid()} starts {sys.argv[1]}", flush=True)
    sys.exit(main(sys.argv[1]))
