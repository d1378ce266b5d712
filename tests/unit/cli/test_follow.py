"""Following an experiment in a terminal, and how one that does not answer is told there."""

import json
import time
from types import SimpleNamespace

import psutil
import pytest
from filelock import FileLock

from explorer.cli.follow import until_end
from explorer.cli.main import main
from explorer.errors import StorageError
from explorer.runs.facts import WorkerProcess
from explorer.runs.store import run_folder, run_lock, update_run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "runs"))


def answer(capsys, *arguments):
    """What a command prints with --json, read as JSON."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def hanging(make_run, monkeypatch):
    """An experiment whose worker has not been heard for a minute; gives a switch that ends it in some state."""
    made = "e1"
    folder = run_folder(make_run(state="running"))
    (folder / "heartbeat").write_text(f"{time.monotonic() - 60:.3f} 0.100")
    lock = run_lock(folder)
    lock.acquire()
    monkeypatch.setattr("explorer.training.starting.start_detached", lambda *arguments, **options: None)

    def end(state, reason=""):
        lock.release()
        update_run(folder.name, state=state, reason=reason)

    yield made, end
    lock.release()


def test_a_training_that_does_not_answer_is_told_as_such(capsys, hanging):
    made, _ = hanging
    assert answer(capsys, "runs", "list")[0]["silent_seconds"] == pytest.approx(60, abs=10)
    shown = answer(capsys, "runs", "show", made)
    assert shown["runs"][0]["silent_seconds"] == pytest.approx(60, abs=10)
    assert shown["runs"][0]["state"] == "running"
    for arguments in (("list",), ("show", made), ("show", f"{made}-plain8-s0")):
        assert main(["runs", *arguments]) == 0
        assert "running (does not answer)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("paused", "", "Paused {0}. Go on with: python -m explorer runs resume {0} --follow"),
        ("paused", "Stopped by force: ...", "Paused {0} by force, since it did not answer. Go on with: "),
        ("finished", "", "{0} is finished.\n"),
        ("stopped", "", "{0} is stopped. Go on with: python -m explorer runs resume {0} --follow"),
        (
            None,
            "",
            "{0} is not paused yet: it does not answer. It will pause when it can; see `python -m explorer runs",
        ),
    ],
)
def test_ctrl_c_says_what_has_become_of_the_experiment(state, reason, said, capsys, hanging, monkeypatch):
    made, end = hanging
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 1:
            raise KeyboardInterrupt
        if len(looks) == 3 and state:
            end(state, reason)

    monkeypatch.setattr("explorer.training.following.sleep", sleep)
    monkeypatch.setattr("explorer.training.following.PAUSE_SECONDS", 0.2)
    with pytest.raises(KeyboardInterrupt):
        until_end(made)
    assert said.format(made) in capsys.readouterr().err


def test_ctrl_c_waits_while_somebody_sees_to_it_and_a_second_one_leaves(capsys, hanging, monkeypatch):
    made, _ = hanging
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) in (1, 5):
            raise KeyboardInterrupt

    monkeypatch.setattr("explorer.training.following.sleep", sleep)
    monkeypatch.setattr("explorer.training.following.PAUSE_SECONDS", 0)
    with FileLock(run_folder(f"{made}-plain8-s0") / "watchdog.lock"), pytest.raises(KeyboardInterrupt):
        until_end(made)
    assert len(looks) == 5
    assert "is not paused yet" in capsys.readouterr().err


def test_an_experiment_is_followed_whatever_the_clock_says(capsys, hanging, monkeypatch):
    made, end = hanging

    def sleep(seconds):
        end("paused")
        raise OSError(22, "Invalid argument")

    clock = SimpleNamespace(**vars(time) | {"sleep": sleep})  # of this module only: other threads sleep too
    monkeypatch.setattr("explorer.processes.time", clock)
    assert until_end(made).state == "paused"


@pytest.mark.parametrize("action", ["pause", "stop"])
def test_the_training_of_another_user_is_told_as_such(action, capsys, hanging, monkeypatch):
    made, _ = hanging
    me = psutil.Process()
    update_run(f"{made}-plain8-s0", worker=WorkerProcess(pid=me.pid, started=me.create_time()))
    monkeypatch.setattr("explorer.runs.store.lock_is_held", lambda path: None)

    def refused(folder, action):
        raise StorageError("The folder is read-only.")

    monkeypatch.setattr("explorer.training.launch.request", refused)
    assert main(["runs", "list"]) == 0
    assert "running (another user's)" in capsys.readouterr().out
    assert main(["runs", action, made]) == 1
    assert capsys.readouterr().err == (
        "error: e1-plain8-s0 is trained by another user of this machine, in a folder that you may not write: "
        f"only that user can {action} it.\n"
    )
