"""What pages say of a training that hangs, crashed or was ended from outside, and of a full temporary folder."""

import errno
import os
import re
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from explorer import scratch
from explorer.errors import StorageError
from explorer.runs.control import request
from explorer.runs.facts import WorkerProcess
from explorer.runs.store import run_folder, run_lock, update_run
from explorer.training import launch
from explorer.ui.build import code as build_code
from explorer.ui.widgets import experiment_export
from explorer.weights.uploads import write_upload
from tests.app.reading import shown, texts

RUN = "20260101-000000-aaaaaa-plain20-s0"


@pytest.fixture
def hanging(experiment):
    """A running experiment whose worker has not been heard for a minute."""
    made = experiment(networks=("plain20",), state="running")
    (run_folder(RUN) / "heartbeat").write_text(f"{time.monotonic() - 60:.3f} 0.100")
    with run_lock(run_folder(RUN)):
        yield made


@pytest.mark.parametrize("asked", [None, "stop"])
def test_a_training_that_hangs_is_told_and_can_be_asked_again(asked, hanging, open_page):
    if asked:
        request(run_folder(RUN), asked)
    page = open_page("train", experiment=hanging)
    (told,) = [each.value for each in page.warning if "does not answer" in each.value]
    assert "there has been no sign of it since " in told
    assert re.search(r"\([6-9][0-9] s\)", told)
    assert "running (does not answer)" in texts(page)
    assert [page.button(f"{name}-{hanging}").disabled for name in ("pause", "stop")] == [False, False]


def test_one_that_answers_is_not_asked_twice(hanging, open_page):
    (run_folder(RUN) / "heartbeat").write_text(f"{time.monotonic():.3f} 20.000")
    request(run_folder(RUN), "stop")
    page = open_page("train", experiment=hanging)
    assert "does not answer" not in texts(page)
    assert page.button(f"stop-{hanging}").disabled


def test_why_a_run_crashed_is_told_where_its_worker_could_still_say_it(experiment, open_page):
    made = experiment(networks=("plain20",), state="running")
    (run_folder(RUN) / "worker.log").write_text("reason: snapshots is read-only for this user.\n")
    page = open_page("train", experiment=made)
    assert "the training process is gone. snapshots is read-only for this user. The log is" in shown(page)


def test_one_that_was_ended_by_force_says_so_everywhere(experiment, open_page):
    made = experiment(networks=("plain20",), state="stopped", reason="Stopped by force: it did not answer for 10 s.")
    for name, query in (("train", {"experiment": made}), ("degradation", {"experiment": made}), ("home", {})):
        assert "stopped (forced)" in texts(open_page(name, **query)), name
    (table,) = open_page("runs").dataframe
    assert table.value["State"].tolist() == [["stopped (forced)"]]


def test_the_training_of_another_user_is_told_as_such(hanging, open_page, monkeypatch):
    me = psutil.Process()
    update_run(RUN, worker=WorkerProcess(pid=me.pid, started=me.create_time()))
    monkeypatch.setattr("explorer.runs.store.lock_is_held", lambda path: None)
    page = open_page("train", experiment=hanging)
    assert "running (another user's)" in texts(page)
    assert "plain20, seed 0 is trained by another user of this machine; only that user can pause or stop it." in texts(
        page
    )


@pytest.mark.parametrize("name", ["home", "runs", "train", "degradation"])
def test_every_page_that_polls_starts_what_waits_in_the_queue(name, experiment, open_page, monkeypatch):
    made = experiment(networks=("plain20",), state="queued")
    started = []
    monkeypatch.setattr(launch, "start_next", lambda: started.append(1))
    open_page(name, **({} if name in ("home", "runs") else {"experiment": made}))
    assert started


@pytest.fixture(params=["full", "none can be written"])
def no_room(request, monkeypatch):
    """The system's folder for temporary files takes nothing."""

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    if request.param == "full":
        monkeypatch.setattr(Path, "mkdir", full)
    else:
        monkeypatch.setattr(tempfile, "gettempdir", none)


@pytest.mark.parametrize(
    "write",
    [
        lambda made: write_upload("net.pt", b"weights"),
        partial(experiment_export._zip, all_snapshots=False),
        lambda made: build_code._folder(),
    ],
    ids=["weights", "zip of an experiment", "ONNX"],
)
def test_without_room_for_temporary_files_one_line_says_so(write, no_room):
    build_code._folder.clear()
    with pytest.raises(StorageError) as error:
        write("20260101-000000-aaaaaa")
    assert str(error.value).count("\n") == 0
    assert "The disk is full" in str(error.value) or "No usable temporary directory found" in str(error.value)


def test_files_for_downloads_name_their_owner(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    build_code._folder.clear()
    write_upload("net.pt", b"weights")
    for folder in (build_code._folder(), *tmp_path.iterdir()):
        assert f".{scratch._identity(os.getpid())}." in folder.name
    build_code._folder.clear()
