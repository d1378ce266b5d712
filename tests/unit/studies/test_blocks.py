"""Studies of operated networks: errors are those of the operated networks, and nothing is computed twice."""

import json

import numpy as np
import pytest
import torch

from explorer import progress, tables
from explorer.analysis import lesions
from explorer.cli.main import main
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, Cancelled
from explorer.models.operated import operated
from explorer.models.operations import Operation
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import blocks, commands, operated_predictions


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def run(make_weights):
    return make_weights("resnet20-w4", scale=2.0)


@pytest.fixture
def computed(monkeypatch):
    """The number of images and versions that are computed."""
    found = []

    def counted(network, parts, arrangements, **options):
        def each():
            for part in parts:
                found.append((len(part), len(arrangements)))
                yield part

        return lesions.operated_scores(network, each(), arrangements, **options)

    monkeypatch.setattr(operated_predictions, "operated_scores", counted)
    return found


def error(reference, text, images, snapshots=None):
    """Of an operated network, computed alone, and which images are wrong."""
    sample = Batches(load_data("digits"), batch_size=1).test_sample(images)
    network = operated(load_checkpoint(reference), text, snapshots=snapshots)
    with torch.no_grad():
        scores = network(sample.normalisation(sample.pixels))
    wrong = scores.argmax(1).numpy() != sample.labels
    return wrong.mean(), wrong, sample.labels


def test_lesion_gives_the_error_without_each_block(run):
    table = blocks.lesion([run, "plain8-w4"], data="digits", images=60)
    assert list(table.columns) == tables.LESION
    residual = table[table["network"] == "resnet20-w4"]
    assert residual["index"].tolist() == list(range(1, 10))
    for row in residual.to_dict("records")[::4]:
        alone, wrong, _ = error(run, f"delete:{row['stage']}.{row['block']}", 60)
        whole, before, _ = error(run, "", 60)
        assert (row["error"], row["intact_error"]) == (alone, whole)
        assert row["rise"] == pytest.approx(alone - whole)
        difference = wrong.astype(int) - before
        assert row["standard_error"] == pytest.approx(difference.std() / np.sqrt(60))
    marks = residual[["reshapes", "border"]].astype(int).to_numpy().T.tolist()
    assert marks == [[0, 0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 1, 0, 1, 1, 0, 0]]
    plain = table[table["network"] == "plain8-w4"]
    assert plain["refused"].str.contains("no shortcut").tolist() == [False, True, True]
    assert plain["error"].isna().tolist() == [False, True, True]


def test_errors_by_class(run):
    found = blocks.lesion_classes([run], images=60)
    assert list(found.columns) == tables.LESION_CLASSES
    _, wrong, labels = error(run, "delete:2.2", 60)
    rows = found[(found["stage"] == 2) & (found["block"] == 2)]
    assert rows["error"].tolist() == [wrong[labels == label].mean() for label in range(10)]
    assert rows["images"].sum() == 60


def test_operated_gives_all_images_and_each_class(run):
    text = "delete:2.3,swap:1.2-1.3,repeat:3.2,reinit:2.1@0,reinit:2.2@5,shortcut:1.1@0.5"
    table = blocks.operated([run], text, images=60)
    assert list(table.columns) == tables.OPERATED
    steps = {step: load_checkpoint(f"{run}@{step}").state_dict() for step in (0, 5)}
    alone, wrong, labels = error(run, text, 60, steps.get)
    assert table["error"].tolist() == [alone, *(wrong[labels == label].mean() for label in range(10))]
    assert table["class"].tolist() == ["", *map(str, range(10))]
    assert table["operations"].unique().tolist() == [text]
    same = blocks.operated([run], [Operation("delete", (1, 1))], images=60)
    assert same["error"].iloc[0] == error(run, "delete:1.1", 60)[0]


def test_nothing_is_computed_twice(run, computed):
    blocks.lesion([run], images=40)
    versions = 10
    assert (sum(images for images, _ in computed), {count for _, count in computed}) == (40, {versions})
    computed.clear()
    blocks.lesion([run], images=100)
    assert sum(images for images, _ in computed) == 60
    computed.clear()
    blocks.lesion([run], images=100)
    blocks.operated([run], "delete:2.2", images=100)
    blocks.lesion_classes([run], images=100)
    assert computed == []


def test_a_cancelled_study_keeps_what_it_has(run, computed, monkeypatch):
    monkeypatch.setattr(operated_predictions, "PIXELS", 10 * 64)

    def cancel(fraction):
        raise Cancelled

    with pytest.raises(Cancelled), progress.listening(cancel):
        blocks.lesion([run], images=40)
    computed.clear()
    table = blocks.lesion([run], images=40)
    assert sum(images for images, _ in computed) < 40
    assert table["error"].iloc[4] == error(run, "delete:2.2", 40)[0]


