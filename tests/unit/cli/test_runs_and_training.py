"""The command line: answers on standard output, one JSON document where asked, errors in one line."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from explorer import tables
from explorer.cli import checkpoints, construct, data, degradation, runs, train
from explorer.cli.main import app, main
from explorer.cli.output import json_text, text_table
from explorer.models.catalogue import network_config
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.facts import RunFacts
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import create_run, list_runs, run_folder
from explorer.studies.identity import Construction
from explorer.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "runs"))
    return tmp_path / "runs"


def make_experiment(name="20260102-aa", networks=("plain20", "resnet20"), state="finished", reason=""):
    """Runs with three steps of metrics, as a worker leaves them."""
    for order, network in enumerate(networks):
        run_id = f"{name}-{network}-s0"
        create_run(
            RunFacts(
                id=run_id,
                experiment=name,
                title="Two nets",
                order=order,
                created=datetime(2026, 1, 2, tzinfo=UTC),
                network=network_config(network),
                data="digits",
                recipe=Recipe(steps=3).model_dump(),
                state=state,
                reason=reason,
            )
        )
        with MetricsWriter(run_folder(run_id)) as metrics:
            metrics.append([0, None, None, None, 0.0, 0.9, 0.9, None])
            metrics.append([1, 2.3, 0.5, 0.1, 0.2, None, None, None])
            metrics.append([2, float("nan"), 0.5, 0.1, 0.4, None, None, None])
            metrics.append([3, 2.1, 0.25, 0.1, 0.6, 0.25, 0.5, 100.0])
    return name


def answer(capsys, *arguments):
    """What a command prints with --json, read as JSON."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments):
    """The one line that a failing command prints, and nothing else."""
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err.rstrip("\n")


