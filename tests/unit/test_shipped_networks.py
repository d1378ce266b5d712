"""The networks in checkpoints/ are whole, what their facts say, and small enough to ship."""

import pytest

from explorer.data.catalogue import data_status
from explorer.data.pixels import load_data
from explorer.files import PROJECT
from explorer.runs import store
from explorer.runs.checkpoint_facts import read_checkpoint, snapshot_steps
from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.experiments import list_experiments
from explorer.training.evaluation import evaluate

SHIPPED = PROJECT / "checkpoints"
RUNS = sorted(folder.name for folder in SHIPPED.iterdir() if folder.name.startswith("shipped-"))
WITH_WEIGHTS = [name for name in RUNS if (SHIPPED / name / "checkpoint.safetensors").exists()]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "SHIPPED", SHIPPED)


def test_every_depth_has_its_twin_and_all_share_a_recipe():
    for found in list_experiments():
        kinds = {(run.facts.network.kind, run.facts.network.depth) for run in found.runs}
        depths = {depth for _, depth in kinds}
        assert kinds == {(kind, depth) for kind in ("plain", "residual") for depth in depths}
        assert len({str(run.facts.recipe) for run in found.runs}) == 1
        assert all(run.progress.step == run.steps for run in found.runs)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_are_those_that_the_facts_and_the_readme_name(name):
    facts, _ = read_checkpoint(SHIPPED / name / "checkpoint.safetensors")
    assert store.read_run(name).facts.checkpoint_sha256 == facts.sha256
    assert facts.sha256[:16] in (SHIPPED / "README.md").read_text()


@pytest.mark.parametrize("name", [name for name in WITH_WEIGHTS if "digits" in name])
def test_the_error_is_measured_again(name):
    assert evaluate(load_checkpoint(name), "digits")["error"] == store.read_run(name).progress.test_error


@pytest.mark.slow
@pytest.mark.skipif(not data_status("cifar10").available, reason="CIFAR-10 is not on this machine")
@pytest.mark.parametrize("name", [name for name in WITH_WEIGHTS if "cifar10" in name and name.endswith("20")])
def test_the_error_on_cifar10_is_measured_again(name):
    """Within 10 images of 10,000: the training measured it in bfloat16, this in float32."""
    error = evaluate(load_checkpoint(name), load_data("cifar10"))["error"]
    assert error == pytest.approx(store.read_run(name).progress.test_error, abs=1e-3)


@pytest.mark.parametrize(("data", "depths"), [("cifar10", (20, 56)), ("digits", (20, 56))])
def test_two_depths_have_snapshots_through_training(data, depths):
    with_snapshots = [name for name in RUNS if data in name and len(snapshot_steps(SHIPPED / name)) > 2]
    assert with_snapshots == [f"shipped-{data}-{kind}{depth}" for kind in ("plain", "resnet") for depth in depths]
    for name in with_snapshots:
        load_checkpoint(f"{name}@{snapshot_steps(SHIPPED / name)[0]}")


def test_initial_weights_are_drawn_anew_from_the_seed():
    assert load_checkpoint("shipped-digits-plain20@0").config.name == "plain20"


def test_all_is_below_sixty_megabytes():
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 60e6
