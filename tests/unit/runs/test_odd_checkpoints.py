"""Whatever lies beside the runs or in one of them: that alone is left out of lists, and named when it is asked for."""

import json
import os

import pytest

from explorer.data.download import download_progress
from explorer.data.own_folders import folder_table, folders_state, list_file, own_folders, readable_folders
from explorer.errors import ExplorerError, RunError, StorageError
from explorer.files import read_end
from explorer.models.network import build
from explorer.runs.checkpoint_facts import (
    CheckpointFacts,
    checkpoint_facts,
    kept_checkpoints,
    moments,
    read_checkpoint,
    snapshot_steps,
)
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.comparison import comparison
from explorer.runs.control import requested
from explorer.runs.experiments import experiment
from explorer.runs.kept import checkpoint_table, export_checkpoint, zipped
from explorer.runs.store import checkpoint_folder, read_run, run_folder
from explorer.studies import degradation
from explorer.ui.cached import log_tail
from explorer.weights.importing import facts_beside

NETWORK = build("resnet8-w4")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    checkpoint_folder().mkdir(parents=True)
    return tmp_path


@pytest.fixture
def kept():
    """Keeps a checkpoint under a name, with some facts said otherwise; gives the weights file."""

    def made(name, **facts):
        path = checkpoint_folder() / f"{name}.safetensors"
        save_checkpoint(NETWORK, path, CheckpointFacts(network=NETWORK.config))
        known = json.loads(path.with_suffix(".json").read_text()) | facts
        path.with_suffix(".json").write_text(json.dumps(known))
        return path

    return made


def replaced(make):
    """Something else in place of a file, whose content is then elsewhere."""

    def done(path):
        content = path.read_bytes()
        path.unlink()
        (path.parents[2] / "elsewhere").write_bytes(content)
        make(path)

    return done


NO_FILES = {
    "a link": replaced(lambda path: path.symlink_to(path.parents[2] / "elsewhere")),
    "a pipe": replaced(os.mkfifo),
    "a folder": replaced(lambda path: path.mkdir()),
    "nothing": replaced(lambda path: None),
}
ODD_JSON = {
    "nothing": "",
    "a list": "[]",
    "text": '"facts"',
    "deep": "[" * 100_000,
    "large": '{"source": "' + "x" * 2**23 + '"}',
    "no UTF-8": "\udcff",
    "half a character": '{"source": "\\ud800"}',
}
ODD_FACTS = {
    "a network that is text": {"network": "resnet8"},
    "a step below 0": {"step": -1},
    "a step too far": {"step": 10**12},
    "an error above 1": {"test_error": 2},
    "an error that is text": {"train_error": "low"},
    "classes of other kinds": {"classes": [1, None]},
    "a long name of a class": {"classes": ["x" * 1000] * 10},
    "too few classes": {"classes": ["a"]},
    "a normalisation that is none": {"normalisation": "my\u001b[2Jown"},
    "a normalisation that is a list": {"normalisation": []},
    "a recipe with a list": {"recipe": {"steps": []}},
    "a recipe with a size that is text": {"recipe": {"image_size": "large"}},
    "a recipe that moves the cursor": {"recipe": {"schedule": "\u001b[2J"}},
    "a hash that is none": {"sha256": "../../x"},
    "another version": {"schema_version": 2},
    "what nobody knows": {"more": 1},
}


def lists():
    return [list(kept_checkpoints()), list(comparison()["reference"]), list(checkpoint_table()["id"])]


@pytest.mark.parametrize("name", ODD_FACTS)
def test_odd_facts_are_left_out_and_named_in_one_line(kept, name):
    kept("whole"), kept("odd", **ODD_FACTS[name])
    assert lists() == [["whole"]] * 3
    with pytest.raises(StorageError, match=r"^\S+odd\.json .+$") as told:
        checkpoint_facts("odd")
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 600


@pytest.mark.parametrize("name", ODD_JSON)
def test_odd_json_is_left_out_and_named(kept, name):
    kept("whole")
    odd = kept("odd")
    odd.with_suffix(".json").write_bytes(ODD_JSON[name].encode(errors="surrogateescape"))
    assert lists() == [["whole"]] * 3
    with pytest.raises(StorageError, match=r"odd\.json "):
        checkpoint_facts("odd")
    assert facts_beside(odd) is None


@pytest.mark.parametrize("ending", [".json", ".safetensors"])
@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_file_is_neither_listed_nor_read(kept, name, ending):
    kept("whole")
    odd = kept("odd")
    NO_FILES[name](odd.with_suffix(ending))
    assert lists() == [["whole"]] * 3
    with pytest.raises(StorageError):
        read_checkpoint(odd)


@pytest.mark.parametrize("name", ["a link", "a pipe", "a folder"])
def test_an_odd_file_of_a_run_is_not_taken_along(make_weights, home, name):
    run = make_weights()
    NO_FILES[name](run_folder(run) / "checkpoint.safetensors")
    for taken in (lambda: zipped(run), lambda: export_checkpoint(run, home), lambda: load_checkpoint(run)):
        with pytest.raises(StorageError):
            taken()
    assert list(home.glob("*.safetensors")) == []


@pytest.mark.parametrize("name", ["-x", "a b", "..", "x.safetensors", "é"])
def test_a_checkpoint_that_cannot_be_named_is_left_out(kept, name):
    kept("whole"), kept(name)
    assert lists() == [["whole"]] * 3


