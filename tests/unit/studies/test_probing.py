"""Probes, similarities and paths of networks by reference, from Python and the shell."""

import json

import pytest

from explorer import progress, tables
from explorer.analysis.linear_probes import linear_probes
from explorer.analysis.similarity import linear_cka
from explorer.cli.main import main
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, Cancelled
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import paths, probing, similarity


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def test_probes_are_fitted_to_training_images_and_tested_on_test_images(run):
    found = probing.probing([run, f"{run}@5"], train_images=50, test_images=20)
    batches = Batches(load_data("digits"), batch_size=1)
    expected = linear_probes(load_checkpoint(run), batches.train_sample(50), batches.test_sample(20))
    assert list(found.errors.columns) == [*tables.MEASURED_KEYS, *tables.PROBES]
    assert list(found.errors["step"]) == [10] * 4 + [5] * 4
    assert list(found.errors["error"][:4]) == list(expected.errors["error"])
    assert list(found.images.columns) == [*tables.MEASURED_KEYS, *tables.PROBED_IMAGES]
    assert list(found.images["label"][:20]) == batches.test_sample(20).labels.tolist()


def test_a_first_picture_needs_few_values_of_c(run):
    found = probing.probing([run], train_images=50, test_images=20, strengths=(0.01,))
    assert set(found.errors["c"]) == {0.01}


def test_layers_are_compared_in_and_between_networks(run):
    table = similarity.layer_similarity([run, "plain8-w4"], images=20)
    assert len(table) == (4 + 4) ** 2
    same = table[(table["reference_a"] == table["reference_b"]) & (table["point_a"] == table["point_b"])]
    assert list(same["cka"]) == pytest.approx([1] * 8)
    images, _ = Batches(load_data("digits"), batch_size=1).test_sample(20).whole("cpu")
    network = load_checkpoint(run)
    stem = network.stem(images)
    (row,) = table[(table["reference_b"] == run) & (table["name_b"] == "stages.0.0") & (table["name_a"] == "stem")
                   & (table["reference_a"] == run)].to_dict("records")  # fmt: skip
    expected = linear_cka(stem, network.stages[0](stem), unbiased=True)
    assert row["cka"] == pytest.approx(expected, rel=1e-4)


def test_paths_of_untrained_networks_take_the_statistics_of_the_images(run):
    table = paths.path_gradients([run, "resnet8-w4", "plain8-w4"], images=20, samples=2)
    assert list(table.columns) == [*tables.MEASURED_KEYS, *tables.PATHS]
    assert list(table["paths"]) == [1, 3, 3, 1] * 2 + [1]
    batch = paths.path_gradients(["resnet8-w4"], images=20, samples=2, statistics="batch")
    assert list(batch["gradient_norm"]) == list(table["gradient_norm"][4:8])


@pytest.mark.parametrize(
    "study",
    [
        lambda run: probing.probing([run], train_images=50, test_images=20),
        lambda run: similarity.layer_similarity([run], images=20),
        lambda run: paths.path_gradients([run], images=20, samples=2),
    ],
)
def test_progress_rises_to_the_end_and_can_cancel(run, study):
    seen = []
    with progress.listening(seen.append):
        study(run)
    assert seen == sorted(seen)
    assert seen[-1] == 1

    def cancel(fraction):
        raise Cancelled

    with progress.listening(cancel), pytest.raises(Cancelled):
        study(run)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: probing.probing(["plain8"], train_images=5), "`train_images` (=5) must be between 10"),
        (lambda: similarity.layer_similarity(["plain8"], images=3), "`images` (=3) must be between 4"),
        (lambda: paths.path_gradients(["densenet-7-4-w8"], images=4), "no blocks with a branch and a shortcut"),
        (lambda: paths.path_gradients(["plain8"], samples=0), "`samples` (=0) must be between 1"),
        (lambda: similarity.layer_similarity([f"resnet{depth}" for depth in (1196, 1202)], parts="all"), "Name fewer"),
    ],
)
def test_what_cannot_be_measured_is_said(call, message):
    with pytest.raises(BadSettings) as raised:
        call()
    assert message in str(raised.value)


def test_the_shell_prints_json_csv_and_text(run, capsys):
    few = ["--train-images", "50", "--test-images", "10"]
    assert main(["probe", run, *few, "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["probes"]][:2] == ["stem", "stages.0.0"]
    assert main(["probe", run, *few, "--per-image", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join([*tables.MEASURED_KEYS, *tables.PROBED_IMAGES])
    assert len(lines) == 1 + 10
    assert main(["cka", run, "--images", "10", "--parts", "all", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join(tables.CKA)
    assert len(lines) == 1 + 10**2
    assert main(["cka-pitfall", run, "--images", "20", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["distances"]
    assert rows[-1]["cka"] < 0.5 < rows[0]["cka"]
    assert main(["paths", run, "--images", "10", "--samples", "1"]) == 0
    assert "gradient_norm" in capsys.readouterr().out
