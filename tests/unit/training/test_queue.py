"""What somebody else's run folder holds does not stop the queue."""

import pytest

from explorer.errors import StorageError
from explorer.runs.facts import WorkerProcess
from explorer.runs.store import read_run, run_folder
from explorer.training import launch, starting


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("EXPLORER_HOME", str(home))
    monkeypatch.setattr(starting, "start_detached", lambda *_, **__: WorkerProcess(pid=1, started=0.0))
    return home


@pytest.mark.parametrize("state", ["queued", "starting"])
@pytest.mark.parametrize("name", ["facts.lock", "worker.log"])
def test_a_run_that_cannot_be_started_lets_the_others_pass(make_run, tmp_path, name, state):
    odd = run_folder(make_run(experiment="odd", state=state))
    (tmp_path / "thesis").write_text("precious")
    (odd / name).symlink_to(tmp_path / "thesis")
    make_run(experiment="good", state="queued", queued=2.0)
    assert launch.start_next() == "good"
    assert (tmp_path / "thesis").read_text() == "precious"


def test_one_that_cannot_be_started_alone_says_why_and_waits(make_run, tmp_path):
    run_id = make_run(state="queued")
    (run_folder(run_id) / "worker.log").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="worker.log"):
        launch.start_next()
    assert read_run(run_id).state == "queued"


def test_a_link_in_place_of_the_lock_of_the_queue_is_named(home, tmp_path):
    (home / "supervisor.lock").symlink_to(tmp_path / "thesis")
    with pytest.raises(StorageError, match="supervisor.lock is not a file. Remove it"):
        launch.start_next()
