"""Heartbeats of workers: a small file in the folder of each run, by which workers that hang are detected.

It holds three numbers: the time of the last heartbeat, by a monotonic clock that processes share until the next boot
and that stops while the machine sleeps; the usual pause between two, such as a step or the evaluation of a batch; and
the step of the least advanced run of the worker, for which the other workers of its experiment wait.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError, StorageError
from explorer.files import read_file, storage_errors

NAME = "heartbeat"
BEAT_SECONDS = 0.1  # between two writes at least
PATIENCE_SECONDS = 10.0  # without a heartbeat before a worker counts as hanging, at least
PATIENCE_PAUSES = 3.0  # the same as a multiple of its usual pause
UNKNOWN_SECONDS = 120.0  # the same while its pause is unknown: PyTorch and the images are being read

_LENGTH = 48  # bytes; a file of constant size can be written on a full disk


@dataclass(frozen=True, slots=True)
class Sign:
    """A heartbeat.

    Attributes:
        at: its time, in seconds of `time.monotonic`.
        pause: the usual seconds between two; 0 while unknown.
        step: of the worker's least advanced run; 0 in the file of an earlier version.
    """

    at: float
    pause: float
    step: int = 0

    @property
    def patience(self) -> float:
        """Seconds without another heartbeat after which the worker counts as hanging."""
        return max(PATIENCE_SECONDS, PATIENCE_PAUSES * self.pause) if self.pause else UNKNOWN_SECONDS


class Heartbeat:
    """The heartbeat of a worker in the folders of all its runs, removed when closed.

    Files that cannot be written are skipped: training does not depend on them.

    Attributes:
        step: of the least advanced run, to be told with the next heartbeat.
    """

    step = 0

    def __init__(self, folders: Iterable[Path]) -> None:
        self._paths = [folder / NAME for folder in folders]
        self._files: list[int] = []
        self._longest = [0.0, 0.0, 0.0]
        self._heard = time.monotonic()
        self._written = 0.0
        for path in self._paths:
            with suppress(ExplorerError):
                self._files.append(_opened(path))
        self._write()

    def beat(self) -> None:
        """Record a heartbeat; written at most ten times a second."""
        now = time.monotonic()
        # the third longest pause so far counts as usual: one or two may be due to a busy or suspended machine
        self._longest = sorted([*self._longest, now - self._heard])[1:]
        self._heard = now
        if now - self._written >= BEAT_SECONDS:
            self._write()

    def close(self) -> None:
        """Remove the files."""
        for file in self._files:
            os.close(file)
        self._files.clear()
        for path in self._paths:
            with suppress(OSError):
                path.unlink()

    def _write(self) -> None:
        self._written = self._heard
        text = f"{self._heard:.3f} {self._longest[0]:.3f} {self.step}".ljust(_LENGTH - 1) + "\n"
        for file in self._files:
            with suppress(OSError):
                os.pwrite(file, text.encode(), 0)


def last_sign(folder: Path) -> Sign | None:
    """The last heartbeat of the worker of the run in `folder`; None if there is none."""
    try:
        at, pause, *step = read_file(folder / NAME, _LENGTH).split()
        sign = Sign(float(at), float(pause), *map(int, step))
    except (FileNotFoundError, StorageError, ValueError, TypeError):
        return None
    rounded = 0.001
    return sign if 0 <= sign.at <= time.monotonic() + rounded and sign.pause >= 0 and sign.step >= 0 else None


def silent_seconds(folder: Path) -> float | None:
    """Time since the last heartbeat of a worker that hangs; None if it does not hang."""
    sign = last_sign(folder)
    silence = 0.0 if sign is None else time.monotonic() - sign.at
    return silence if sign is not None and silence > sign.patience else None


def _opened(path: Path) -> int:
    with storage_errors(path):
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither a link nor a pipe
        return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o666)
