"""Locks tell whether a process lives: whoever looks at one sees who holds it, and not others who look."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer import processes
from explorer.processes import CHECK_SECONDS, lock, lock_is_held

LOOKS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from explorer.processes import lock_is_held
with ThreadPoolExecutor(4) as threads:
    print(sum(map(bool, threads.map(lock_is_held, [Path(sys.argv[1])] * 1000))))
"""


@pytest.fixture(params=["shared", "taken"])
def look(request, monkeypatch):
    """Looks in both ways: where a lock can be shared, and as on Windows by taking it."""
    if request.param == "taken":
        monkeypatch.setattr(processes, "_is_locked", processes._is_locked_by_taking)
    elif os.name != "posix":
        pytest.skip("locks are shared through fcntl")
    return lock_is_held


def test_a_lock_is_held_while_it_is_held(look, tmp_path):
    path = tmp_path / "run.lock"
    assert look(path) is False
    with lock(path):
        assert look(path) is True
    assert look(path) is False
    assert look(tmp_path) is False, "no file"


def test_threads_that_look_do_not_see_each_other(look, tmp_path):
    path = tmp_path / "run.lock"
    path.touch()
    with ThreadPoolExecutor(4) as threads:
        assert not any(threads.map(look, [path] * 1000))


@pytest.mark.skipif(os.name != "posix", reason="locks are shared through fcntl")
def test_nor_do_processes(tmp_path):
    looking = two_processes_look(tmp_path / "run.lock")
    assert [process.communicate()[0].strip() for process in looking] == [b"0", b"0"]


@pytest.mark.skipif(os.name != "posix", reason="locks are shared through fcntl")
def test_who_takes_a_lock_that_others_look_at_gets_it(tmp_path):
    looking = two_processes_look(tmp_path / "run.lock")
    while any(process.poll() is None for process in looking):
        with lock(tmp_path / "run.lock", timeout=CHECK_SECONDS):
            pass
    for process in looking:
        process.communicate()


def two_processes_look(path):
    path.touch()
    return [subprocess.Popen([sys.executable, "-c", LOOKS, path], stdout=subprocess.PIPE) for _ in range(2)]


@pytest.mark.skipif(os.name != "posix", reason="locks are looked at through fcntl")
@pytest.mark.parametrize(("number", "held"), [(errno.EROFS, True), (errno.EACCES, None)])
def test_a_lock_that_cannot_be_written(number, held, tmp_path, monkeypatch):
    path, usual = tmp_path / "run.lock", os.open

    def open_read_only(path, flags, *rest):
        if flags & os.O_RDWR:
            raise OSError(number, os.strerror(number))
        return usual(path, flags, *rest)

    with lock(path):
        monkeypatch.setattr(os, "open", open_read_only)
        assert lock_is_held(path) is held
    assert lock_is_held(path) is (held and False)
