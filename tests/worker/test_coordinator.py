"""Runs that train elsewhere and are mirrored here: real workers in homes of their own take the place of a cluster."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from threading import Event, Thread
from time import sleep

import psutil
import pytest

from explorer.runs.control import request
from explorer.runs.experiments import experiment
from explorer.runs.facts import Where, WorkerProcess
from explorer.runs.metrics import read_live, read_metrics
from explorer.runs.store import read_run, run_lock, update_run
from explorer.training import coordinator
from explorer.training.engines.catalogue import ENGINES
from explorer.training.engines.cluster import PlaceLost
from explorer.training.launch import queue, resume
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.workplace import Workplace

PLAN = Plan(
    networks=("plain8-w2", "resnet8-w2"),
    recipe=Recipe(steps=150, batch_size=16, learning_rate=0.03, evaluate_every=20, evaluate_images=20, probe_every=25),
)
NETWORKS = len(PLAN.networks)
TIMES = (4, 7)  # columns of the metrics that differ from run to run: seconds, images_per_second


class FakeCluster:
    """A cluster of one node; `trouble` is called with a run and what came back from it, before the coordinator.

    The places of runs in `broken` are lost at once.
    """

    def __init__(self, trouble=lambda run_id, new: None):
        self.trouble = trouble
        self.places = []
        self.free = 1
        self.broken = ()

    def left_behind(self, run_id):
        return None

    def place(self, run_id, start):
        kind = BrokenPlace if run_id in self.broken else FakePlace
        self.places.append(kind(self, run_id, start))
        return self.places[-1]

    def close(self):
        pass


class FakePlace:
    def __init__(self, cluster, run_id, start):
        self.node, self.cluster, self.run_id, self.start, self.workplace = "", cluster, run_id, start, None

    def poll(self, seen):
        if self.workplace is None:
            if not self.cluster.free:
                return None
            self.cluster.free -= 1
            self.node = "node7"
            self.workplace = Workplace(self.start())
            return None  # `seen` is of the place before
        new = self.workplace.changes(seen)
        self.cluster.trouble(self.run_id, new)
        return new

    def request(self, action):
        self.workplace.request(action)

    def close(self):
        if self.workplace is not None:
            self.workplace.close()
            self.cluster.free += 1


class BrokenPlace(FakePlace):
    """Is lost before anything trains there."""

    def poll(self, seen):
        self.node = "node7"
        raise PlaceLost("power failure")


@pytest.fixture
def cluster(monkeypatch):
    """The fake cluster, as the engine "fake"."""
    found = FakeCluster()
    row = replace(ENGINES["ray"], connect=lambda where, run_ids: found, require=lambda where: None)
    monkeypatch.setitem(ENGINES, "fake", row)
    monkeypatch.setattr(coordinator, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)  # of this process
    return found


def results(experiment_id):
    """Weights and rows of all runs, without times."""
    return [
        (
            run.facts.checkpoint_sha256,
            [[v for place, v in enumerate(row) if place not in TIMES] for row in read_metrics(run.path)],
            read_live(run.path, "layers", None),
            read_live(run.path, "blocks", None),
        )
        for run in experiment(experiment_id).runs
    ]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The results of the plan on this machine, with the number of threads of a cluster's runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_HOME", str(tmp_path_factory.mktemp("local")))
        experiment_id = queue(PLAN)
        for run_id in experiment(experiment_id).run_ids:
            update_run(run_id, lane=coordinator.ALONE)
        subprocess.run([sys.executable, "-m", "explorer.training.worker", experiment_id, "0"], check=True)
        return results(experiment_id)


def fails_at(step, times):
    """Trouble: the first run's place is lost at a step, so many times."""
    left = [times]

    def trouble(run_id, new):
        if run_id.endswith("plain8-w2-s0") and new.seen.steps["metrics"] >= step and left[0]:
            left[0] -= 1
            raise PlaceLost("power failure")

    return trouble


