"""Run folders: what is read, what is found out, what damage does."""

import errno
import json
import os
import time
from datetime import UTC, datetime

import psutil
import pytest

from explorer.errors import RunError, StorageError
from explorer.files import read_end
from explorer.runs import store
from explorer.runs.experiments import experiment, list_experiments
from explorer.runs.facts import WorkerProcess
from explorer.runs.states import state_of_experiment, state_of_run
from explorer.runs.store import list_runs, read_run, run_folder, run_lock, update_run


def test_a_run_reads_back_as_it_was_made(make_run):
    run = read_run(make_run("resnet20", seed=3, steps=10, step=7, state="paused"))
    assert (run.state, run.steps, run.progress.step, run.facts.seed, run.facts.network.name) == (
        "paused",
        10,
        7,
        3,
        "resnet20",
    )
    assert run.progress.test_error == pytest.approx(0.86)  # of the last evaluation, at step 5


def test_home_is_where_the_environment_says(home):
    assert store.home() == home


@pytest.mark.parametrize("bad", ["../elsewhere", "a/b", "", ".hidden", "/etc"])
def test_an_id_cannot_lead_out_of_home(home, bad):
    with pytest.raises(RunError, match="is not the id of a run"):
        run_folder(bad)


def test_a_missing_run_says_how_to_list_them(home):
    with pytest.raises(RunError, match="There is no run 'nothing' in .*runs list"):
        read_run("nothing")


@pytest.mark.parametrize("left", [0, 1, 40])
def test_a_truncated_run_json_is_damaged_and_disturbs_no_other(make_run, left):
    whole, cut = make_run("plain8"), make_run("plain14")
    path = run_folder(cut) / "run.json"
    path.write_bytes(path.read_bytes()[:left])
    states = {run.id: run.state for run in list_runs()}
    assert states == {whole: "finished", cut: "damaged"}
    assert "run.json of e1-plain14-s0 cannot be read" in read_run(cut).damage


@pytest.mark.parametrize("left", [0, 50, 5000])
def test_a_truncated_metrics_db_is_damaged_and_disturbs_no_other(make_run, left):
    whole, cut = make_run("plain8"), make_run("plain14", step=400, steps=400)
    path = run_folder(cut) / "metrics.db"
    path.write_bytes(path.read_bytes()[:left])
    states = {run.id: run.state for run in list_runs()}
    assert states == {whole: "finished", cut: "damaged"}
    assert "metrics.db of e1-plain14-s0 cannot be read" in read_run(cut).damage


def test_a_newer_schema_is_named_not_guessed_at(make_run):
    run_id = make_run()
    path = run_folder(run_id) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    assert "has schema version 99; this program reads 1" in read_run(run_id).damage


@pytest.mark.parametrize("state", ["starting", "running"])
def test_a_run_that_ends_while_it_is_read_is_read_as_it_ended(state, make_run, monkeypatch):
    run_id = make_run(state=state)

    def ended(path):
        update_run(run_id, state="paused", reason="The disk is full.", worker=None)
        return False

    monkeypatch.setattr(store, "lock_is_held", ended)
    run = read_run(run_id)
    assert (run.state, run.reason, run.facts.state) == ("paused", "The disk is full.", "paused")


def test_a_running_run_without_a_worker_has_crashed(make_run):
    run_id = make_run(state="running")
    assert read_run(run_id).state == "crashed"
    with run_lock(run_folder(run_id)):
        assert read_run(run_id).state == "running"


def test_a_starting_run_is_believed_while_its_process_lives(make_run):
    run_id = make_run(state="starting")
    me = psutil.Process()
    update_run(run_id, worker=WorkerProcess(pid=os.getpid(), started=me.create_time()))
    assert read_run(run_id).state == "starting"
    update_run(run_id, worker=WorkerProcess(pid=os.getpid(), started=me.create_time() - 100))  # the number was reused
    assert read_run(run_id).state == "crashed"


def test_a_failed_write_leaves_the_old_facts_and_says_why(make_run, monkeypatch):
    run_id = make_run()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(StorageError, match="The disk is full: .*run.json could not"):
        patched.setattr(os, "fsync", full)
        update_run(run_id, title="Another")
    assert read_run(run_id).facts.title == "A title"
    assert not [file for file in run_folder(run_id).iterdir() if file.name.endswith(".tmp")]


def test_changes_to_different_facts_do_not_undo_each_other(make_run):
    run_id = make_run()
    update_run(run_id, title="New title")
    update_run(run_id, state="stopped")
    facts = read_run(run_id).facts
    assert (facts.title, facts.state) == ("New title", "stopped")


@pytest.mark.parametrize(
    ("given", "year"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("2026-01-01T00:00:00", 2026),  # no zone
        (None, None),
    ],
)
def test_a_date_of_a_wrong_clock_is_unknown(make_run, given, year):
    run_id = make_run()
    path = run_folder(run_id) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"created": given}))
    run = read_run(run_id)
    assert (run.state, run.facts.created and run.facts.created.year) == ("finished", year)
    assert run.facts.created is None or run.facts.created.tzinfo is not None


def test_lists_are_ordered_by_a_count_not_by_the_clock(make_run):
    later = datetime(2030, 1, 1, tzinfo=UTC)
    make_run(experiment="older", number=1, created=later)
    make_run(experiment="newer", number=2)
    make_run(experiment="before-there-was-a-count", created=later)
    assert [each.id for each in list_experiments()] == ["newer", "older", "before-there-was-a-count"]
    assert store.next_number() == 3


def test_a_text_cannot_steer_a_terminal(make_run):
    facts = read_run(make_run(title="a\x1b[2J\nb")).facts
    assert facts.title == "a [2J b"


