"""Killed at random moments and resumed, a run ends as if it had never been interrupted."""

import multiprocessing
import os
import random
import time

import psutil
import pytest
import torch

from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.experiments import live_blocks, live_layers, metrics
from explorer.runs.facts import Lane, WorkerProcess
from explorer.runs.snapshots import read_snapshot
from explorer.runs.store import read_run, run_folder, update_run
from explorer.training.launch import queue
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

STEPS = 300
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


def _work(home, experiment_id, lane):
    """What the worker process does, with its state kept so often that a kill can meet any moment of it."""
    os.environ["EXPLORER_HOME"] = home
    from explorer.training import session, worker

    session.LATEST_SECONDS = 0.02
    worker.main(experiment_id, lane)


@pytest.fixture
def workers(home):
    """Start worker processes from one that has imported torch already: a kill costs no seconds of imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["explorer.training.session", "sklearn.datasets"])
    started = []

    def start(experiment_id, lane=0):
        process = context.Process(target=_work, args=(str(home), experiment_id, lane))
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
    snapshots = [read_snapshot(run_folder(run_id), step)["network"] for step in (1, 20, 200)]
    return [*load_checkpoint(run_id).state_dict().values(), *(each for found in snapshots for each in found.values())]


def begun(run_id, **facts):
    """Mark a run as one that a worker of this test is about to train, so that nobody else starts it."""
    me = WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time())
    update_run(run_id, state="starting", worker=me, **facts)


def kill_at_random(experiment_id, workers, ids, times):
    """Kill one or both lanes, each with one run, at random moments; gives the processes that go on to the end."""
    moments = random.Random(0)
    lanes = [workers(experiment_id, number) for number in range(len(ids))]
    kills = []
    while len(kills) < times:
        goal = least_step(ids) + moments.randint(0, 2 * (STEPS // times) - 5)
        while least_step(ids) < min(goal, STEPS - 1) and any(each.is_alive() for each in lanes):
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.03))
        ended = moments.choice([[0], [1], [0, 1]])
        for number in ended:
            lanes[number].kill()
        kills.append(least_step(ids))
        for number in ended:
            lanes[number].join()
            if read_run(ids[number]).state in ("crashed", "starting"):
                begun(ids[number])
            lanes[number] = workers(experiment_id, number)
    assert len(set(kills)) >= times / 2, f"the kills met few different moments: {kills}"
    return lanes


@pytest.mark.timeout(600)
@pytest.mark.parametrize("times", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_lanes_killed_many_times_end_with_the_bits_of_one_left_alone(workers, times):
    undisturbed = queue(PLAN)
    left_alone = workers(undisturbed)
    left_alone.join(120)
    assert left_alone.exitcode == 0

    killed = queue(PLAN)  # only now: a worker that ends starts what is queued
    before, ids = ([f"{each}-{name}-s0" for name in PLAN.networks] for each in (undisturbed, killed))
    for number, run_id in enumerate(ids):
        begun(run_id, lane=Lane(number=number, of=2, threads=1))
    for process in kill_at_random(killed, workers, ids, times):
        process.join(120)
        assert process.exitcode == 0

    for a, b in zip(before, ids, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(final_bits(a), final_bits(b), strict=True))
    columns = ["network", "step", "loss", "batch_error", "learning_rate", "train_error", "test_error"]
    expected, found = metrics(before, points=None)[columns], metrics(ids, points=None)[columns]
    assert found["step"].tolist() == [*range(STEPS + 1)] * len(ids)
    assert found.equals(expected)
    for live in (live_layers, live_blocks):
        looks = live(ids).drop(columns=["experiment", "run"])
        assert looks["step"].unique().tolist() == list(range(0, STEPS + 1, 20))
        assert looks.equals(live(before).drop(columns=["experiment", "run"]))


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
