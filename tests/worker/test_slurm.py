"""Jobs of submitit, whose local and debug executors take the place of SLURM."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from explorer.errors import BadSettings, ExplorerError
from explorer.runs.experiments import experiment
from explorer.runs.facts import Lane, Where
from explorer.runs.metrics import read_metrics
from explorer.runs.store import update_run
from explorer.training.engines import slurm
from explorer.training.launch import pause, queue, resume, start
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

SLURM = Where(engine="slurm")
LONG = Plan(
    networks=("plain8-w2",),
    recipe=Recipe(steps=1000, batch_size=16, learning_rate=0.03, evaluate_every=500, evaluate_images=20),
)
SHORT = LONG.model_copy(update={"recipe": LONG.recipe.model_copy(update={"steps": 20})})


@pytest.fixture(autouse=True)
def submitit(monkeypatch):
    pytest.importorskip("submitit", reason="needs submitit: python -m pip install -r requirements-cluster.txt")
    monkeypatch.setenv("EXPLORER_SLURM", "cluster=local")


@pytest.fixture
def same(home, monkeypatch):
    """Whether an experiment has the weights and the steps that it gets in one thread of this machine."""

    def compare(found, plan):
        with monkeypatch.context() as patch:
            patch.setenv("EXPLORER_HOME", str(home / "local"))
            local = queue(plan)
            for run_id in experiment(local).run_ids:
                update_run(run_id, lane=Lane(number=0, of=1, threads=1))
            subprocess.run([sys.executable, "-m", "explorer.training.worker", local, "0"], check=True)
            expected = results(experiment(local))
        return results(found) == expected

    return compare


def results(found):
    return [(run.facts.checkpoint_sha256, [row[:3] for row in read_metrics(run.path)]) for run in found.runs]


@pytest.mark.parametrize("cluster", ["local", "debug"])
def test_a_job_gives_what_a_worker_gives(home, until, same, monkeypatch, cluster):
    monkeypatch.setenv("EXPLORER_SLURM", f"cluster={cluster} partition=small mem=2GB time=5")
    found = until(start(SHORT, SLURM), "finished")
    assert same(found, SHORT)


def test_a_job_that_is_killed_and_a_coordinator_that_is_killed_lose_nothing(home, until, same):
    experiment_id = start(LONG, SLURM)
    coordinator = until(experiment_id, "running", step=100).runs[0].facts.worker.pid
    os.kill(coordinator, signal.SIGKILL)
    crashed = until(experiment_id, "crashed")
    resume(experiment_id)
    went_on = until(experiment_id, "running", step=crashed.step + 1)
    for process in psutil.process_iter(["cmdline"]):
        if {"explorer.training.tethered", experiment_id} <= set(process.info["cmdline"] or ()):
            process.kill()
    found = until(experiment_id, "finished")
    assert went_on.step >= crashed.step
    assert "training went on elsewhere from step" in found.runs[0].facts.notice
    assert same(found, LONG)


def test_a_run_pauses_and_goes_on(home, until):
    experiment_id = start(LONG, SLURM)
    until(experiment_id, "running", step=20)
    pause(experiment_id)
    paused = until(experiment_id, "paused")
    assert 20 <= paused.step < 1000
    resume(experiment_id)
    until(experiment_id, "finished", step=1000)


@pytest.mark.parametrize(
    ("options", "gpus", "problem"),
    [
        ("partition", 0, "which is not name=value"),
        ("cluster=pbs", 0, "Use one of slurm, local, debug"),
        ("cluster=slurm", 0, "There is no `sbatch` on this machine"),
        ("cluster=local", 0.25, "must be a whole number"),
    ],
)
def test_what_cannot_be_submitted_is_refused_at_the_start(monkeypatch, options, gpus, problem):
    monkeypatch.setenv("EXPLORER_SLURM", options)
    monkeypatch.setenv("PATH", "")
    with pytest.raises((BadSettings, ExplorerError), match=problem):
        slurm.require(Where(engine="slurm", gpus_per_run=gpus))
