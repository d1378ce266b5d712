"""Room on the disk: how much a run will write, what is refused before it starts, where it would go on."""

from types import SimpleNamespace

import pytest

from explorer.errors import StorageError
from explorer.models.catalogue import network_config
from explorer.runs.experiments import experiment, list_experiments
from explorer.runs.reserve import BYTES
from explorer.runs.snapshots import is_snapshot_step
from explorer.runs.store import read_run, run_folder
from explorer.training import launch, room
from explorer.training.devices import threads
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.room import kept_steps, require_room, room_needed
from explorer.training.session import Session, Shared

PLAN = Plan(
    networks=("resnet8",),
    recipe=Recipe(steps=12, batch_size=16, evaluate_images=10, last_images=10, probe_every=0),
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(launch, "_start_next", lambda: None)
    return tmp_path / "home"


@pytest.fixture
def free(monkeypatch):
    """Says how many bytes are free on the disk."""
    return lambda count: monkeypatch.setattr(room.shutil, "disk_usage", lambda path: SimpleNamespace(free=count))


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("step", [None, 5])
def test_the_estimate_is_what_a_run_writes(step):
    run_id = f"{launch.queue(PLAN)}-resnet8-s0"
    snapshots, before = run_folder(run_id) / "snapshots", 0
    with threads(1):
        session = Session(read_run(run_id), Shared())
        while session.advance():
            state = (snapshots / "latest.pt").stat().st_size
            if session.step == step:
                before = sum(path.stat().st_size for path in snapshots.glob("step-*.pt"))
    facts = read_run(run_id).facts
    estimate = room_needed(facts.network, PLAN.recipe, step) - BYTES - 2 * state  # which a finished run has no more
    assert estimate == pytest.approx(size(run_folder(run_id)) - before, rel=0.2)


@pytest.mark.parametrize("steps", [1, 2, 7, 99, 100, 1234])
def test_the_kept_steps_are_those_of_snapshots(steps):
    assert kept_steps(steps) == [step for step in range(1, steps) if is_snapshot_step(step, steps)]


def test_a_training_without_room_is_refused_before_anything_is_made(free, home):
    free(100_000)
    with pytest.raises(
        StorageError, match=r"Training needs about [2-4]\.\d MB in .*home; 0\.1 MB are free\. Make room"
    ):
        launch.start(PLAN)
    assert list_experiments() == []
    free(10**9)
    assert launch.start(PLAN)


def test_resuming_without_room_is_refused_and_changes_nothing(free):
    experiment_id = launch.queue(PLAN)
    launch.pause(experiment_id)
    free(100_000)
    with pytest.raises(StorageError, match="Resuming needs about .* MB are free. Make room, for example by deleting"):
        launch.resume(experiment_id)
    assert experiment(experiment_id).state == "paused"
    free(10**9)
    launch.resume(experiment_id)
    assert experiment(experiment_id).state == "queued"


def test_what_is_about_enough_is_not_refused(free):
    config = network_config("resnet20")
    needed = room_needed(config, PLAN.recipe)
    free(int(0.9 * needed))
    require_room("Training", [(config, PLAN.recipe, None, True)])
