"""Experiments as groups of run folders: listing, renaming, deleting, passing on."""

import shutil
import zipfile

import pytest

from explorer.errors import RunError
from explorer.runs import trash
from explorer.runs.checkpoint_facts import snapshot_steps
from explorer.runs.experiments import (
    annotate,
    experiment,
    list_experiments,
    metrics,
    rename,
    set_aside,
    set_aside_all,
)
from explorer.runs.store import read_run, run_folder, run_lock, update_run
from explorer.runs.transfer import export, import_zip


@pytest.fixture
def pair(make_run):
    return [make_run("plain8", step=10, order=0), make_run("resnet8", step=7, order=1, state="paused")]


def test_an_experiment_is_its_runs_in_order_with_the_liveliest_state(pair):
    found = experiment("e1")
    assert found.run_ids == tuple(pair)
    assert (found.state, found.step, found.steps, found.networks, found.seeds) == (
        "paused",
        7,
        10,
        ("plain8", "resnet8"),
        (0,),
    )
    assert found.resumable
    with run_lock(run_folder(pair[1])):
        update_run(pair[1], state="running")
        assert experiment("e1").active


def test_a_damaged_run_stands_in_the_list_by_itself(pair):
    (run_folder(pair[0]) / "run.json").write_text("{")
    found = {each.id: each.state for each in list_experiments()}
    assert found == {"e1": "paused", pair[0]: "damaged"}


def test_a_run_with_damaged_metrics_does_not_hide_the_others(pair):
    (run_folder(pair[1]) / "metrics.db").write_bytes(b"")
    found = experiment("e1")
    assert (found.state, found.step, [run.state for run in found.runs]) == ("finished", 10, ["finished", "damaged"])
    assert set(metrics(found.run_ids)["run"]) == {pair[0]}


def test_an_unknown_experiment_says_how_to_list_them(home):
    with pytest.raises(RunError, match="There is no experiment 'e9' .*runs list"):
        experiment("e9")


def test_renaming_changes_the_title_of_every_run_and_no_id(pair):
    rename("e1", "  Depth \n matters ")
    assert {read_run(run_id).facts.title for run_id in pair} == {"Depth matters"}
    with pytest.raises(RunError, match="at most 200"):
        rename("e1", "x" * 201)


def test_deleting_removes_the_folders_but_never_those_of_a_live_experiment(pair, home):
    with run_lock(run_folder(pair[1])):
        update_run(pair[1], state="running")
        with pytest.raises(RunError, match="e1 is running. Stop it first"):
            trash.discard(set_aside("e1"))
    trash.discard(set_aside("e1"))
    assert list(home.iterdir()) == []


def test_a_damaged_run_can_be_deleted(pair):
    (run_folder(pair[0]) / "run.json").write_text("{")
    trash.discard(set_aside(pair[0]))
    assert [each.id for each in list_experiments()] == ["e1"]


@pytest.mark.parametrize("all_snapshots", [False, True])
def test_an_exported_experiment_comes_back_the_same_with_snapshots_on_request(pair, tmp_path, all_snapshots):
    for run_id, state in zip(pair, ("finished", "paused"), strict=True):
        update_run(run_id, state=state)
        (run_folder(run_id) / "snapshots").mkdir()
        (run_folder(run_id) / "snapshots" / "step-0000010.pt").write_bytes(b"weights")
    before = metrics(pair)
    path = export("e1", tmp_path, all_snapshots=all_snapshots)
    trash.discard(set_aside("e1"))
    assert import_zip(path) == "e1"
    assert metrics(pair).equals(before)
    assert [snapshot_steps(run_folder(run_id)) for run_id in pair] == [[10] if all_snapshots else [], [10]]


def test_a_running_experiment_arrives_paused(pair, tmp_path):
    with run_lock(run_folder(pair[0])):
        update_run(pair[0], state="running")
        path = export("e1", tmp_path)
    for run_id in pair:
        shutil.rmtree(run_folder(run_id))
    import_zip(path)
    assert {read_run(run_id).state for run_id in pair} == {"paused"}


def test_importing_twice_is_refused_and_changes_nothing(pair, tmp_path, home):
    path = export("e1", tmp_path)
    before = sorted(home.iterdir())
    with pytest.raises(RunError, match="is here already"):
        import_zip(path)
    assert sorted(home.iterdir()) == before


@pytest.mark.parametrize(
    "entry", ["../evil.json", "/etc/evil", "run/../../evil", "e1-plain8-s0/evil.py", "run.json", ".x/run.json"]
)
def test_a_zip_with_foreign_files_is_refused_whole(home, tmp_path, entry):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "{}")
    with pytest.raises(RunError, match="which no exported experiment has"):
        import_zip(path)
    assert list(home.iterdir()) == []


def test_a_zip_that_unpacks_too_large_is_refused(pair, tmp_path, monkeypatch):
    path = export("e1", tmp_path)
    monkeypatch.setattr("explorer.runs.transfer.LARGEST_IMPORT", 1000)
    with pytest.raises(RunError, match="unpacks to more than"):
        import_zip(path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_what_is_no_zip_is_refused(home, tmp_path, content):
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"bad.zip is not a zip written by export"):
        import_zip(path)


def test_a_zip_with_a_cut_run_is_refused_whole(pair, tmp_path, home):
    good = export("e1", tmp_path)
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            target.writestr(entry, content[:30] if entry.filename == "e1-resnet8-s0/run.json" else content)
    trash.discard(set_aside("e1"))
    with pytest.raises(RunError, match="run.json of e1-resnet8-s0 cannot be read"):
        import_zip(bad)
    assert list(home.iterdir()) == []


def test_a_note_is_kept_exported_and_removed(pair, tmp_path):
    annotate("e1", "  Try warm-up next\n")
    path = export("e1", tmp_path)
    trash.discard(set_aside("e1"))
    import_zip(path)
    assert experiment("e1").note == "Try warm-up next"
    annotate("e1", "")
    assert experiment("e1").note == ""
    with pytest.raises(RunError, match="The note has 2,001 characters; at most 2,000"):
        annotate("e1", "x" * 2001)


def test_several_experiments_are_deleted_and_brought_back_at_once(pair, make_run):
    make_run(experiment="e2")
    everything = list_experiments()
    deleted = set_aside_all(everything)
    assert deleted.title == "2 experiments"
    assert list_experiments() == []
    with pytest.raises(RunError, match="was deleted already"):
        set_aside_all(everything)
    trash.restore(deleted)
    assert list_experiments() == everything


def test_of_several_experiments_none_is_deleted_if_one_may_not(pair, make_run):
    make_run(experiment="e2", state="queued")
    with pytest.raises(RunError, match="e2 is queued. Stop it first"):
        set_aside_all(list_experiments())
    assert len(list_experiments()) == 2
