"""Real worker processes: started once, queued, paused, resumed, failing, outliving who started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.errors import DataMissing, RunError
from explorer.runs import trash
from explorer.runs.experiments import experiment, list_experiments, metrics, set_aside
from explorer.runs.facts import ACTIVE, Where
from explorer.runs.store import read_run, update_run
from explorer.training.launch import pause, queue, resume, start, start_next, stop
from explorer.training.lockstep import AHEAD_STEPS
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

LONG = Plan(
    networks=("plain8-w2", "resnet8-w2"),
    recipe=Recipe(steps=3000, batch_size=16, learning_rate=0.03, evaluate_every=1000, evaluate_images=20),
)
SHORT = LONG.model_copy(update={"recipe": LONG.recipe.model_copy(update={"steps": 20})})

START = """
from tests.worker.test_launch import LONG
from explorer.training.launch import start
print(start(LONG), flush=True)
"""


def elsewhere(code, home):
    """Another process that runs `code`, as another tab's server or a shell would."""
    command = [sys.executable, "-c", code]
    environment = os.environ | {"EXPLORER_HOME": str(home), "PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)


def worker_starts(experiment_id):
    return (experiment(experiment_id).runs[0].path / "worker.log").read_text().count(" starts " + experiment_id)


def test_start_in_two_places_trains_once_and_survives_both(home, until):
    places = [elsewhere(START + "import time; time.sleep(60)", home) for _ in range(2)]
    ids = {place.stdout.readline().strip() for place in places}
    assert len(ids) == 1
    (experiment_id,) = ids
    until(experiment_id, "running", step=3)
    for place in places:
        os.killpg(place.pid, signal.SIGKILL)  # as when the server dies
        place.wait()
        place.stdout.close()
    step = experiment(experiment_id).step
    until(experiment_id, "running", step=step + 20)
    assert [each.id for each in list_experiments()] == [experiment_id]
    assert worker_starts(experiment_id) == 1
    with pytest.raises(RunError, match="is running. Stop it first"):
        trash.discard(set_aside(experiment_id))


def test_paused_killed_and_resumed_until_stopped(home, until):
    experiment_id = start(LONG)
    until(experiment_id, "running", step=5)
    pause(experiment_id)
    paused = until(experiment_id, "paused", step=5)
    resume(experiment_id)
    running = until(experiment_id, "running", step=paused.step + 5)
    for run in running.runs:
        os.kill(run.facts.worker.pid, signal.SIGKILL)
    until(experiment_id, "crashed")
    resume(experiment_id)
    until(experiment_id, "running", step=paused.step + 5)
    stop(experiment_id)
    stopped = until(experiment_id, "stopped")
    assert worker_starts(experiment_id) == 3
    for run in stopped.runs:
        steps = metrics([run.id], points=None)["step"].tolist()
        assert steps == list(range(len(steps)))
    with pytest.raises(RunError, match="is stopped. Only a queued or running experiment can be paused"):
        pause(experiment_id)


def test_a_queue_runs_one_experiment_after_the_other_in_lockstep(home, until):
    first = start(LONG, Where(lanes=1))
    second = start(SHORT)
    until(first, "running", step=2)
    assert experiment(second).state == "queued"
    assert start_next() is None
    steps = [run.progress.step for run in experiment(first).runs]
    assert max(steps) - min(steps) <= 1
    stop(first)
    until(second, "finished", step=20)  # started by the worker that ended, nobody asked
    assert experiment(first).state == "stopped"


def test_lanes_train_beside_each_other_and_one_ahead_waits(home, until):
    recipe = LONG.recipe.model_copy(update={"evaluate_every": 5})
    experiment_id = start(Plan(networks=("plain8-w2", "resnet32-w4"), recipe=recipe), Where(lanes=2))
    until(experiment_id, "running", step=2)
    fast, slow = experiment(experiment_id).runs
    assert fast.facts.worker != slow.facts.worker
    assert (fast.facts.lane.of, slow.facts.lane.number) == (2, 1)
    until(experiment_id, "running", step=40)
    for _ in range(20):
        slow, fast = read_run(slow.id), read_run(fast.id)  # the one that is behind first
        assert fast.progress.step - slow.progress.step <= AHEAD_STEPS + 5
        time.sleep(0.05)
    pause(experiment_id)
    until(experiment_id, "paused")


def test_a_dead_lane_is_resumed_beside_the_others(home, until):
    experiment_id = start(LONG, Where(lanes=2))
    until(experiment_id, "running", step=5)
    first, second = experiment(experiment_id).runs
    os.kill(first.facts.worker.pid, signal.SIGKILL)
    while (found := experiment(experiment_id)).runs[0].state != "crashed":
        time.sleep(0.01)
    assert (found.state, found.resumable) == ("running", True)
    before = found.runs[1]
    assert before.facts.worker == second.facts.worker
    while read_run(second.id).progress.step < before.progress.step + 20:
        time.sleep(0.01)
    resume(experiment_id)
    until(experiment_id, "running", step=found.runs[0].progress.step + 5)
    first, other = experiment(experiment_id).runs
    assert other.facts.worker == second.facts.worker
    assert first.facts.lane.number == 2
    stop(experiment_id)
    until(experiment_id, "stopped")


def test_a_run_that_fails_says_why_and_the_others_go_on(home, until):
    experiment_id = queue(SHORT)
    hot = f"{experiment_id}-plain8-w2-s0"
    update_run(hot, recipe=SHORT.recipe.model_dump() | {"learning_rate": 1000, "weight_decay": 100})
    assert start_next() == experiment_id
    ended = until(experiment_id, "failed", step=1)
    while ended.runs[1].state in ACTIVE:
        ended = experiment(experiment_id)
    failed, other = ended.runs
    assert (failed.id, failed.state) == (hot, "failed")
    assert "The loss is not finite" in failed.facts.reason
    assert "Try a lower learning rate" in failed.facts.reason
    assert "TrainingFailed" in (failed.path / "worker.log").read_text()
    assert (other.state, other.progress.step) == ("finished", 20)


def test_without_its_data_nothing_is_made(home, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataMissing, match="choose the built-in digits"):
        start(Plan(networks=("plain8",), data="cifar10"))
    assert list_experiments() == []