@pytest.mark.parametrize(
    "recipe",
    [{}, {"steps": "10"}, {"steps": True}, {"steps": 0}, {"steps": 10**10}, {"steps": 10, "batch_size": "x"},
     {"steps": 10, "normalisation": 3}, {"steps": 10, "x": [1]}, {"steps": 10, "x" * 200: 1}],
)  # fmt: skip
def test_a_recipe_of_odd_values_is_damage_in_one_line(make_run, recipe):
    run_id = make_run()
    path = run_folder(run_id) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"recipe": recipe}))
    run = read_run(run_id)
    assert run.state == "damaged"
    assert "recipe" in run.damage or "normalisation" in run.damage
    assert "\n" not in run.damage


LOG = """2026-11-26 15:55:21 worker 7 starts e1
reason: an earlier one
2026-11-26 15:56:22 worker 8 trains e1-plain8-s0
Traceback (most recent call last):
StorageError: {0}
reason: {0}
what another run had to say
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (LOG.format("snapshots is read-only for this user."), "snapshots is read-only for this user."),
        (LOG.format("\x1b[2J" + "x" * 9000), "\\x1b[2J" + "x" * 56 + "..." + "x" * 20),
        (LOG.partition("Traceback")[0], ""),  # it was killed
        ("", ""),
        (None, ""),
    ],
)
def test_a_crashed_run_says_what_its_worker_could_still_write(log, reason, make_run):
    run_id = make_run(state="running")
    if log is not None:
        (run_folder(run_id) / "worker.log").write_text(log)
    run = read_run(run_id)
    assert (run.state, run.reason) == ("crashed", reason)


def test_the_log_of_another_place_is_not_read(make_run, tmp_path):
    run_id = make_run(state="running")
    (tmp_path / "mine").write_text("reason: a secret\n")
    (run_folder(run_id) / "worker.log").symlink_to(tmp_path / "mine")
    assert read_run(run_id).reason == ""


def test_a_running_run_tells_for_how_long_its_worker_has_been_silent(make_run):
    run_id = make_run(state="running")
    (run_folder(run_id) / "heartbeat").write_text(f"{time.monotonic() - 100:.3f} 0.100")
    assert read_run(run_id).silent_seconds is None  # it has crashed
    with run_lock(run_folder(run_id)):
        assert read_run(run_id).silent_seconds == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("facts", "state", "said"),
    [
        ({"state": "stopped", "reason": "Stopped by force: it did not answer."}, "stopped", "stopped (forced)"),
        ({"state": "paused", "reason": "Stopped by force: it did not answer."}, "paused", "paused (forced)"),
        ({"state": "stopped"}, "stopped", "stopped"),
        ({"state": "paused", "reason": "The disk is full."}, "paused", "paused"),
    ],
)
def test_a_run_that_was_ended_from_outside_is_shown_so(facts, state, said, make_run):
    run_id = make_run(**facts)
    make_run("resnet8", state=state)
    assert read_run(run_id).state == state
    assert state_of_run(read_run(run_id)) == said
    assert state_of_experiment(experiment("e1")) == said


def test_only_the_end_of_a_long_file_is_read(tmp_path):
    path = tmp_path / "worker.log"
    path.write_bytes(b"x" * 10**6 + b"\xffthe end")
    assert read_end(path, 8) == "\ufffdthe end"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_end(path, 8)
    path.mkdir()
    with pytest.raises(StorageError):
        read_end(path, 8)


@pytest.mark.parametrize("name", ["steps", "batch_size"])
def test_a_recipe_says_what_pages_rely_on(make_run, name):
    run_id = make_run()
    path = run_folder(run_id) / "run.json"
    facts = json.loads(path.read_text())
    del facts["recipe"][name]
    path.write_text(json.dumps(facts | {"settings_sha256": ""}))
    assert f"its recipe does not say how many `{name}`" in read_run(run_id).damage


def made_old(run_id):
    for path in run_folder(run_id).iterdir():
        os.utime(path, (1e9, 1e9))


def test_runs_at_rest_are_listed_without_reading_them_again(make_run, monkeypatch):
    ids = [make_run("plain8", seed=seed) for seed in range(3)]
    for run_id in ids:
        made_old(run_id)
    first = list_runs()
    opened, read = [], store.read_progress
    monkeypatch.setattr(store, "read_progress", lambda folder: opened.append(folder.name) or read(folder))
    assert list_runs() == first
    assert opened == []
    update_run(ids[1], title="Another")
    opened.clear()
    assert [run.facts.title for run in list_runs()] == ["A title", "Another", "A title"]
    assert set(opened) == {ids[1]}


@pytest.mark.parametrize("name", ["metrics.db", "metrics.db-wal"])
def test_a_run_whose_metrics_change_is_read_again(make_run, name):
    run_id = make_run("plain8")
    made_old(run_id)
    assert read_run(run_id).state == "finished"
    (run_folder(run_id) / name).unlink(missing_ok=True)
    (run_folder(run_id) / name).mkdir()
    os.utime(run_folder(run_id) / name, (1e9, 1e9))
    assert read_run(run_id).state == "damaged"


def test_a_file_that_is_removed_meanwhile_counts_nothing(make_run, monkeypatch):
    folder = read_run(make_run("plain8")).path
    whole = store._sizes(folder)[0]

    class Removed:
        def __init__(self, entry):
            self.name, self.is_file = entry.name, entry.is_file
            self.stat = entry.stat if entry.name != "metrics.db" else lambda **_: (folder / "gone").stat()

    class Entries(list):
        __enter__, __exit__ = lambda self: self, lambda *_: None

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: Entries(map(Removed, scandir(place))))
    assert store._sizes(folder)[0] == whole - (folder / "metrics.db").stat().st_size > 0