@pytest.mark.parametrize("losses", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_runs_give_the_same_elsewhere_also_if_a_node_is_lost(home, cluster, local, losses):
    cluster.trouble = fails_at(15, losses)
    experiment_id = queue(PLAN, Where(engine="fake"))
    assert coordinator.main(experiment_id) == 0
    found = experiment(experiment_id)
    assert found.state == "finished"
    assert results(experiment_id) == local
    assert found.runs[0].facts.environment["node"] == "node7"
    assert found.runs[0].facts.where.engine == "fake"
    assert ("Lost node7 (power failure)" in found.runs[0].facts.notice) == bool(losses)
    assert len(cluster.places) == NETWORKS + losses
    assert not list(home.rglob("*.tmp"))
    assert not list(home.rglob("heartbeat"))


def test_a_run_whose_node_is_lost_too_often_has_crashed_and_can_go_on(home, cluster):
    experiment_id = queue(PLAN, Where(engine="fake"))
    cluster.broken = experiment(experiment_id).run_ids[:1]
    assert coordinator.main(experiment_id) == 1
    first, second = experiment(experiment_id).runs
    assert first.state == "crashed"
    assert first.reason == "Its node was lost 4 times, at last node7: power failure."
    assert second.state == "finished"
    assert experiment(experiment_id).resumable


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_goes_on_elsewhere(home, cluster, local):
    told = []

    def trouble(run_id, new):
        if new.seen.steps["metrics"] >= 10 and not told:
            told.append(run_id)
            cluster.places[-NETWORKS].workplace._worker.terminate()

    cluster.trouble = trouble
    experiment_id = queue(PLAN, Where(engine="fake"))
    assert coordinator.main(experiment_id) == 0
    assert results(experiment_id) == local
    assert "it was told to end" in experiment(experiment_id).runs[0].facts.notice


@pytest.mark.slow
@pytest.mark.parametrize("action", ["pause", "stop"])
def test_a_request_reaches_the_run_that_trains_and_the_one_that_waits(home, cluster, local, action, monkeypatch):
    def trouble(run_id, new):
        cluster.trouble = lambda run_id, new: None
        for run in experiment(experiment_id).runs:
            request(run.path, action)

    cluster.trouble = trouble
    experiment_id = queue(PLAN, Where(engine="fake"))
    assert coordinator.main(experiment_id) == 0
    runs = experiment(experiment_id).runs
    assert [run.state for run in runs] == ["paused" if action == "pause" else "stopped"] * NETWORKS
    assert not list(home.rglob("control.json"))
    monkeypatch.setattr("explorer.training.engines.catalogue.begin", lambda *arguments, **facts: None)
    resume(experiment_id)
    assert coordinator.main(experiment_id) == 0
    assert results(experiment_id) == local


def test_what_fails_there_fails_here_with_the_name_of_the_node(home, cluster):
    experiment_id = queue(PLAN, Where(engine="fake"))
    first_id, _ = experiment(experiment_id).run_ids
    update_run(first_id, data_fingerprint="of other images")
    assert coordinator.main(experiment_id) == 1
    first = read_run(first_id)
    assert first.state == "failed"
    assert first.reason.startswith("On node7: ")
    assert "other images" in first.reason
    assert first.facts.worker is None


def test_runs_of_another_coordinator_are_left_alone(home, cluster):
    experiment_id = queue(PLAN, Where(engine="fake"))
    waiting, mine = experiment(experiment_id).runs
    with run_lock(waiting.path):
        update_run(waiting.id, state="starting", worker=WorkerProcess(pid=os.getppid(), started=0.0))
        assert coordinator.main(experiment_id) == 0
        assert [run.state for run in experiment(experiment_id).runs] == ["starting", "finished"]
    assert [place.run_id for place in cluster.places] == [mine.id]


def test_runs_resumed_while_the_one_before_leaves_are_trained(home, cluster):
    experiment_id = queue(PLAN, Where(engine="fake"))
    leaving = experiment(experiment_id).runs[0]
    this = WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time())
    for run_id in experiment(experiment_id).run_ids:
        update_run(run_id, state="starting", worker=this)
    held = Event()

    def leave():
        with run_lock(leaving.path):
            held.set()
            sleep(1)

    before = Thread(target=leave)
    before.start()
    held.wait()
    assert coordinator.main(experiment_id) == 0
    before.join()
    assert [run.state for run in experiment(experiment_id).runs] == ["finished", "finished"]


def test_without_a_cluster_the_runs_say_why(home, cluster, monkeypatch):
    def refuse(where, run_ids):
        raise ConnectionError("nobody there")

    monkeypatch.setitem(ENGINES, "fake", replace(ENGINES["fake"], connect=refuse))
    experiment_id = queue(PLAN, Where(engine="fake"))
    assert coordinator.main(experiment_id) == 1
    assert {run.state for run in experiment(experiment_id).runs} == {"paused"}
    assert "nobody there" in experiment(experiment_id).runs[0].reason
