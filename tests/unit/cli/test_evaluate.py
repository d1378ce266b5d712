"""The command `evaluate`: text for people, JSON and CSV for programs."""

import csv
import io
import json

import pytest

from explorer import tables
from explorer.cli.main import main
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.studies.evaluations import ensemble, evaluation


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "runs"))


def printed(capsys, *arguments):
    assert main(["evaluate", *arguments]) == 0
    return capsys.readouterr().out


def test_the_document_has_fractions_under_the_names_of_the_tables(run, capsys):
    (row,) = json.loads(printed(capsys, run, "--json"))["evaluations"]
    expected = evaluation(run)
    assert list(row)[: len(tables.EVALUATIONS)] == tables.EVALUATIONS
    assert (row["error"], row["top5_error"], row["ece"]) == (expected.error, expected.top5_error, expected.ece)
    assert row["images"] == 360
    assert [each["class"] for each in row["class_errors"]] == list("0123456789")
    assert sum(each["images"] for each in row["confusion"]) == 360
    assert len(row["calibration"]) == 15
    assert len(row["mistakes"]) == 10


def test_people_read_the_error_and_what_is_confused(run, capsys):
    text = printed(capsys, run)
    found = evaluation(run)
    header, line, _, sentence = text.splitlines()
    assert header.split() == ["reference", "network", "data", "images", "crops", "error", "top5_error", "loss", "ece",
                              "seconds"]  # fmt: skip
    assert f"{found.error:.4g}" in line.split()
    assert f"{run}: {100 * found.error:.2f} % wrong" in sentence
    worst = found.class_errors.sort_values("wrong", ascending=False).iloc[0]
    assert f"most often mistaken: {worst['class']} (" in sentence


def test_an_ensemble_is_told_beside_its_members(run, capsys):
    references = [run, f"{run}@5"]
    document = json.loads(printed(capsys, *references, "--ensemble", "--images", "100", "--json"))
    expected = ensemble(references, images=100)
    assert [each["reference"] for each in document["evaluations"]] == references
    assert document["ensemble"]["error"] == expected.joint.error
    assert [each["reference"] for each in document["ensemble"]["members"]] == references
    assert document["ensemble"]["pairs"][0]["same"] == expected.pairs["same"][0]
    text = printed(capsys, *references, "--ensemble", "--images", "100")
    assert f"2 networks together: {100 * expected.joint.error:.2f} % wrong" in text
    assert "none is right on" in text


def test_csv_has_a_row_for_each_network_and_the_ensemble(run, capsys):
    rows = list(csv.DictReader(io.StringIO(printed(capsys, run, f"{run}@5", "--ensemble", "--crops", "10", "--csv"))))
    assert list(rows[0]) == tables.EVALUATIONS
    assert [row["reference"] for row in rows] == [run, f"{run}@5", "2 networks together"]
    assert {row["crops"] for row in rows} == {"10"}


def test_one_network_is_no_ensemble(run, capsys):
    assert main(["evaluate", run, "--ensemble"]) == 1
    assert capsys.readouterr().err == "error: An ensemble is of two networks or more. Name another one.\n"


def test_ten_crops_of_digits_are_told_to_be_new_to_the_network(run, capsys):
    assert "ten crops show what was never seen." in printed(capsys, run, "--images", "20", "--crops", "10")
    assert "never seen" not in printed(capsys, run, "--images", "20")


def test_crops_are_one_or_ten(run):
    with pytest.raises(SystemExit) as left:
        main(["evaluate", run, "--crops", "5"])
    assert left.value.code == 2


def test_the_error_of_an_imported_checkpoint_is_recorded_where_that_is_asked_for(run, capsys):
    config = checkpoint_facts(run).network
    checkpoint_folder().mkdir()
    path = checkpoint_folder() / "theirs.safetensors"
    save_checkpoint(build(config), path, CheckpointFacts(network=config, data="digits"))
    for options, error in (
        ([], None),
        (["--record", "--images", "50"], None),
        (["--record"], evaluation("theirs").error),
    ):
        assert main(["evaluate", "theirs", *options]) == 0
        assert checkpoint_facts("theirs").test_error == error
    assert f"theirs: test error {100 * error:.2f} % recorded." in capsys.readouterr().err
    main(["evaluate", run, "--record"])
    assert f"{run}: nothing to record; --record is for a checkpoint that you imported" in capsys.readouterr().err
