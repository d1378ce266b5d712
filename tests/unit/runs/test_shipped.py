"""Runs that come with the program are listed, read, and never changed."""

import pytest

from explorer.errors import RunError
from explorer.runs import store
from explorer.runs.experiments import experiment, list_experiments, metrics, rename, set_aside
from explorer.runs.store import read_run, update_run
from explorer.runs.transfer import export, import_zip
from explorer.training import launch


@pytest.fixture
def shipped_experiment(make_run):
    """An experiment of one run that came with the program, beside one of the user's that is older."""
    make_run("plain8", experiment="mine")
    return make_run("plain20", experiment="shipped-digits").removesuffix("-plain20-s0")


def test_they_are_listed_last_and_read_like_others(shipped_experiment, shipped):
    assert [found.id for found in list_experiments()] == ["mine", shipped_experiment]
    run = read_run("shipped-digits-plain20-s0")
    assert (run.state, run.path.parent) == ("shipped", shipped)
    assert len(metrics([run.id])) == 11


@pytest.mark.parametrize(
    "change",
    [
        lambda name: rename(name, "Other"),
        set_aside,
        launch.resume,
        launch.pause,
        launch.stop,
        lambda name: update_run(f"{name}-plain20-s0", reason="x"),
    ],
    ids=["rename", "delete", "resume", "pause", "stop", "update"],
)
def test_they_cannot_be_changed(shipped_experiment, shipped, change):
    before = {file: file.read_bytes() for file in shipped.rglob("*") if file.is_file()}
    with pytest.raises(RunError, match="read-only|is shipped"):
        change(shipped_experiment)
    assert {file: file.read_bytes() for file in shipped.rglob("*") if file.is_file()} == before


def test_reading_them_leaves_nothing_behind(shipped_experiment, shipped):
    before = sorted(shipped.rglob("*"))
    experiment(shipped_experiment)
    metrics([f"{shipped_experiment}-plain20-s0"])
    assert sorted(shipped.rglob("*")) == before


def test_their_export_says_on_import_that_it_is_here(shipped_experiment, tmp_path):
    path = export(shipped_experiment, tmp_path / "shipped.zip")
    with pytest.raises(RunError, match="comes with the program"):
        import_zip(path)


def test_a_users_folder_of_such_a_name_is_not_taken_for_one(home, make_run, shipped):
    make_run("plain8", experiment="mine")
    (home / "mine-plain8-s0").rename(home / "shipped-fake")
    assert list_experiments() == []


def test_without_the_folder_there_is_nothing(home, monkeypatch, tmp_path):
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "missing")
    assert list_experiments() == []
