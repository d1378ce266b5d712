"""The worker process: trains the runs of one experiment in lockstep, whoever watches.

Started by `training.launch` as `python -m explorer.training.worker EXPERIMENT`; needs no server and no terminal.
"""

import os
import signal
import sys
import time
import traceback
from contextlib import ExitStack
from types import FrameType

import psutil

from explorer.errors import ExplorerError, StorageError
from explorer.runs.control import requested, withdraw
from explorer.runs.experiments import experiment
from explorer.runs.store import Run, WorkerProcess, run_lock, update_run
from explorer.training import launch

LOCK_SECONDS = 10.0  # a page that looks whether the run is alive holds its lock for a moment


def main(experiment_id: str) -> int:
    """Train what is queued of an experiment, then start the next in the queue; 1 where an error ended a run."""
    runs = [run for run in experiment(experiment_id).runs if run.state in ("queued", "starting")]
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(run_lock(run.path).acquire(timeout=LOCK_SECONDS))
            update_run(run.id, worker=WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time()))
        ended_well = _train_in_lockstep(runs)
    launch.start_next()
    return 0 if ended_well else 1


def _train_in_lockstep(runs: list[Run]) -> bool:
    from explorer.training.session import Session, Shared  # torch: only after the locks are held

    terminated = _Terminated()
    shared = Shared()
    sessions: list[Session] = []
    ended_well = True
    for run in runs:
        try:
            sessions.append(Session(run, shared))
        except Exception as error:  # noqa: BLE001 one run's trouble must not end the others
            _record_failure(error, run)
            ended_well = False
    while sessions:
        session = min(sessions, key=lambda each: each.step)  # the first of the least advanced: round robin
        try:
            asked = "pause" if terminated else requested(session.run.path)
            if asked is not None:
                session.leave("paused" if asked == "pause" else "stopped")
                withdraw(session.run.path)
            elif session.advance():
                continue
        except Exception as error:  # noqa: BLE001
            session.close()
            _record_failure(error, session.run)
            ended_well = False
        sessions.remove(session)
    return ended_well


def _record_failure(error: Exception, run: Run) -> None:
    """Write down why a run ended early; trouble with the disk only pauses it."""
    log = run.path / "worker.log"
    reason = str(error) if isinstance(error, ExplorerError) else f"{type(error).__name__}: {error}. The log is {log}."
    try:
        with log.open("a") as file:
            traceback.print_exception(error, file=file)
        update_run(run.id, state="paused" if isinstance(error, StorageError) else "failed", reason=reason, worker=None)
    except (ExplorerError, OSError):
        traceback.print_exc()  # nothing can be written: the free lock will tell that the run has crashed


class _Terminated:
    """True once the system has asked this process to end: then runs pause, as if the user had asked."""

    def __init__(self) -> None:
        self._asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def __bool__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


if __name__ == "__main__":
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} worker {os.getpid()} starts {sys.argv[1]}", flush=True)
    sys.exit(main(sys.argv[1]))
