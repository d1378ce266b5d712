"""What becomes of a worker that does not do what it was asked; the workers here train nothing."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from explorer import processes
from explorer.runs import heartbeat
from explorer.runs.control import request, requested
from explorer.runs.facts import WorkerProcess
from explorer.runs.snapshots import write_latest
from explorer.runs.store import read_run, run_folder, run_lock, update_run
from explorer.training import launch, watchdog

WORKER = """
import sys, time
from pathlib import Path
from explorer.runs import heartbeat
from explorer.runs.heartbeat import Heartbeat
from explorer.runs.store import run_lock, update_run
from explorer.runs.control import requested, withdraw
heartbeat.BEAT_SECONDS = 0
run_id, folder, heeds_after = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
with run_lock(folder):
    heart = Heartbeat([folder])
    print("ready", flush=True)
    begun = None
    while begun is None or time.monotonic() < begun + heeds_after:
        time.sleep(0.02)
        heart.beat()
        if begun is None and requested(folder):
            begun = time.monotonic()
    update_run(run_id, state="paused", worker=None)
    withdraw(folder)
"""


@pytest.fixture(autouse=True)
def hurry(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(heartbeat, "PATIENCE_SECONDS", 0.9)
    monkeypatch.setattr(watchdog, "TERM_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "POLL_SECONDS", 0.02)


@pytest.fixture
def next_ones(monkeypatch):
    """How often somebody was to start what is next in the queue."""
    calls = []
    monkeypatch.setattr(launch, "start_next", lambda: calls.append(1))
    return calls


@pytest.fixture
def worker(make_run):
    """Starts one for a new run; gives the run's id and the process."""
    started = []

    def start(heeds_after=3600.0, **options):
        run_id = make_run(state="running", steps=20, step=7)
        write_latest(run_folder(run_id), {"step": 5, "optimiser": {}})
        command = [sys.executable, "-c", WORKER, run_id, str(run_folder(run_id)), str(heeds_after)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **{"start_new_session": True} | options)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        update_run(run_id, worker=WorkerProcess(pid=process.pid, started=psutil.Process(process.pid).create_time()))
        time.sleep(0.3)  # some signs of life
        return run_id, process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stop(process):
    os.kill(process.pid, signal.SIGSTOP)
    while not stopped(process):
        time.sleep(0.01)


def stopped(process):
    """Whether a process that was sent SIGSTOP, and nothing else, is still there."""
    return process.poll() is None and psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


@pytest.mark.parametrize(("action", "state"), [("stop", "stopped"), ("pause", "paused")])
def test_one_that_hangs_is_ended_and_the_next_one_starts(action, state, worker, next_ones):
    run_id, process = worker()
    stop(process)
    request(run_folder(run_id), action)
    watchdog.watch("e1")
    assert process.wait(5) == -signal.SIGKILL
    run = read_run(run_id)
    assert (run.state, run.forced) == (state, True)
    assert run.reason.startswith("Stopped by force: the training did not answer for 1 s. Resume goes on from step 5.")
    assert run.facts.worker is None
    assert requested(run.path) is None
    assert next_ones == [1]


def test_one_that_still_gives_signs_of_life_is_left_alone(worker, next_ones):
    run_id, process = worker(heeds_after=1.5)  # much longer than a silence may last
    request(run_folder(run_id), "stop")
    watchdog.watch("e1")
    assert process.wait(5) == 0
    assert (read_run(run_id).state, read_run(run_id).reason) == ("paused", "")


def test_one_that_was_asked_nothing_is_left_alone(worker, next_ones):
    _, process = worker()
    stop(process)
    watchdog.watch("e1")
    assert stopped(process)


@pytest.mark.parametrize("works", [True, False])
def test_one_that_begins_hangs_only_if_it_does_nothing_at_all(works, make_run, monkeypatch):
    run_id = make_run(state="running")
    request(run_folder(run_id), "stop")
    seconds = iter(range(1000))
    monkeypatch.setattr(watchdog, "_processor_seconds", lambda run: next(seconds) if works else 5.0)
    monkeypatch.setattr(watchdog, "_wait", lambda: 0.5)
    with run_lock(run_folder(run_id)):
        (silent,), waited = watchdog._wait_for_answers([run_id])
    assert silent.id == run_id
    assert waited == pytest.approx(120.5 if works else 1.0)


@pytest.mark.parametrize("wrong", ["created at another time", "in the group of another process"])
def test_nothing_but_the_worker_itself_gets_a_signal(wrong, worker, next_ones, monkeypatch):
    another = wrong == "created at another time"
    run_id, process = worker(start_new_session=another)
    stop(process)
    if another:
        worker_facts = read_run(run_id).facts.worker
        update_run(run_id, worker=WorkerProcess(pid=process.pid, started=worker_facts.started - 100))
    request(run_folder(run_id), "stop")
    sent = []
    monkeypatch.setattr(watchdog.os, "killpg", lambda *signal: sent.append(signal))
    assert watchdog._end([read_run(run_id)], 1.0) is False
    assert sent == []
    assert stopped(process)


def test_only_one_watches(worker, next_ones):
    run_id, process = worker()
    stop(process)
    request(run_folder(run_id), "stop")
    with processes.lock(run_folder(run_id) / "watchdog.lock"):
        assert watchdog.is_running("e1")
        watchdog.watch("e1")
    assert read_run(run_id).state == "running"
    assert not watchdog.is_running("e1")


def test_an_hour_of_suspension_is_no_silence(monkeypatch):
    clock = iter([0.0, 3600.0])
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(watchdog, "sleep", lambda seconds: None)
    assert watchdog._wait() == 1.0


def test_one_that_dies_by_itself_has_crashed(worker, next_ones):
    run_id, process = worker()
    request(run_folder(run_id), "stop")
    process.kill()
    process.wait()
    watchdog.watch("e1")
    assert (read_run(run_id).state, read_run(run_id).forced) == ("crashed", False)


@pytest.mark.parametrize("state", ["finished", "failed", "paused"])
def test_one_that_ended_in_the_last_moment_stays_as_it_ended(state, make_run):
    run_id = make_run(state=state, reason="its own")
    request(run_folder(run_id), "stop")
    watchdog._update(run_id, 10.0)
    assert (read_run(run_id).state, read_run(run_id).reason) == (state, "its own")