def commands():
    groups = {
        "checkpoints": checkpoints.app,
        "construct": construct.app,
        "data": data.app,
        "degradation": degradation.app,
        "runs": runs.app,
    }
    for group, commands in {"": app, **groups}.items():
        for name in commands._subcommands:
            if name not in groups:
                yield [group, name] if group else [name]


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_explains_itself_and_has_json(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert "--json" in printed or command == ["app"]
    assert "Args:" not in printed


def test_every_field_of_the_recipe_is_an_option_of_train(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    printed = capsys.readouterr().out
    for name in Recipe.model_fields:
        assert f"--{name.replace('_', '-')} " in printed
    told = re.sub(r"[\s│]+", " ", printed)
    assert all(field.description and field.description in told for field in Recipe.model_fields.values())


@pytest.mark.parametrize("usage", [[], ["nonsense"], ["runs"], ["runs", "list", "--jsn"], ["train", "--steps", "many"]])
def test_wrong_usage_leaves_with_2_and_nothing_on_standard_output(usage, capsys):
    with pytest.raises(SystemExit) as left:
        main(usage)
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_train_without_a_network_is_wrong_usage(capsys):
    assert main(["train", "--steps", "3"]) == 2
    assert "name at least one network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["train", "resnet22"],
            "error: No network is called 'resnet22': 22 is not 6n+2. The nearest are resnet20 and resnet26.",
        ),
        (["train", "resnet20", "--steps", "0"], "error: `steps` (=0) must be 1 or more."),
        (
            ["train", "resnet20", "--schedule", "cosin"],
            "error: No schedule is called 'cosin'. Did you mean 'cosine'? Known: he2015, one_cycle, cosine, constant.",
        ),
        (["train", "resnet20", "--data", "digit"], "error: No data set is called 'digit'. Did you mean 'digits'? "),
        (["data", "verify", "mnist8"], "error: No data set is called 'mnist8'. Did you mean 'mnist'?"),
        (["data", "download", "digits"], "error: Handwritten digits are built in: there is nothing to download."),
        (
            ["runs", "show", "abc"],
            "error: No experiment or run begins with 'abc'. `python -m explorer runs list` shows",
        ),
        (["construct", "identity", "abc"], "error: There is no run 'abc' in "),
        (["train", "plain8", "--initial", "abc"], "error: `initial` (='abc') is neither a finished run nor"),
        (["runs", "import", "no.zip"], "error: There is no file no.zip. Give the zip that"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_one_line_that_says_what_to_do(arguments, error, capsys):
    assert refusal(capsys, *arguments).startswith(error)


def test_missing_data_is_told_with_the_next_step(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert "`python -m explorer data download cifar10`" in refusal(capsys, "train", "resnet20", "--data", "cifar10")
    rows = {row["name"]: row["available"] for row in answer(capsys, "data", "status")}
    assert {name for name, available in rows.items() if available} == {"digits"}
    assert "cifar10" in rows


def test_the_list_has_the_columns_of_the_table_of_experiments(capsys):
    assert answer(capsys, "runs", "list") == []
    make_experiment()
    (row,) = answer(capsys, "runs", "list")
    assert list(row) == tables.EXPERIMENTS
    assert row["networks"] == ["plain20", "resnet20"]


def test_an_experiment_is_shown_with_its_runs(capsys):
    found = answer(capsys, "runs", "show", make_experiment())
    assert (found["id"], found["state"], found["step"], found["steps"]) == ("20260102-aa", "finished", 3, 3)
    assert [(run["name"], run["seed"]) for run in found["runs"]] == [("plain20", 0), ("resnet20", 0)]
    assert found["runs"][0]["train_error"] == pytest.approx(1.25 / 3), "the mean of the batches, as on pages"
    assert found["runs"][0]["test_error"] == 0.5
    assert set(tables.RUNS) <= set(found["runs"][0])


def test_a_run_is_shown_by_its_id_and_by_the_beginning_of_it(capsys):
    make_experiment()
    whole = answer(capsys, "runs", "show", "20260102-aa-resnet20-s0")
    assert whole["name"] == "resnet20"
    assert whole["recipe"]["steps"] == 3
    assert answer(capsys, "runs", "show", "20260102-aa-r") == whole


def test_the_beginning_of_an_id_must_be_of_one_experiment(capsys):
    make_experiment("20260102-aa", ["plain20"])
    make_experiment("20260102-ab", ["plain20"])
    assert answer(capsys, "runs", "show", "20260102-ab")["id"] == "20260102-ab"
    assert "'2026' is the beginning of 2 experiments" in refusal(capsys, "runs", "show", "2026")
    assert refusal(capsys, "runs", "show", "").startswith("error: No experiment or run begins with ''.")


def test_metrics_are_rows_with_null_for_what_was_not_measured(capsys):
    rows = answer(capsys, "runs", "metrics", make_experiment())
    assert list(rows[0]) == [*tables.RUN_KEYS, *tables.METRICS]
    assert [row["step"] for row in rows] == [0, 1, 2, 3] * 2
    assert rows[0]["loss"] is None
    assert rows[2]["loss"] is None
    assert rows[3]["test_error"] == 0.5


def test_metrics_are_csv_without_json(capsys):
    make_experiment()
    assert main(["runs", "metrics", "20260102-aa-plain20", "20260102-aa-plain20-s0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join([*tables.RUN_KEYS, *tables.METRICS])
    assert len(lines) == 5


def test_rename_export_delete_and_import(capsys, tmp_path):
    make_experiment()
    assert answer(capsys, "runs", "rename", "2026", "Other")["title"] == "Other"
    path = answer(capsys, "runs", "export", "2026", str(tmp_path / "x.zip"))["path"]
    assert answer(capsys, "runs", "delete", "2026")["deleted"] is True
    assert answer(capsys, "runs", "list") == []
    assert answer(capsys, "runs", "import", path)["title"] == "Other"
    assert len(answer(capsys, "runs", "list")) == 1


def test_a_note_is_kept_and_snapshots_are_exported_on_request(capsys, tmp_path):
    make_experiment()
    assert answer(capsys, "runs", "note", "2026", "Best so far")["note"] == "Best so far"
    (run,) = list_runs()[:1]
    (run.path / "snapshots").mkdir()
    (run.path / "snapshots" / "step-0000005.pt").write_bytes(b"weights")
    for options, kept in ((), False), (("--all-snapshots",), True):
        path = answer(capsys, "runs", "export", "2026", str(tmp_path / "x.zip"), *options)["path"]
        with zipfile.ZipFile(path) as archive:
            assert any("snapshots" in name for name in archive.namelist()) == kept


@pytest.mark.parametrize(("reply", "left"), [("n", 1), ("", 1), ("y", 0)])
def test_delete_asks_first_in_a_terminal(reply, left, capsys, monkeypatch):
    make_experiment()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda: reply)
    assert main(["runs", "delete", "2026"]) == (0 if reply == "y" else 1)
    capsys.readouterr()
    assert len(answer(capsys, "runs", "list")) == left


def test_stop_keeps_a_paused_experiment_and_prints_it(capsys):
    make_experiment(state="paused")
    assert answer(capsys, "runs", "stop", "2026")["state"] == "stopped"
    assert "It has ended already." in refusal(capsys, "runs", "stop", "2026")


def test_train_leaves_with_1_when_a_run_failed(capsys, monkeypatch):
    def start(plan, where):
        return make_experiment(networks=plan.networks, state="failed", reason="The loss is not finite.")

    monkeypatch.setattr(train, "start", start)
    assert main(["train", "plain20", "resnet20", "--json"]) == 1
    printed = capsys.readouterr()
    assert [run["state"] for run in json.loads(printed.out)["runs"]] == ["failed", "failed"]
    error = printed.err.splitlines()[-1]
    assert error.startswith("error: 2 of 2 runs did not finish; 20260102-aa-plain20-s0 is failed: The loss is not")


def test_ctrl_c_pauses_and_says_how_to_go_on(capsys, monkeypatch):
    monkeypatch.setattr(train, "start", lambda plan, where: make_experiment(networks=plan.networks, state="queued"))
    monkeypatch.setattr("explorer.training.following.start_next", lambda: None)
    monkeypatch.setattr("explorer.training.following.sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["train", "resnet20"]) == 130
    assert "Go on with: python -m explorer runs resume 20260102-aa --follow" in capsys.readouterr().err
    assert answer(capsys, "runs", "show", "2026")["state"] == "paused"


def test_a_construction_is_told_by_its_fields_and_in_words(capsys, tmp_path, home):
    path = tmp_path / "small.safetensors"
    network = build("plain8-w2", channels=1)
    save_checkpoint(network, path, CheckpointFacts(network=network.config))
    arguments = ["construct", "identity", str(path), "--depth", "14", "--data", "digits"]
    found = answer(capsys, *arguments)
    assert list(found) == [field.name for field in dataclasses.fields(Construction)]
    assert (found["id"], found["network"], found["images"]) == ("plain14-w2-from-small", "plain14-w2", 360)
    assert found["path"] == str(home / "checkpoints" / "plain14-w2-from-small.safetensors")
    assert main([*arguments, "--to", str(tmp_path / "deep.safetensors")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plain14-w2 made of plain8-w2: 3 blocks inserted, two layers each"
    assert lines[1] == f"largest difference of any output on 360 test images {found['largest_difference']:.1e}"
    assert lines[2] == f"training error {100 * found['source_train_error']:.1f} % before and after"
    assert lines[4] == f"saved as deep: {tmp_path / 'deep.safetensors'}"


def test_train_hands_on_the_checkpoint_it_starts_from(capsys, monkeypatch):
    plans = []

    def start(plan, where):
        plans.append(plan)
        return make_experiment(networks=plan.networks)

    monkeypatch.setattr(train, "start", start)
    answer(capsys, "train", "plain20", "--initial", "some-id")
    assert [plan.initial for plan in plans] == ["some-id"]


@pytest.mark.thorough
def test_train_for_real(home, tmp_path):
    """From the shell to the table and to TensorBoard, with a worker of its own."""
    options = ["--steps=2", "--batch-size=16", "--evaluate-images=10", "--seeds", "0", "1", "--title=Two", "--json"]
    options += ["--probe-every=1", f"--tensorboard={tmp_path / 'logs'}"]
    done = subprocess.run(
        [sys.executable, "-m", "explorer", "train", "resnet8", *options],
        cwd=ROOT,
        env=os.environ | {"EXPLORER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["title"], document["state"], document["seeds"]) == ("Two", "finished", [0, 1])
    for run in document["runs"]:
        assert (run["name"], run["step"]) == ("resnet8", 2)
        assert 0 <= run["test_error"] <= 1
        found = EventAccumulator(str(tmp_path / "logs" / run["id"])).Reload()
        assert [point.step for point in found.Scalars("loss")] == [1, 2]
        assert [point.step for point in found.Scalars("response_std/1 stem.conv")] == [0, 1, 2]
    assert "resnet8, seed 1: step 2 of 2, finished" in done.stderr


def test_nan_and_infinity_become_null():
    assert json.loads(json_text({"a": float("nan"), "b": [float("inf"), 1.5], "c": Path("x")})) == {
        "a": None,
        "b": [None, 1.5],
        "c": "x",
    }


def test_text_tables_are_aligned_with_numbers_to_the_right():
    rows = [{"name": "a", "count": 5, "done": True}, {"name": "long", "count": None, "done": False}]
    assert text_table(rows, ["name", "count", "done"]) == ("name  count  done\na         5  yes\nlong      -  no")


def test_a_damaged_run_is_mended_and_says_so(capsys):
    name = make_experiment(state="stopped")
    (run_folder(f"{name}-plain20-s0") / "metrics.db").write_bytes(b"")
    (mended,) = answer(capsys, "runs", "mend", name)["runs"]
    assert mended["id"] == f"{name}-plain20-s0"
    assert "Training starts again" in mended["notice"]
    shown = answer(capsys, "runs", "show", mended["id"])
    assert (shown["state"], shown["notice"]) == ("stopped", mended["notice"])
    assert "nothing to mend" in refusal(capsys, "runs", "mend", name)