def test_a_file_in_place_of_the_folder_is_no_checkpoint():
    checkpoint_folder().rmdir()
    checkpoint_folder().write_text("")
    assert lists() == [[]] * 3


def test_a_link_that_the_user_names_is_followed(kept, home):
    for ending in (".safetensors", ".json"):
        (home / f"mine{ending}").symlink_to(kept("whole").with_suffix(ending))
    assert checkpoint_facts(home / "mine.safetensors") == checkpoint_facts("whole")
    assert facts_beside(home / "mine.safetensors") == checkpoint_facts("whole")
    load_checkpoint(home / "mine.safetensors")


def test_odd_names_of_snapshots_are_passed_over(make_weights, home):
    folder = run_folder(make_weights()) / "snapshots"
    for name in ("step-" + "9" * 30, "step-7", "step-00000000008", "step-٠٠٠٠٠٠٩", "step-0000001\n", "latest"):
        (folder / f"{name}.pt").touch()
    (folder / "step-0000002.pt").symlink_to(home)
    (folder / "step-0000003.pt").mkdir()
    os.mkfifo(folder / "step-0000004.pt")
    assert snapshot_steps(folder.parent) == [5]


def test_snapshots_may_be_a_file_or_a_link(make_weights, home):
    folder = run_folder(make_weights())
    (folder / "snapshots").rename(home / "snapshots")
    (folder / "snapshots").symlink_to(home / "snapshots")
    assert snapshot_steps(folder) == []
    (folder / "snapshots").unlink()
    (folder / "snapshots").touch()
    assert snapshot_steps(folder) == []
    assert moments(read_run(folder.name)) == [0, 10]


@pytest.mark.parametrize("step", ["9" * 5000, "٣", "-1", "1.5", "1e3"])
def test_a_step_is_a_number_of_some_digits(make_weights, step):
    run = make_weights()
    for read in (checkpoint_facts, load_checkpoint):
        with pytest.raises(RunError, match="a step is a whole number"):
            read(f"{run}@{step}")


@pytest.mark.parametrize("name", ODD_JSON)
def test_an_odd_wish_pauses(home, name):
    (home / "control.json").write_bytes(ODD_JSON[name].encode(errors="surrogateescape"))
    assert requested(home) == "pause"


def test_a_pipe_instead_of_a_wish_is_not_waited_for(home):
    os.mkfifo(home / "control.json")
    assert requested(home) == "pause"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(__file__), lambda path: path.mkdir()])
def test_a_log_that_is_no_file_has_no_lines(home, make):
    make(home / "worker.log")
    assert log_tail(home / "worker.log", 5) == ""


def test_the_end_of_a_file(home):
    (home / "log").write_bytes(b"abcdef")
    assert read_end(home / "log", 2) == "ef"
    assert read_end(home / "log", 20) == "abcdef"


LISTS = ODD_JSON | {
    "nothing listed": "{}",
    "a name": '{"folders": "/srv/pets"}',
    "numbers": '{"folders": [1]}',
    "many": json.dumps({"folders": ["/srv/pets"] * 10_000}),
    "a NUL": '{"folders": ["/srv/\\u0000"]}',
    "a long path": json.dumps({"folders": ["/" + "x" * 10_000]}),
}


@pytest.mark.parametrize("name", LISTS)
def test_an_odd_list_of_folders_is_told_and_pages_do_without(name):
    list_file().write_bytes(LISTS[name].encode(errors="surrogateescape"))
    with pytest.raises(StorageError, match=r"^The list of your folders, .+, cannot be read: .+ Repair or delete it"):
        own_folders()
    assert readable_folders() == {}
    assert folders_state() == ()


def test_one_folder_that_cannot_be_looked_at_leaves_the_others(home):
    places = [home / "none", home / ("x" * 300), home / "home", home / "loop"]
    places[-1].symlink_to(places[-1])
    list_file().write_text(json.dumps({"folders": [str(place) for place in places]}))
    assert [row["available"] for row in folder_table()] == [False] * 4
    assert len(folders_state()) == 4


PROGRESS = ODD_JSON | {
    "an odd state": '{"state": "odd", "done": 1, "message": "", "time": 0}',
    "bytes that are text": '{"state": "running", "done": "much", "message": "", "time": 0}',
    "a message that is a list": '{"state": "failed", "done": 1, "message": [], "time": 0}',
}


@pytest.mark.parametrize("name", PROGRESS)
def test_odd_progress_of_a_download_is_none(home, monkeypatch, name):
    monkeypatch.setenv("EXPLORER_DATA", str(home))
    (home / ".downloads").mkdir()
    (home / ".downloads" / "cifar10.json").write_bytes(PROGRESS[name].encode(errors="surrogateescape"))
    assert download_progress("cifar10").state == "idle"


def test_a_recipe_of_other_settings_is_left_out_of_what_is_compared(make_run):
    odd, _ = make_run("plain8"), make_run("resnet8", order=1)
    known = json.loads((run_folder(odd) / "run.json").read_text())
    known["recipe"]["schedule"] = "steepest"
    (run_folder(odd) / "run.json").write_text(json.dumps(known))
    found = [experiment("e1")]
    assert degradation.plan_of(found).networks == ("resnet8",)
    degradation.experiment_confounds(found)
    assert isinstance(degradation.report(found).unfinished, tuple)


def test_facts_that_are_made_here_are_checked_too():
    with pytest.raises(ExplorerError):
        CheckpointFacts(network=NETWORK.config, test_error=1.5)
