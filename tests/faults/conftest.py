"""Good runs, trained once by a worker's own code, that the tests copy and then harm."""

import os
import resource
import shutil
import signal
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st

from explorer.runs import store
from explorer.runs.experiments import experiment
from explorer.training import launch, starting
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from tests.app.conftest import open_page, pytorch_process  # noqa: F401 the same app, opened the same way

SECRET = "what stands outside of the home is nobody else's"
LONG = 5.0  # seconds of computing, whatever else this machine does: more than anything that a file says may cost
LARGE = 2**29  # bytes: nothing that a file says may fill the disk
NO_PROCESS = 2**31 - 1  # a number that no process has
PAUSED_AT = 7
PLAN = Plan(
    networks=("plain8-w1",),
    recipe=Recipe(
        steps=10, batch_size=16, learning_rate=0.03, evaluate_every=5, evaluate_images=20, last_images=20, probe_every=5
    ),
)


@dataclass(frozen=True, slots=True)
class Trained:
    """Folders of two runs of `PLAN`: one finished, one paused after step `PAUSED_AT`."""

    finished: Path
    paused: Path


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    from explorer.training import worker
    from explorer.training.session import Session, Shared

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_HOME", str(tmp_path_factory.mktemp("trained")))
        patch.setattr(store, "SHIPPED", tmp_path_factory.mktemp("nothing"))
        finished = launch.queue(PLAN)
        assert worker.main(finished) == 0
        paused = launch.queue(PLAN.model_copy(update={"seeds": (1,)}))
        session = Session(experiment(paused).runs[0], Shared())
        while session.step < PAUSED_AT:
            session.advance()
        session.leave("paused")
        folders = [experiment(each).runs[0].path for each in (finished, paused)]
    signal.signal(signal.SIGTERM, handler)
    for folder in folders:
        (folder / "worker.log").write_text(f"2026-01-01 00:00:00 worker 1 starts {folder.name}\n")
    return Trained(*folders)


@pytest.fixture(scope="session")
def make_home(trained):
    """Makes a home with the two good runs, in a folder that has another beside it, `outside`; gives the home.

    In `outside` are a copy of the finished run, a file that contains `SECRET` and a large one.
    """

    def made(folder):
        home = folder / "home"
        for each in (trained.finished, trained.paused):
            shutil.copytree(each, home / each.name)
        shutil.copytree(trained.finished, folder / "outside" / "run")
        (folder / "outside" / "secret.txt").write_text(f"{SECRET}\n" * 50)
        (folder / "outside" / "zeros.bin").touch()
        os.truncate(folder / "outside" / "zeros.bin", 200_000_000)
        return home

    return made


@pytest.fixture
def home(tmp_path, monkeypatch, make_home):
    """A home of the test's own with the two good runs."""
    st.cache_data.clear()
    monkeypatch.setenv("EXPLORER_HOME", str(made := make_home(tmp_path)))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    return made


@pytest.fixture(autouse=True)
def no_worker(request, monkeypatch):
    """What is started is marked as started, and no process begins, but where a test asks for `workers`."""
    if "workers" not in request.fixturenames:
        monkeypatch.setattr(starting, "start_detached", lambda *_, **__: SimpleNamespace(pid=NO_PROCESS))


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    """A query that never ends is ended by the test where the program does not: no timeout of pytest can do that."""
    connect = sqlite3.connect

    def limited(*arguments, **options):
        database, end = connect(*arguments, **options), time.process_time() + LONG
        database.set_progress_handler(lambda: time.process_time() > end, 100_000)
        return database

    monkeypatch.setattr(sqlite3, "connect", limited)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def unblocked(home):
    """Let go on what waits for somebody to write into a pipe of this home; gives the list of such pipes.

    A wait inside of SQLite is not ended by a timeout of pytest.
    """
    pipes = [path for path in home.rglob("*") if path.is_fifo()]
    waited, over = [], threading.Event()

    def watch():
        while not over.wait(0.5):
            for path in pipes:
                with suppress(OSError):
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # fails where nobody waits
                    waited.append(path.name)
                with suppress(OSError):
                    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # lets go on who waits for a reader

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield waited
    over.set()
    thread.join()


def listing(folder):
    """Every path below a folder with its size and time of change; links are not followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        known = path.lstat()
        found[str(path.relative_to(folder))] = (known.st_size, known.st_mtime_ns)
    return found


def same(a, b):
    """Whether two states are equal, bit for bit."""
    import torch  # the tests that need no weights begin without it

    if isinstance(a, torch.Tensor):
        return (
            isinstance(b, torch.Tensor)
            and (a.dtype, a.shape) == (b.dtype, b.shape)
            and a.contiguous().reshape(-1).view(torch.uint8).equal(b.contiguous().reshape(-1).view(torch.uint8))
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