def test_progress_is_reported(run):
    heard = []
    with progress.listening(heard.append):
        blocks.lesion([run, f"{run}@5"], images=40)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert 0.5 in heard


def test_deletions_at_random_and_orders(run):
    table = blocks.random_lesions([run], most=20, repeats=3, images=40)
    assert list(table.columns) == tables.RANDOM_LESIONS
    assert table["deleted"].tolist() == list(range(8))  # of nine blocks, two change the shape
    assert table["error"].iloc[0] == error(run, "", 40)[0]
    everything = ",".join(
        f"delete:{stage}.{block}" for stage in (1, 2, 3) for block in (1, 2, 3) if stage == 1 or block > 1
    )
    assert table["error"].iloc[-1] == error(run, everything, 40)[0]
    assert (table["low"] <= table["high"]).all()
    orders = blocks.shuffle([run], distances=(0, 0.2, 1), repeats=2, images=40)
    assert list(orders.columns) == tables.SHUFFLES
    assert orders["distance"].tolist() == [0.0, pytest.approx(0.2, abs=0.1), 1.0]
    assert orders["error"].iloc[-1] == error(run, "swap:1.1-1.3,swap:2.2-2.3,swap:3.2-3.3", 40)[0]


def test_weaker_shortcuts_of_residual_networks_only(run):
    table = blocks.shortcut_strength([run, "plain8-w4"], alphas=(1, 0.5, 0), data="digits", images=40)
    assert list(table.columns) == tables.SHORTCUT_STRENGTHS
    assert table["error"].tolist() == [error(run, f"shortcut:{alpha}", 40)[0] for alpha in (1, 0.5, 0)]
    with pytest.raises(BadSettings, match="no shortcuts. Add a residual network"):
        blocks.shortcut_strength(["plain8-w4"], images=40)


def test_critical_layers_are_set_back_to_every_moment(run):
    table = blocks.critical([run], images=40)
    assert list(table.columns) == tables.CRITICAL
    assert table["weights"].unique().tolist() == ["seed1", "0", "5"]
    assert table["weights_step"].iloc[1:3].tolist() == [0, 5]
    states = {step: load_checkpoint(f"{run}@{step}").state_dict() for step in (0, 5)}
    for row in table.to_dict("records")[::5]:
        text = f"reinit:{row['stage']}.{row['block']}@{row['weights']}"
        assert row["error"] == error(run, text, 40, states.get)[0]
    assert blocks.critical(["resnet8-w4"], images=40)["weights"].unique().tolist() == ["seed1"]


def test_responses_of_an_operated_network(run):
    table = blocks.operated_responses(run, "delete:2.2", images=40).set_index("name")
    assert table.loc["stages.1.1.conv2", ["response_std", "response_mean"]].isna().all()
    assert table["response_std"].notna().sum() == 18
    intact = blocks.operated_responses(run, "", images=40).set_index("name")
    assert table.loc["stages.1.0.conv2", "response_std"] == intact.loc["stages.1.0.conv2", "response_std"]
    assert table.loc["stages.1.2.conv1", "response_std"] != intact.loc["stages.1.2.conv1", "response_std"]


def test_other_weights_under_a_name_are_measured_again(run, make_weights):
    first = blocks.operated([run], "", images=40)["error"].iloc[0]
    other = blocks.operated([f"{run}@5"], "", images=40)["error"].iloc[0]
    assert (first, other) == (error(run, "", 40)[0], error(f"{run}@5", "", 40)[0])


COMMANDS = {
    "lesion": (blocks.lesion, {}),
    "shuffle": (blocks.shuffle, {"repeats": 2}),
    "shortcut-strength": (blocks.shortcut_strength, {}),
    "critical": (blocks.critical, {"weights": ("0", "seed2")}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_give_what_the_studies_give(name, run, capsys):
    study, options = COMMANDS[name]
    text = commands.command(name, run, data="", images=40, **options)
    assert main([*text.split()[3:], "--json"]) == 0
    (rows,) = json.loads(capsys.readouterr().out).values()
    table = study([run], images=40, **options)
    assert [row["error"] for row in rows] == table["error"].tolist()
    assert main([*text.split()[3:], "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == ",".join(table.columns)
    assert main(text.split()[3:]) == 0
    assert "intact_error" in capsys.readouterr().out


def test_the_command_operate(run, capsys):
    text = commands.command("operate", "delete:1.2,branch:3.3@0.5", run, images=40)
    assert main([*text.split()[3:], "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["errors"]
    assert rows[0]["error"] == error(run, "delete:1.2,branch:3.3@0.5", 40)[0]
    assert main(["operate", "delete:1.9", run]) == 1
    assert "names block 1.9" in capsys.readouterr().err


def test_sizes_grow_to_the_whole():
    assert [progress.sizes(whole) for whole in (40, 100, 1000, 10_000)] == [
        [40], [50, 100], [50, 250, 1000], [50, 250, 1000, 10_000],
    ]  # fmt: skip
