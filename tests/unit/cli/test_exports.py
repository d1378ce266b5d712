"""Files for other tools from a shell: what is written, what is said, what is refused."""

import json

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import explorer
from explorer.cli.follow import until_end
from explorer.cli.main import main
from explorer.export.tensorboard import EventFiles
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import checkpoint_folder, run_folder, run_lock, update_run
from explorer.training.sweep import read_sweep


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def two(make_run):
    """Two runs of the experiment e1."""
    return [make_run("plain8"), make_run("resnet8")]


def answer(capsys, *arguments):
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def steps(folder, tag="seconds"):
    return [point.step for point in EventAccumulator(str(folder)).Reload().Scalars(tag)]


def test_an_experiment_is_written_for_tensorboard_and_as_a_plan(capsys, tmp_path, two):
    found = answer(capsys, "runs", "export", "e1", "--tensorboard", "logs", "--plan", "plan.yaml")
    assert [steps(tmp_path / "logs" / run_id) for run_id in two] == [list(range(11))] * 2
    assert found["files"] == [str(next((tmp_path / "logs" / run_id).glob("events*"))) for run_id in two]
    assert read_sweep(tmp_path / "plan.yaml")[0][0].networks == ("plain8", "resnet8")
    assert not list(tmp_path.glob("*.zip"))


def test_a_run_is_written_alone(capsys, tmp_path, two):
    assert main(["runs", "export", two[1], "--tensorboard", "logs with space", "--plan", "plan.json"]) == 0
    printed = capsys.readouterr().out
    assert "plan.json: start it again with `python -m explorer train --from plan.json`" in printed
    assert "Look at them with: tensorboard --logdir 'logs with space'" in printed
    assert [each.name for each in (tmp_path / "logs with space").iterdir()] == [two[1]]
    assert read_sweep(tmp_path / "plan.json")[0][0].networks == ("resnet8",)


def test_damaged_runs_are_left_out_unless_all_are(capsys, tmp_path, two):
    (run_folder(two[0]) / "metrics.db").write_bytes(b"no database")
    assert len(answer(capsys, "runs", "export", "e1", "--tensorboard", "logs")["files"]) == 1
    assert main(["runs", "export", two[0], "--tensorboard", "logs"]) == 1
    assert f"error: {two[0]} is damaged: metrics.db" in capsys.readouterr().err


def test_metrics_are_written_as_parquet(capsys, tmp_path, two):
    found = answer(capsys, "runs", "metrics", "e1", "--parquet", "metrics.parquet")
    table = explorer.metrics(two, points=None)
    assert (found["path"], found["rows"], found["columns"]) == (str(tmp_path / "metrics.parquet"), 22, list(table))
    pd.testing.assert_frame_equal(pd.read_parquet("metrics.parquet"), table)
    assert main(["runs", "metrics", "e1", "--parquet", "metrics.parquet"]) == 1
    assert "metrics.parquet is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runs", "export", "e1", "x.zip", "--plan", "p.yaml"], "instead of the zip. Leave out what is about the zip"),
        (["runs", "export", "e1", "--tensorboard", "logs", "--all-snapshots"], "instead of the zip"),
        (["runs", "resume", "e1", "--tensorboard", "logs"], "Add --follow, or leave it out"),
        (["train", "plain8", "--detach", "--tensorboard", "logs"], "with --detach the command ends at once"),
        (["train", "--from", "p.yaml", "--tensorboard", "logs"], "with --from the command ends at once"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(capsys, tmp_path, two, arguments, said):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_nothing_is_trained_if_the_folder_cannot_be_made(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["train", "plain8", "--tensorboard", "file"]) == 1
    assert "file could not be written or read: File exists. Something else is there" in capsys.readouterr().err
    assert answer(capsys, "runs", "list") == []


@pytest.fixture
def growing(make_run, monkeypatch):
    """A run that grows by a step with each look at it, and is finished after three; gives its id."""
    run_id = make_run(state="running", step=2)
    lock = run_lock(run_folder(run_id))
    lock.acquire()
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        with MetricsWriter(run_folder(run_id)) as metrics:
            metrics.append((2 + len(looks), 1.0, 0.5, 0.1, 0.5, None, None, None))
        if len(looks) == 3:
            lock.release()
            update_run(run_id, state="finished")

    monkeypatch.setattr("explorer.training.following.sleep", sleep)
    yield run_id
    lock.release()


def test_files_grow_while_an_experiment_is_followed(tmp_path, growing, monkeypatch):
    files = EventFiles(tmp_path / "logs")
    seen = []
    monkeypatch.setattr(
        files,
        "update_all",
        lambda runs: (EventFiles.update_all(files, runs), seen.append(steps(tmp_path / "logs" / growing)[-1])),
    )
    assert until_end("e1", files).state == "finished"
    assert seen == [2, 3, 4, 5]
    assert steps(tmp_path / "logs" / growing) == list(range(6))


def test_a_file_that_cannot_be_written_is_told_once_and_the_rest_goes_on(capsys, tmp_path, growing):
    files = EventFiles(tmp_path / "my logs")
    (tmp_path / "my logs" / growing).write_text("in the way")
    assert until_end("e1", files).state == "finished"
    told = [line for line in capsys.readouterr().err.splitlines() if "TensorBoard" in line]
    assert len(told) == 1
    assert "File exists" in told[0]
    assert told[0].endswith("with: python -m explorer runs export e1 --tensorboard '" + str(tmp_path / "my logs'"))


def test_ctrl_c_writes_the_last_steps_and_says_how_to_go_on_with_the_files(capsys, tmp_path, make_run, monkeypatch):
    run_id = make_run(state="queued", step=4)
    monkeypatch.setattr("explorer.training.following.start_next", lambda: None)
    monkeypatch.setattr("explorer.training.following.sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        until_end("e1", EventFiles(tmp_path / "logs"))
    assert f"runs resume e1 --follow --tensorboard {tmp_path / 'logs'}" in capsys.readouterr().err
    assert steps(tmp_path / "logs" / run_id) == list(range(5))


def test_weights_are_exported_with_a_card_or_for_timm(capsys, tmp_path):
    network = explorer.build("resnet10t", channels=1)
    path = checkpoint_folder() / "mine.safetensors"
    path.parent.mkdir(parents=True)
    save_checkpoint(network, path, CheckpointFacts(network=network.config))
    found = answer(capsys, "checkpoints", "export", "mine")
    assert (found["path"], found["card"]) == (str(tmp_path / "mine.safetensors"), str(tmp_path / "README.md"))
    assert main(["checkpoints", "export", "mine", "theirs.pth", "--format", "timm"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "theirs.pth\nLoad it with: network = timm.create_model('resnet10t', num_classes=1000, in_"
    )
    assert main(["checkpoints", "export", "mine", "--format", "torchvision"]) == 1
    assert "torchvision has no network that is resnet10t for 1 channel." in capsys.readouterr().err
