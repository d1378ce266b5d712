"""Killed at random moments and resumed, a run ends as if it had never been interrupted."""

import multiprocessing
import os
import random
import time

import pytest
import torch

from explorer.runs.experiments import live_blocks, live_layers, metrics
from explorer.runs.snapshots import read_snapshot
from explorer.runs.store import read_run, run_folder, update_run
from explorer.training.launch import queue
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

STEPS = 300
KILLS = 12
PLAN = Plan(
    networks=("plain8-w2", "resnet8-w2"),
    recipe=Recipe(
        steps=STEPS,
        batch_size=16,
        evaluate_every=40,
        evaluate_images=40,
        augment=True,
        schedule="one_cycle",
        probe_every=20,
    ),
)


def _work(home, experiment_id):
    """What the worker process does, with its state kept so often that a kill can meet any moment of it."""
    os.environ["EXPLORER_HOME"] = home
    from explorer.training import session, worker

    session.LATEST_SECONDS = 0.02
    worker.main(experiment_id)


@pytest.fixture
def workers(home):
    """Start worker processes from one that has imported torch already: a kill costs no seconds of imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["explorer.training.session", "sklearn.datasets"])
    started = []

    def start(experiment_id):
        process = context.Process(target=_work, args=(str(home), experiment_id))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()
        process.close()


def least_step(run_ids):
    return min(read_run(run_id).progress.step for run_id in run_ids)


def final_bits(run_id):
    state = read_snapshot(run_folder(run_id), STEPS)
    momentum = [entry["momentum_buffer"] for entry in state["optimiser"]["state"].values()]
    return [*state["network"].values(), *momentum]


def test_a_run_killed_twelve_times_ends_with_the_bits_of_one_left_alone(workers):
    undisturbed = queue(PLAN)
    left_alone = workers(undisturbed)
    left_alone.join(120)
    assert left_alone.exitcode == 0

    killed = queue(PLAN)  # only now: a worker that ends starts what is queued
    moments = random.Random(0)
    ids = [f"{killed}-{name}-s0" for name in PLAN.networks]
    kills = []
    while len(kills) < KILLS:
        process = workers(killed)
        goal = least_step(ids) + moments.randint(0, 2 * (STEPS // KILLS) - 5)
        while least_step(ids) < min(goal, STEPS - 1) and process.is_alive():
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.join()
        kills.append(least_step(ids))
        for run_id in ids:
            if read_run(run_id).state in ("crashed", "starting"):
                update_run(run_id, state="queued")
    assert len(set(kills)) >= 8, f"the kills met few different moments: {kills}"
    last = workers(killed)
    last.join(120)
    assert last.exitcode == 0

    for name, run_id in zip(PLAN.networks, ids, strict=True):
        expected, found = final_bits(f"{undisturbed}-{name}-s0"), final_bits(run_id)
        assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    columns = ["network", "step", "loss", "batch_error", "learning_rate", "train_error", "test_error"]
    expected = metrics([f"{undisturbed}-{name}-s0" for name in PLAN.networks], points=None)[columns]
    found = metrics(ids, points=None)[columns]
    assert found["step"].tolist() == [*range(STEPS + 1)] * 2
    assert found.equals(expected)
    for live in (live_layers, live_blocks):
        looks = live(ids).drop(columns=["experiment", "run"])
        assert looks["step"].unique().tolist() == list(range(0, STEPS + 1, 20))
        assert looks.equals(
            live([f"{undisturbed}-{name}-s0" for name in PLAN.networks]).drop(columns=["experiment", "run"])
        )


def test_a_kill_is_seen_at_once(workers):
    experiment_id = queue(PLAN)
    process = workers(experiment_id)
    run_id = f"{experiment_id}-plain8-w2-s0"
    while read_run(run_id).progress.step < 5:
        time.sleep(0.01)
    assert read_run(run_id).state == "running"
    process.kill()
    process.join()
    assert read_run(run_id).state == "crashed"
