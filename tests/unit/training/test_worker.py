"""What a worker does when something goes wrong; it runs in this process, on networks that train in no time."""

import os
import signal
import sqlite3

import psutil
import pytest

from explorer.errors import StorageError
from explorer.runs import store
from explorer.runs.control import request, requested
from explorer.runs.experiments import experiment
from explorer.runs.facts import WorkerProcess
from explorer.runs.heartbeat import last_sign
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import read_run, run_folder, update_run
from explorer.training import launch, starting, worker
from explorer.training.loop import Training
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

PLAN = Plan(networks=("plain8-w2", "resnet8-w2"), recipe=Recipe(steps=6, batch_size=16, evaluate_images=20))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(launch, "start_next", lambda: None)
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path / "home"
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def at_step(monkeypatch):
    """Lets something happen before a step of the plain network is made."""

    def during(step, action):
        update = Training._update

        def changed(training, rate):
            if (training.network.config.kind, training.step) == ("plain", step):
                action()
            return update(training, rate)

        monkeypatch.setattr(Training, "_update", changed)

    return during


def trained(plan=PLAN):
    """Its runs after a worker has trained them, the worker's exit code first."""
    experiment_id = launch.queue(plan)
    return worker.main(experiment_id), *experiment(experiment_id).runs


def left_over(home):
    return [path for path in home.rglob("*") if path.name.endswith(".tmp") or path.name == "heartbeat"]


def test_it_says_that_it_lives_and_leaves_nothing_behind(home, at_step):
    signs = []
    at_step(3, lambda: signs.extend(last_sign(folder) for folder in home.glob("*-s0")))
    code, *runs = trained()
    assert (code, [run.state for run in runs]) == (0, ["finished", "finished"])
    assert len(signs) == 2
    assert None not in signs
    assert left_over(home) == []


@pytest.mark.parametrize("moment", ["in the middle", "at the beginning"])
def test_where_the_disk_is_full_all_runs_of_the_experiment_pause_for_that_reason(moment, home, monkeypatch):
    append = MetricsWriter.append

    def full(metrics, row):
        if "plain" in str(metrics.path) and (row[0] == 3 or moment == "at the beginning"):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise StorageError("There is no room.") from error
        append(metrics, row)

    monkeypatch.setattr(MetricsWriter, "append", full)
    code, *runs = trained()
    assert code == 1
    assert [(run.state, run.reason) for run in runs] == [("paused", "There is no room.")] * 2
    assert left_over(home) == []
    monkeypatch.setattr(MetricsWriter, "append", append)
    for run in runs:
        update_run(run.id, state="queued")
    assert worker.main(runs[0].facts.experiment) == 0
    assert [read_run(run.id).state for run in runs] == ["finished", "finished"]


def test_the_facts_find_the_room_that_was_held_back(home, monkeypatch):
    def full(metrics, row):
        raise StorageError("There is no room.") from OSError(28, "No space left on device")

    write = store.write_facts
    monkeypatch.setattr(MetricsWriter, "append", full)
    held = []

    def watched(folder, facts):
        if facts.state == "paused":
            held.extend(home.rglob(".reserve.*"))
        write(folder, facts)

    monkeypatch.setattr(store, "write_facts", watched)
    trained()
    assert held == []


@pytest.mark.parametrize(
    ("error", "batch_size", "reason"),
    [
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried"),
            16,
            "Out of memory at batch size 16: try 8 or another image size.",
        ),
        (MemoryError(), 3, "Out of memory at batch size 3: try another image size or network."),
    ],
)
def test_a_run_that_runs_out_of_memory_says_what_to_try_and_the_others_go_on(error, batch_size, reason, home, at_step):
    def fail():
        raise error

    at_step(2, fail)
    recipe = PLAN.recipe.model_copy(update={"batch_size": batch_size})
    code, failed, other = trained(PLAN.model_copy(update={"recipe": recipe}))
    assert (code, failed.state, failed.reason, other.state) == (1, "failed", reason, "finished")
    assert type(error).__name__ in (failed.path / "worker.log").read_text()
    assert left_over(home) == []


def test_a_run_whose_facts_cannot_be_written_says_why_in_its_log(home, at_step, monkeypatch):
    write = store.write_facts
    seen = []

    def read_only(folder, facts):
        if "plain" in folder.name and facts.state != "running":
            raise StorageError(f"{folder} is read-only for this user.")
        write(folder, facts)
        if facts.state == "finished":
            seen.append(read_run(facts.id.replace("resnet", "plain")).state)

    def fail():
        monkeypatch.setattr(store, "write_facts", read_only)
        raise StorageError("plain8-w2 is read-only for this user: step-0000002.pt could not be written. Make it so.")

    at_step(1, fail)
    code, crashed, other = trained()
    assert (code, crashed.state, other.state) == (1, "crashed", "finished")
    assert seen == ["crashed"]  # not only when the other one has ended as well
    assert crashed.reason == ("plain8-w2 is read-only for this user: step-0000002.pt could not be written. Make it so.")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("PyTorch is broken", "PyTorch is broken."),
        (
            "libtorch_cpu.so: failed to map segment from shared object",
            "Out of memory at the start: close other programs or raise the limit of memory (ulimit -v), then resume.",
        ),
    ],
)
def test_a_worker_that_cannot_even_begin_says_why(error, reason, monkeypatch):
    def broken(lane):
        raise ImportError(error)

    monkeypatch.setattr("explorer.training.session.Shared", broken)
    me = WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time())
    experiment_id = launch.queue(PLAN)
    for run in experiment(experiment_id).runs:
        update_run(run.id, state="starting", worker=me)
    with pytest.raises(ImportError):
        worker.main(experiment_id)
    for run in experiment(experiment_id).runs:
        update_run(run.id, worker=None)
    assert [(run.state, run.reason) for run in experiment(experiment_id).runs] == [("crashed", reason)] * 2


@pytest.mark.parametrize(("asked", "state"), [(None, "paused"), ("stop", "stopped"), ("pause", "paused")])
def test_a_worker_that_the_system_ends_does_what_the_user_asked_first(asked, state, at_step):
    def end():
        os.kill(os.getpid(), signal.SIGTERM)
        if asked:
            for folder in store.home().glob("*-s0"):
                request(folder, asked)

    at_step(2, end)
    code, *runs = trained()
    assert (code, [run.state for run in runs]) == (0, [state, state])
    assert [requested(run.path) for run in runs] == [None, None]


def test_a_log_that_is_a_link_is_not_written_through(home, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    experiment_id = launch.queue(PLAN)
    log = run_folder(f"{experiment_id}-plain8-w2-s0") / "worker.log"
    log.symlink_to(mine)
    worker.main(experiment_id)
    with pytest.raises(StorageError, match="worker.log"):
        starting.spawn("worker", experiment_id, "0", folder=log.parent)
    assert mine.read_text() == "keep"
