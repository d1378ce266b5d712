"""The watchdog: enforces requests to pause or stop by killing workers that do not respond.

Started by `training.launch` as `python -m explorer.training.watchdog EXPERIMENT`, in a process of its own, independent
of the page or shell that made the request. A worker with a heartbeat, however long its steps, is not killed.
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
from explorer.processes import lock_is_held, sleep
from explorer.runs import heartbeat
from explorer.runs.control import requested, withdraw
from explorer.runs.experiments import experiment
from explorer.runs.facts import StoredState, WorkerProcess
from explorer.runs.heartbeat import UNKNOWN_SECONDS, last_sign
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import FORCED, Run, is_alive, read_run, update_run
from explorer.training import launch

POLL_SECONDS = 0.25
LONGEST_POLL = 1.0  # that counts at most, so that time of suspension is excluded
TERM_SECONDS = 10.0  # from SIGTERM to SIGKILL


def is_running(experiment_id: str) -> bool:
    """Whether a watchdog of an experiment is running."""
    return lock_is_held(_lock_path(experiment(experiment_id).runs[0])) is True


def watch(experiment_id: str) -> None:
    """Wait until the workers of an experiment have followed a request; kill those that do not respond."""
    found = experiment(experiment_id)
    lock = processes.lock(_lock_path(found.runs[0]))
    try:
        lock.acquire(timeout=processes.CHECK_SECONDS)
    except Timeout:
        return  # another watchdog is running, and sees this request too
    try:
        while True:
            silent, seconds = _wait_for_answers(found.run_ids)
            if silent and not _end(silent, seconds):
                return
            with launch.supervising():  # later requests start another watchdog
                if not _unanswered(found.run_ids):
                    lock.release()
                    break
    finally:
        lock.release()
    launch.start_next()


def _wait() -> float:
    """Wait for one poll; gives the elapsed seconds, without changes of the clock and suspensions of the machine."""
    start = time.monotonic()
    sleep(POLL_SECONDS)
    return min(time.monotonic() - start, LONGEST_POLL)


def _wait_for_answers(run_ids: Sequence[str]) -> tuple[list[Run], float]:
    """Wait for all runs to follow the request; if a worker hangs, those that have not, and the seconds of silence."""
    silent = idle = 0.0
    last, last_work = None, None
    while runs := _unanswered(run_ids):
        signs = [last_sign(run.path) for run in runs]
        now = [(run.id, run.state, run.progress.step, sign) for run, sign in zip(runs, signs, strict=True)]
        work = [_processor_seconds(run) for run in runs]
        silent = silent if now == last else 0.0
        idle = idle if (now, work) == (last, last_work) else 0.0
        last, last_work = now, work
        starting = not all(sign and sign.pause for sign in signs)  # then a worker that uses no processor time hangs
        if silent > max(sign.patience if sign else UNKNOWN_SECONDS for sign in signs):
            return runs, silent
        if starting and idle > heartbeat.PATIENCE_SECONDS:
            return runs, idle
        waited = _wait()
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
    """Kill the workers of `runs` and update these; False if they cannot be killed."""
    for worker in {run.facts.worker for run in runs if run.facts is not None and run.facts.worker is not None}:
        for number, most in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, float("inf"))):
            waited = 0.0
            if not _send(worker, number):
                return False
            while is_alive(worker) and waited < most:
                waited += _wait()
            silent += waited
    waited = 0.0
    while any(read_run(run.id).state in ("starting", "running") for run in runs):
        if waited > TERM_SECONDS:  # longer than a page holds the lock to check it
            _log("the runs are locked by a process that run.json does not name; end it yourself")
            return False
        waited += _wait()
    with launch.supervising():
        for run in runs:
            _update(run.id, silent)
    return True


def _send(worker: WorkerProcess, number: signal.Signals) -> bool:
    """Send a signal to the process group of a worker, if it still lives; False if that is not possible."""
    try:
        if not is_alive(worker):
            return True
        if os.getpgid(worker.pid) != worker.pid:
            _log(f"process {worker.pid} does not lead a group of its own; end it yourself")
            return False
        _log(f"{number.name} to process group {worker.pid}, which does not answer")
        os.killpg(worker.pid, number)
    except ProcessLookupError:
        pass  # it has just ended
    except PermissionError:
        _log(f"process {worker.pid} is another user's: only that user can end it")
        return False
    return True


def _update(run_id: str, seconds: float) -> None:
    run = read_run(run_id)
    action = requested(run.path)
    if run.state != "crashed" or action is None:
        return  # it has followed the request after all
    step = newest_verified_step(run.path)
    state: StoredState = "stopped" if action == "stop" else "paused"
    update_run(
        run_id,
        state=state,
        worker=None,
        reason=f"{FORCED}: the training did not answer for {seconds:.0f} s. "
        + ("Resume starts again." if step is None else f"Resume goes on from step {step}."),
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


def _log(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} watchdog {os.getpid()}: {text}", flush=True)


if __name__ == "__main__":
    watch(sys.argv[1])
