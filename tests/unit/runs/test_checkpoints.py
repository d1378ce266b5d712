"""Checkpoints: what was saved comes back; what is damaged or missing says so."""

import json
from pathlib import Path

import pytest
import torch

from explorer.errors import RunError, StorageError
from explorer.models.network import build
from explorer.runs.checkpoint_facts import (
    CheckpointFacts,
    checkpoint_facts,
    data_of_untrained,
    facts_and_data,
    moments,
    read_checkpoint,
)
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.snapshots import write_snapshot
from explorer.runs.store import checkpoint_folder, list_runs, read_run, run_folder


@pytest.fixture
def saved(tmp_path):
    network = build("resnet8-w4", seed=5)
    facts = CheckpointFacts(network=network.config, normalisation="pixel")
    return network, tmp_path / "net.safetensors", save_checkpoint(network, tmp_path / "net.safetensors", facts)


def test_weights_come_back_in_evaluation_mode_with_their_normalisation(saved):
    network, path, facts = saved
    loaded = load_checkpoint(path)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), loaded.state_dict().values(), strict=True)
    )
    assert (loaded.training, loaded.normalisation, len(facts.sha256)) == (False, "pixel", 64)


def test_one_flipped_bit_is_seen(saved):
    _, path, _ = saved
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged: its sha256 is not the one in net.json"):
        load_checkpoint(path)


def test_facts_of_another_network_do_not_fit(saved):
    _, path, _ = saved
    facts = json.loads(path.with_suffix(".json").read_text())
    facts["network"]["depth"] = 14
    del facts["facts_sha256"]  # as in files of earlier versions
    path.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(StorageError, match="do not fit resnet14-w4"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"There is no file .*none.json. A checkpoint is"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_run_gives_its_last_snapshot_or_that_of_a_step(make_run):
    run_id = make_run("resnet8", step=10)
    with pytest.raises(RunError, match="has no weights yet"):
        load_checkpoint(run_id)
    for step in (0, 5):
        write_snapshot(run_folder(run_id), {"step": step, "network": build("resnet8", seed=step).state_dict()})
    for name, seed in ((run_id, 5), (f"{run_id}@0", 0)):
        expected = build("resnet8", seed=seed).stem.conv.weight
        assert torch.equal(load_checkpoint(name).stem.conv.weight, expected.half())
    with pytest.raises(StorageError, match=r"no weights of step 3. There are those of steps 0, 5. Snapshots are kept"):
        load_checkpoint(f"{run_id}@3")


def test_of_a_run_without_snapshots_the_first_and_the_last_weights_are_there(saved, make_run):
    network, _, facts = saved
    run_id = make_run("resnet8-w4", seed=1, snapshots=False, state="running")
    with pytest.raises(RunError, match="It keeps only those of its end: let it finish"):
        load_checkpoint(run_id)
    save_checkpoint(network, run_folder(run_id) / "checkpoint.safetensors", facts.model_copy(update={"step": 10}))
    assert moments(read_run(run_id)) == [0, 10]
    assert torch.equal(load_checkpoint(f"{run_id}@0").stem.conv.weight, build("resnet8-w4", seed=1).stem.conv.weight)
    assert torch.equal(load_checkpoint(f"{run_id}@10").stem.conv.weight, network.stem.conv.weight)
    with pytest.raises(StorageError, match="no weights of step 5. There are those of steps 0, 10. Snapshots are kept"):
        load_checkpoint(f"{run_id}@5")


def test_a_checkpoint_beside_the_runs_is_found_by_its_name_after_them(saved, make_run):
    network, _, facts = saved
    checkpoint_folder().mkdir()
    run_id = make_run("resnet8", step=0)
    for name in ("kept", run_id):
        save_checkpoint(network, checkpoint_folder() / f"{name}.safetensors", facts)
    save_checkpoint(build("resnet8", seed=1), run_folder(run_id) / "checkpoint.safetensors", facts)
    assert torch.equal(load_checkpoint("kept").stem.conv.weight, network.stem.conv.weight)
    assert checkpoint_facts("kept").sha256 == facts.sha256
    with pytest.raises(StorageError, match="do not fit resnet8-w4"):  # that of the run
        load_checkpoint(run_id)
    assert [run.id for run in list_runs()] == [run_id]


def test_facts_are_read_without_the_weights(saved, make_run):
    _, path, facts = saved
    content = path.read_bytes()
    assert read_checkpoint(path) == (facts, content)
    path.write_bytes(b"")
    assert checkpoint_facts(path) == facts
    with pytest.raises(StorageError, match="is damaged: its sha256"):
        read_checkpoint(path)
    run_id = make_run("resnet8", step=10, seed=4)
    of_run = checkpoint_facts(f"{run_id}@5")
    assert (of_run.network.name, of_run.data, of_run.recipe["steps"], of_run.seed) == ("resnet8", "digits", 10, 4)
    assert (of_run.step, of_run.source) == (5, f"a snapshot of the run {run_id}")


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"network": {"depth": 21}}', '{"unknown": 1}'])
def test_damaged_facts_are_named(saved, content):
    _, path, _ = saved
    path.with_suffix(".json").write_text(content)
    for read in (checkpoint_facts, load_checkpoint):
        with pytest.raises(StorageError, match=r"net\.json (is not valid JSON|has no valid facts): "):
            read(path)


def test_facts_that_something_else_changed_are_refused(saved):
    _, path, _ = saved
    beside = path.with_suffix(".json")
    beside.write_text(beside.read_text().replace('"pixel"', '"channel"'))
    for read in (checkpoint_facts, load_checkpoint):
        with pytest.raises(StorageError, match=r"net.json has no valid facts: its checksum is wrong.*Copy both"):
            read(path)


@pytest.mark.parametrize(
    ("trained_on", "given", "expected"),
    [
        ([], "", "digits"),
        ([], "cifar10", "cifar10"),
        (["cifar10", "digits"], "", "cifar10"),
        (["cifar10"], "digits", "digits"),
        ([""], "", "unknown:[3, 10, []]"),
        (["folder:/not/here", "cifar10"], "", "cifar10"),
        (["folder:/not/here"], "", "folder:/not/here"),
    ],
)
def test_one_rule_says_what_untrained_networks_are_shown(tmp_path, trained_on, given, expected):
    network = build("resnet8-w4")
    paths = [str(tmp_path / f"{number}.safetensors") for number in range(len(trained_on))]
    for path, data in zip(paths, trained_on, strict=True):
        save_checkpoint(network, Path(path), CheckpointFacts(network=network.config, data=data))
    assert data_of_untrained([str(tmp_path / "gone.safetensors"), "resnet8", *paths], given) == expected
    if "folder:/not/here" not in trained_on:
        assert facts_and_data(["resnet8", *paths], given)["resnet8"] == (None, expected)
