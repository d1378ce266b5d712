"""What is removed, and above all what is not."""

import subprocess
import sys
import tempfile

import pytest

from explorer import scratch
from explorer.runs.snapshots import write_latest, write_snapshot
from explorer.runs.store import SUPERVISOR, run_folder, run_lock
from explorer.runs.tidying import ELSEWHERE, tidy
from explorer.scratch import temporary_folder, temporary_name


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for the system's temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def dead(monkeypatch):
    """Names a file as a process did that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = scratch._identity(process.pid)
    process.communicate(b"\n")
    return lambda purpose: f".{purpose}.{identity}.0123abcd.tmp"


def everything(place):
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def test_what_no_living_process_owns_is_removed_wherever_we_write(home, make_run, temporary, dead):
    folder = run_folder(make_run())
    for name in ("checkpoints", "images"):
        (home / name).mkdir()
    write_snapshot(folder, {"step": 5, "network": {}})
    places = [home, home / "checkpoints", home / "images", temporary, folder, folder / "snapshots"]
    before = everything(home)
    for place in places:
        (place / dead("run.json")).write_text("half")
        (place / dead("explorer-export")).with_suffix(".1.tmp").write_text("of another program")
    removed = tidy()
    assert sorted(removed) == sorted(place / dead("run.json") for place in places)
    assert {each for each in everything(home) - before if "explorer-export" not in each} == set()


def test_what_a_living_process_owns_stays(home, make_run, temporary):
    folder = run_folder(make_run())
    kept = [place / temporary_name("run.json") for place in (home, folder)]
    for path in kept:
        path.write_text("being written")
    kept.append(temporary_folder(temporary, "explorer-export"))
    assert tidy() == []
    assert all(path.exists() for path in kept)


def test_the_states_to_resume_from_go_with_finished_runs_alone(make_run):
    ids = {state: make_run(seed=seed, state=state) for seed, state in enumerate(["finished", "paused", "running"])}
    for run_id in ids.values():
        for step in (4, 5):
            write_latest(run_folder(run_id), {"step": step})
    states = {state: list((run_folder(run_id) / "snapshots").iterdir()) for state, run_id in ids.items()}
    assert sorted(tidy()) == sorted(states["finished"])
    assert [sum(path.exists() for path in each) for each in states.values()] == [0, 2, 2]


def test_a_heartbeat_stays_while_its_run_is_trained(make_run):
    trained, left = run_folder(make_run(state="running")), run_folder(make_run(seed=1, state="running"))
    for folder in (trained, left):
        (folder / "heartbeat").write_text("1 1")
    with run_lock(trained):
        assert tidy() == [left / "heartbeat"]
    assert (trained / "heartbeat").exists()


def test_folders_of_others_links_and_shipped_runs_are_not_touched(home, make_run, shipped, tmp_path, dead):
    mine = tmp_path / "Documents"
    mine.mkdir()
    (mine / dead("letter")).write_text("mine")
    (home / "linked").symlink_to(mine)
    (home / "images").symlink_to(mine)
    (home / dead("link")).symlink_to(mine / dead("letter"))
    (home / "Other").mkdir()
    (home / "Other" / dead("other")).write_text("theirs")
    (home / SUPERVISOR).write_text("")
    run = shipped / "shipped-a"
    run.mkdir()
    (run / "run.json").write_text("{}")
    (run / dead("run.json")).write_text("")
    folder = run_folder(make_run())
    (mine / "latest.pt").write_text("mine")
    (folder / "snapshots").symlink_to(mine)
    assert tidy() == [home / dead("link")]  # the link, not what it leads to
    assert everything(mine) == {dead("letter"), "latest.pt"}
    assert (home / "Other" / dead("other")).exists()
    assert (run / dead("run.json")).exists()


def test_a_home_that_is_not_there_is_no_trouble(home):
    home.rmdir()
    assert tidy() == []
    assert not home.exists()


@pytest.mark.parametrize(("state", "stays"), [("running", True), ("paused", True), ("finished", False), (None, False)])
def test_homes_of_cluster_jobs_stay_while_they_can_hold_what_has_not_come_back(home, make_run, state, stays):
    run_id = make_run(state=state) if state else "gone"
    (home / ELSEWHERE / run_id).mkdir(parents=True)
    tidy()
    assert (home / ELSEWHERE / run_id).is_dir() == stays
