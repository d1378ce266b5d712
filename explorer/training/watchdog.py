"""Sees to it that a training that was asked to pause or stop does so: one that does not answer is ended from outside.

Started by `training.launch` as `python -m explorer.training.watchdog EXPERIMENT`, in a process of its own: the page or
shell that asked need not stay. A worker that still gives signs of life, however long its steps are, is left alone.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from filelock import Timeout

from explorer import processes
from explorer.errors import RunError
from explorer.processes import lock_is_held, rest
from explorer.runs import heartbeat
from explorer.runs.control import requested, withdraw
from explorer.runs.experiments import experiment
from explorer.runs.facts import StoredState, WorkerProcess
from explorer.runs.heartbeat import UNKNOWN_SECONDS, last_sign
from explorer.runs.state_files import newest_whole_step
from explorer.runs.store import FORCED, Run, is_alive, read_run, update_run
from explorer.training import launch

LOOK_SECONDS = 0.25
LONGEST_LOOK = 1.0  # what a look counts at most: while the machine is suspended, nobody waits
TERM_SECONDS = 10.0  # from SIGTERM to SIGKILL


def at_work(experiment_id: str) -> bool:
    """Whether a process watches over what an experiment was asked."""
    return lock_is_held(_lock_path(experiment(experiment_id).runs[0])) is True


def watch(experiment_id: str) -> None:
    """Wait until what was asked of an experiment has been done, and do it where it is not."""
    found = experiment(experiment_id)
    lock = processes.lock(_lock_path(found.runs[0]))
    try:
        lock.acquire(timeout=processes.LOOK_SECONDS)
    except Timeout:
        return  # another one works, and sees what is asked now as well
    try:
        while True:
            silent, seconds = _wait_for_answers(found.run_ids)
            if silent and not _end(silent, seconds):
                return
            with launch.supervising():  # who asks from now on starts another one of these
                if not _unanswered(found.run_ids):
                    lock.release()
                    break
    finally:
        lock.release()
    launch.start_next()


def _look() -> float:
    """Wait a moment; gives the seconds that count. No clock that jumps and no sleep of the machine adds to them."""
    begun = time.monotonic()
    rest(LOOK_SECONDS)
    return min(time.monotonic() - begun, LONGEST_LOOK)


def _wait_for_answers(run_ids: Sequence[str]) -> tuple[list[Run], float]:
    """The runs that have not answered and for how long nothing was heard of them; none when all have answered."""
    silent = idle = 0.0
    said, worked = None, None
    while runs := _unanswered(run_ids):
        signs = [last_sign(run.path) for run in runs]
        now = [(run.id, run.state, run.progress.step, sign) for run, sign in zip(runs, signs, strict=True)]
        work = [_processor_seconds(run) for run in runs]
        silent = silent if now == said else 0.0
        idle = idle if (now, work) == (said, worked) else 0.0
        said, worked = now, work
        begins = not all(sign and sign.pause for sign in signs)  # then only one that does nothing at all hangs
        if silent > max(sign.patience if sign else UNKNOWN_SECONDS for sign in signs):
            return runs, silent
        if begins and idle > heartbeat.PATIENCE_SECONDS:
            return runs, idle
        waited = _look()
        silent += waited
        idle += waited
    return [], 0.0


def _processor_seconds(run: Run) -> float:
    worker = run.facts.worker if run.facts else None
    try:
        used = psutil.Process(worker.pid).cpu_times() if worker else None
    except psutil.Error:
        return 0.0
    return used.user + used.system if used else 0.0


def _end(runs: Sequence[Run], silent: float) -> bool:
    """End the workers of `runs` and write down where that leaves these; False where they cannot be ended."""
    for worker in {run.facts.worker for run in runs if run.facts is not None and run.facts.worker is not None}:
        for number, most in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, float("inf"))):
            waited = 0.0
            if not _send(worker, number):
                return False
            while is_alive(worker) and waited < most:
                waited += _look()
            silent += waited
    waited = 0.0
    while any(read_run(run.id).state in ("starting", "running") for run in runs):
        if waited > TERM_SECONDS:  # a page holds the lock for a moment, another process for ever
            _say("the runs are locked by a process that run.json does not name; end it yourself")
            return False
        waited += _look()
    with launch.supervising():
        for run in runs:
            _write_down(run.id, silent)
    return True


def _send(worker: WorkerProcess, number: signal.Signals) -> bool:
    """Send a signal to exactly the process group of a worker, if it still lives; False where that cannot be."""
    try:
        if not is_alive(worker):
            return True
        if os.getpgid(worker.pid) != worker.pid:
            _say(f"process {worker.pid} does not lead a group of its own; end it yourself")
            return False
        _say(f"{number.name} to process group {worker.pid}, which does not answer")
        os.killpg(worker.pid, number)
    except ProcessLookupError:
        pass  # it has just ended
    except PermissionError:
        _say(f"process {worker.pid} is another user's: only that user can end it")
        return False
    return True


def _write_down(run_id: str, seconds: float) -> None:
    run = read_run(run_id)
    asked = requested(run.path)
    if run.state != "crashed" or asked is None:
        return  # it has answered after all
    step = newest_whole_step(run.path)
    state: StoredState = "stopped" if asked == "stop" else "paused"
    update_run(
        run_id,
        state=state,
        worker=None,
        reason=f"{FORCED}: the training did not answer for {seconds:.0f} s. "
        + ("Resume begins anew." if step is None else f"Resume goes on from step {step}."),
    )
    withdraw(run.path)


def _unanswered(run_ids: Sequence[str]) -> list[Run]:
    runs = []
    for run_id in run_ids:
        try:
            run = read_run(run_id)
        except RunError:  # deleted
            continue
        if run.state in ("starting", "running") and requested(run.path) is not None:
            runs.append(run)
    return runs


def _lock_path(run: Run) -> Path:
    return run.path / "watchdog.lock"


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} watchdog {os.getpid()}: {text}", flush=True)


if __name__ == "__main__":
    watch(sys.argv[1])
