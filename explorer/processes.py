"""Processes of our own that outlive the page, the server and the terminal that started them, and whether they live."""

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from explorer.errors import StorageError
from explorer.files import PROJECT

# Threads of one process that wait for each other in a loop take the core that another process trains on: beside a
# training, networks are then measured in a fifth to a tenth of the time. It counts when PyTorch is imported.
WAIT_PASSIVELY = {"OMP_WAIT_POLICY": "PASSIVE"}


def start_detached(
    arguments: list[str], *, folder: Path, output: IO[bytes], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Run `python -m ARGUMENTS` in a session of its own.

    Args:
        arguments: a module and its arguments.
        folder: to work in; one that stays, since the process may outlive this program's own.
        output: where it prints.
        environment: changes to this process's.
    """
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # takes its exit status, or it stays a zombie
    return process


def rest(seconds: float) -> None:
    """Wait, also where `time.sleep` fails since the clock of this machine has been set years ahead."""
    try:
        time.sleep(seconds)
    except OSError:
        threading.Event().wait(seconds)


def lock(path: Path, *, timeout: float = -1) -> FileLock:
    """A lock on the file at `path`, which is made where it is missing.

    Args:
        timeout: seconds to wait for it at most; -1 waits for ever.

    Raises:
        StorageError: there is something else, such as a pipe, which would be waited for, or a link.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise StorageError(f"{path} is not a file. Remove it; the program makes it anew.")
    return FileLock(path, timeout=timeout)


def lock_is_held(path: Path) -> bool | None:
    """Whether a living process holds the lock file at `path`; any number may look at once.

    Who takes a lock should wait for `LOOK_SECONDS`: somebody may look at it now.

    None: it is another user's, so that this process cannot look.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False  # no process can hold what is no file
        return _is_taken(path) if sys.platform == "win32" else _is_locked(path)
    except FileNotFoundError:
        return False
    except OSError:
        return None


LOOK_SECONDS = 1.0  # far longer than a look takes
_TRIES_SECONDS = 0.1
_looking = threading.Lock()


def _is_taken(path: Path) -> bool:
    """By taking the lock, so that others must not look at the same time: threads wait, and processes try again."""
    try:
        with _looking, lock(path).acquire(timeout=_TRIES_SECONDS, poll_interval=_TRIES_SECONDS / 10):
            return False
    except Timeout:
        return True


def _is_locked(path: Path) -> bool:
    """By a shared lock, which many may have at once, but not while one has taken it for itself."""
    import fcntl  # there is none on Windows

    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)
