"""Real workers that hang, and a real disk that is full."""

import os
import re
import signal
import subprocess
import time

import psutil
import pytest

from explorer.errors import StorageError
from explorer.runs import heartbeat
from explorer.runs.experiments import experiment
from explorer.runs.facts import Where
from explorer.training import watchdog
from explorer.training.launch import resume, start, stop
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

LONG = Plan(
    networks=("plain8-w2", "resnet8-w2"),
    recipe=Recipe(steps=100_000, batch_size=16, learning_rate=0.03, evaluate_every=1000, evaluate_images=20),
)
SHORT = LONG.model_copy(update={"recipe": LONG.recipe.model_copy(update={"steps": 20})})


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_worker_that_hangs_is_ended_the_next_experiment_starts_and_it_can_go_on(lanes, home, until, monkeypatch):
    hanging = start(LONG, Where(lanes=lanes))
    waiting = start(SHORT)
    worker = until(hanging, "running", step=25).runs[0].facts.worker
    os.kill(worker.pid, signal.SIGSTOP)
    monkeypatch.setattr(heartbeat, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "TERM_SECONDS", 0.5)
    stop(hanging)
    watchdog.watch(hanging)  # with less patience than the process that was started for it
    stopped = experiment(hanging)
    assert stopped.state == "stopped"
    for run in stopped.runs[: 3 - lanes]:  # of the lane that hangs
        assert run.forced
        assert re.search("Resume goes on from step [0-9]+0[.]$", run.reason)
    assert all(run.state == "stopped" and not run.forced for run in stopped.runs[3 - lanes :])
    assert not psutil.pid_exists(worker.pid) or psutil.Process(worker.pid).status() == psutil.STATUS_ZOMBIE
    until(waiting, "finished", step=20)
    end = time.monotonic() + 5
    while list(home.rglob("*.tmp")) and time.monotonic() < end:  # a worker releases its reserve after that
        time.sleep(0.05)
    assert not list(home.rglob("*.tmp"))
    resume(hanging)
    until(hanging, "running", step=stopped.step + 1)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A home on a file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4M", "none", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a file system of its own cannot be mounted here: {mounted.stderr.strip()}")
    monkeypatch.setenv("EXPLORER_HOME", str(place))
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_on_a_full_disk_all_runs_pause_and_go_on_when_there_is_room(small_disk, home, until, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(small_disk))
    plan = LONG.model_copy(update={"recipe": LONG.recipe.model_copy(update={"steps": 2000})})
    experiment_id = start(plan, Where(lanes=1))
    until(experiment_id, "running", step=25)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    paused = until(experiment_id, "paused", "crashed", "failed")
    assert [run.state for run in paused.runs] == ["paused", "paused"]
    assert len({run.reason for run in paused.runs}) == 1
    assert "full" in paused.runs[0].reason
    with pytest.raises(StorageError, match="Resuming needs about .* MB are free. Make room"):
        resume(experiment_id)
    assert not list(small_disk.rglob("*.tmp"))
    ballast.unlink()
    resume(experiment_id)
    until(experiment_id, "running", step=paused.step + 1)
    stop(experiment_id)
    until(experiment_id, "stopped")
