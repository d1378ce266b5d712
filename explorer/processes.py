"""Detached processes, and locks that show whether they are alive."""

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

# Busy-waiting OpenMP threads take cores from a training process: with passive waiting, measurements during a training
# take a fifth to a tenth of the time. Must be set before PyTorch is imported.
WAIT_PASSIVELY = {"OMP_WAIT_POLICY": "PASSIVE"}


def wait_passively() -> None:
    """Disable busy-waiting of PyTorch's threads; call it before PyTorch is imported."""
    os.environ.update(WAIT_PASSIVELY | os.environ)


def start_detached(
    arguments: list[str], *, folder: Path, output: IO[bytes], environment: Mapping[str, str], tethered: bool = False
) -> subprocess.Popen[bytes]:
    """Run `python -m ARGUMENTS` in a new session, so that it outlives this process and its terminal.

    Args:
        arguments: a module and its arguments.
        folder: the working directory; a permanent one.
        output: file for its output.
        environment: changes to this process's environment.
        tethered: give it a pipe as input, which ends with this process.
    """
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | dict(environment),
        stdin=subprocess.PIPE if tethered else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # reaps it, so that it leaves no zombie
    return process


def sleep(seconds: float) -> None:
    """Wait, even if `time.sleep` fails because the system clock was set years ahead."""
    try:
        time.sleep(seconds)
    except OSError:
        threading.Event().wait(seconds)


def lock(path: Path, *, timeout: float = -1) -> FileLock:
    """A lock on the file at `path`, created if missing.

    Args:
        timeout: seconds to wait for it at most; -1 waits without limit.

    Raises:
        StorageError: `path` is not a regular file, such as a link, or a pipe, which would block.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise StorageError(f"{path} is not a file. Remove it; the program makes it anew.")
    return FileLock(path, timeout=timeout)


def lock_is_held(path: Path) -> bool | None:
    """Whether a living process holds the lock file at `path`; None if it is another user's and cannot be checked.

    A check can hold the lock for a moment, so acquire locks with a timeout of `CHECK_SECONDS`.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False  # only regular files can be locked
        return _is_locked_by_taking(path) if sys.platform == "win32" else _is_locked(path)
    except FileNotFoundError:
        return False
    except OSError:
        return None


CHECK_SECONDS = 1.0  # far longer than a check takes
_RETRY_SECONDS = 0.1
_checking = threading.Lock()


def _is_locked_by_taking(path: Path) -> bool:
    """Check by acquiring the lock: threads take turns, and processes retry, since checks exclude each other."""
    try:
        with _checking, lock(path).acquire(timeout=_RETRY_SECONDS, poll_interval=_RETRY_SECONDS / 10):
            return False
    except Timeout:
        return True


def _is_locked(path: Path) -> bool:
    """Check by acquiring a shared lock, which an exclusive lock excludes but other checks do not."""
    import fcntl  # not on Windows

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
