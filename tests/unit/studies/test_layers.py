"""Networks by reference: the right weights on the right images, one table each, from Python and the shell."""

import json

import pytest
import torch

from explorer import tables
from explorer.analysis.gradients import gradient_profile
from explorer.analysis.responses import response_std
from explorer.cli.main import main
from explorer.cli.named_networks import references
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError, StorageError, UnknownName
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, kept_checkpoints, moments
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.store import checkpoint_folder, read_run
from explorer.studies import layers as inspection


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def test_a_run_has_its_first_its_kept_and_its_last_moment(run, make_run):
    assert moments(read_run(run)) == [0, 5, 10]
    assert moments(read_run(make_run("plain8"))) == []


@pytest.mark.parametrize(("step", "seed"), [("", 10), ("@10", 10), ("@5", 5), ("@0", 0)])
def test_a_moment_has_its_own_weights(run, step, seed):
    expected = build(NetworkConfig(depth=8, width=4, channels=1), seed=seed)
    weight = expected.stem.conv.weight
    weight = weight.half().float() if step == "@5" else weight  # snapshots are in half precision
    assert torch.equal(load_checkpoint(run + step).stem.conv.weight, weight)


def test_a_table_says_which_network_at_which_step(run):
    table = inspection.response_std([run, f"{run}@5", "plain8-w4"], images=20)
    assert list(table.columns) == [*tables.MEASURED_KEYS, *tables.RESPONSES]
    found = table[tables.MEASURED_KEYS].drop_duplicates().values.tolist()
    assert found == [
        [run, "resnet8-w4", "residual", 8, 10],
        [f"{run}@5", "resnet8-w4", "residual", 8, 5],
        ["plain8-w4", "plain8-w4", "plain", 8, 0],
    ]


def test_responses_are_measured_on_test_images_as_the_network_was_trained_to_see_them(run):
    images, _ = next(iter(Batches(load_data("digits"), batch_size=1).test_sample(30)))
    expected = response_std(load_checkpoint(run), images)
    assert list(inspection.response_std([run], images=30)["response_std"]) == list(expected["response_std"])


def test_gradients_are_measured_on_training_images_in_five_batches(run):
    images, labels = next(iter(Batches(load_data("digits"), batch_size=1).train_sample(50)))
    expected = gradient_profile(load_checkpoint(run), images, labels, batch_size=10)
    assert list(inspection.gradient_profile([run], images=50)["gradient_norm"]) == list(expected["gradient_norm"])


def test_an_untrained_network_gets_the_channels_of_the_images(run):
    assert inspection.residual_ledger(["resnet8-w4"], images=10)["step"].eq(0).all()
    (subject,) = inspection.sampled(["plain8-w4"], data="digits", images=10)
    assert subject.images.shape == (10, 1, 8, 8)


def test_a_histogram_leaves_out_networks_without_that_layer():
    table = inspection.response_histogram(["plain8-w4", "plain14-w4"], 12, images=10)
    assert set(table["network"]) == {"plain14-w4"}
    with pytest.raises(BadSettings, match="deeper than any"):
        inspection.response_histogram(["plain8-w4"], 12, images=10)


def test_untrained_studies_take_names():
    assert set(inspection.xray(["plain8-w4"], images=8)["variant"]) == {"batch norm", "no batch norm"}
    found = inspection.gradient_autocorrelation(["plain8-w4", "resnet8-w4"], lines=2, points=8)
    assert list(found.columns) == tables.SHATTERING
    assert list(found["network"].unique()) == ["plain8-w4", "resnet8-w4"]


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (BadSettings, lambda run: inspection.response_std([]), "Name at least one network"),
        (BadSettings, lambda run: inspection.response_std(["plain8"], images=1), "`images` (=1) must be between 2"),
        (UnknownName, lambda run: inspection.response_std(["resnet22"]), "nearest are resnet20 and resnet26"),
        (RunError, lambda run: inspection.response_std(["nothing"]), "There is no run 'nothing'"),
        (StorageError, lambda run: inspection.response_std([f"{run}@7"]), "There are those of steps 0, 5, 10."),
    ],
)
def test_what_cannot_be_found_is_told(run, error, call, message):
    with pytest.raises(error) as raised:
        call(run)
    assert message in str(raised.value)


def test_the_shell_prints_json_csv_and_text(run, capsys):
    assert main(["ledger", run, "--images", "10", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["blocks"]
    assert [(row["stage"], row["block"]) for row in rows] == [(1, 1), (2, 1), (3, 1)]
    assert set(rows[0]) == {*tables.MEASURED_KEYS, *tables.LEDGER}
    assert main(["responses", f"{run}@5", "plain8-w4", "--images", "10", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join([*tables.MEASURED_KEYS, *tables.RESPONSES])
    assert len(lines) == 1 + 8 + 8
    assert main(["gradients", "plain8-w4", "--images", "10"]) == 0
    assert "stages.2.0.conv2" in capsys.readouterr().out
    assert main(["xray", "plain8-w4", "--images", "4", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["layers"]) == 16
    assert main(["shattering", "plain8-w4", "--lines", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["distances"][0]["autocorrelation"] == pytest.approx(1.0)


def test_the_shell_takes_experiments_beginnings_and_checkpoints(run, make_run):
    make_run("plain8", experiment="e1")
    checkpoint_folder().mkdir(parents=True)
    facts = CheckpointFacts(network=NetworkConfig(depth=8, shortcut="none"))
    save_checkpoint(build("plain8"), checkpoint_folder() / "mine.safetensors", facts)
    assert list(kept_checkpoints()) == ["mine"]
    assert references(["e1"]) == [run]  # plain8 of the same experiment has no weights
    assert references([f"{run}@5", "e1@5", "mine", "resnet20"]) == [f"{run}@5", "mine", "resnet20"]
    with pytest.raises(RunError, match="has no weights"):
        references(["e1-plain8-s0"])
    assert main(["responses", "nonsense"]) == 1
