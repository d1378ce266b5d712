"""The identity construction from a checkpoint to a checkpoint: the same errors, and training on from them."""

import shutil
from datetime import UTC, datetime

import pytest
import torch

from explorer.errors import BadSettings, RunError
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.experiments import metrics
from explorer.runs.facts import RunFacts
from explorer.runs.snapshots import write_snapshot
from explorer.runs.store import create_run, read_run, run_folder
from explorer.studies import identity as construct
from explorer.training.evaluation import evaluate
from explorer.training.launch import queue
from explorer.training.loop import train
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.session import Session, Shared

RECIPE = Recipe(steps=30, batch_size=32, learning_rate=0.05, schedule="constant", train_images=400, evaluate_images=50)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """plain8-w8 after 30 steps, as a checkpoint, and its last record."""
    training = train("plain8-w8", "digits", RECIPE, seed=3, device="cpu")
    *_, last = training
    path = tmp_path_factory.mktemp("trained") / "small.safetensors"
    facts = CheckpointFacts(network=training.network.config, data="digits", recipe=RECIPE.model_dump(), seed=3)
    save_checkpoint(training.network, path, facts)
    return path, last


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_deeper_network_has_the_errors_of_the_trained_one(trained):
    path, last = trained
    found = construct.identity(path, 20)
    assert (found.network, found.source_network, found.inserted_blocks) == ("plain20-w8", "plain8-w8", 6)
    assert (found.source_train_error, found.source_test_error) == (last.train_error, last.test_error)
    assert (found.train_error, found.test_error) == (last.train_error, last.test_error)
    assert last.train_error < 0.6  # it has learnt something
    assert found.images == 360
    assert found.largest_difference < 1e-4


def test_what_is_saved_is_that_network_and_says_how_it_was_made(trained, home):
    path, last = trained
    found = construct.identity(path, 14)
    assert found.id == "plain14-w8-from-small"
    assert found.path == home / "checkpoints" / "plain14-w8-from-small.safetensors"
    network, source = load_checkpoint(found.id), load_checkpoint(path)
    assert evaluate(network, "digits")["error"] == found.test_error
    images = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        largest = (network(images) - source(images)).abs().max()
    assert 0 < largest < 1e-4  # its batch norms were given statistics, so it is not exact to the bit
    facts = checkpoint_facts(found.id)
    assert facts.source == f"plain8-w8 of {path} with 3 identity blocks inserted"
    assert (facts.network.depth, facts.data, facts.step, facts.test_error) == (14, "digits", None, last.test_error)
    assert facts.recipe == RECIPE.model_dump()


def test_a_construction_can_be_deepened_again_and_written_elsewhere(trained, tmp_path):
    path, _ = trained
    first = construct.identity(path, 14)
    second = construct.identity(first.id, 20, to=tmp_path / "new" / "deep.safetensors")
    assert (second.id, second.path, second.source) == ("deep", tmp_path / "new" / "deep.safetensors", first.id)
    assert second.train_error == first.source_train_error
    assert load_checkpoint(second.path).config.depth == 20


def test_a_snapshot_of_a_run_can_be_deepened(trained):
    path, _ = trained
    facts = RunFacts(
        id="e1-small",
        experiment="e1",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        network=NetworkConfig(depth=8, shortcut="none", width=8, channels=1),
        data="digits",
        recipe=RECIPE.model_dump(),
    )
    create_run(facts)
    write_snapshot(run_folder("e1-small"), {"step": 7, "network": load_checkpoint(path).state_dict()})
    found = construct.identity("e1-small@7", 14)
    assert found.id == "plain14-w8-from-e1-small-7"
    assert found.test_error == trained[1].test_error
    assert load_checkpoint(found.id).config.depth == 14
    (run_folder("e1-small") / "checkpoint.safetensors").write_bytes(path.read_bytes())
    shutil.copy(path.with_suffix(".json"), run_folder("e1-small") / "checkpoint.json")
    assert construct.identity("e1-small", 14).id == "plain14-w8-from-e1-small"
    assert construct.identity(run_folder("e1-small") / "checkpoint.safetensors", 14).id == "plain14-w8-from-e1-small"


def test_refusals_say_what_to_do_and_leave_nothing(trained, tmp_path, home):
    path, _ = trained
    unsaid = tmp_path / "unsaid.safetensors"
    save_checkpoint(load_checkpoint(path), unsaid, CheckpointFacts(network=load_checkpoint(path).config))
    before = path.read_bytes()
    for arguments, options, message in (
        ((path, 8), {}, "`depth` (=8) is not more than that of plain8-w8. Choose 14"),
        ((path, 15), {}, "`depth` (=15) is not 6n+2. The nearest are 14 and 20."),
        (
            (unsaid, 14),
            {},
            "does not say which data set it was trained on. Name one: `data` (`--data`)",
        ),
        ((path, 14), {"to": tmp_path / "net.pt"}, "does not end in .safetensors, as the weights of a checkpoint do."),
        ((path, 14), {"to": path}, "is the checkpoint that the network is made from. Choose another file."),
    ):
        with pytest.raises(BadSettings) as error:
            construct.identity(*arguments, **options)
        assert message in str(error.value)
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        construct.identity("nothing", 14)
    assert not home.exists()
    assert path.read_bytes() == before
    assert construct.identity(unsaid, 14, data="digits").test_error == trained[1].test_error


def test_images_that_the_network_cannot_take_are_refused(tmp_path):
    network = build("plain8-w2")  # three channels
    path = tmp_path / "colour.safetensors"
    save_checkpoint(network, path, CheckpointFacts(network=network.config, data="digits"))
    with pytest.raises(BadSettings, match="takes images of 3 channels; Handwritten digits has 1"):
        construct.identity(path, 14)


def test_training_on_begins_at_the_error_of_the_construction(trained):
    found = construct.identity(trained[0], 14)
    recipe = RECIPE.model_copy(update={"steps": 2, "learning_rate": 0.003, "evaluate_images": 360})
    plan = Plan(networks=("plain14-w8",), recipe=recipe, seeds=(3,), initial=found.id)
    run_id = f"{queue(plan)}-plain14-w8-s3"
    session = Session(read_run(run_id), Shared())
    while session.advance():
        pass
    first, *_ = metrics([run_id], points=None).itertuples()
    assert (first.step, first.test_error) == (0, found.test_error)
    assert checkpoint_facts(run_id).source == f"trained by ResNet Explorer, run {run_id}, on from {found.id}"
