"""Whether a worker still does something: a small file in the folder of each run that it trains.

It holds two numbers: when the worker was last heard, by a clock that all processes share until the machine is started
anew and that rests while a laptop sleeps; and how long it usually does not say anything, a step or the evaluation of a
batch, say.
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
BEAT_SECONDS = 0.5  # no oftener is it written
PATIENCE_SECONDS = 10.0  # without a sign of life, before a worker is taken for one that hangs
PATIENCE_PAUSES = 3.0  # the same in its usual pauses, where those are long
UNKNOWN_SECONDS = 120.0  # the same while nothing is known of its pauses: PyTorch and the images are being read

_LENGTH = 32  # bytes: a file that never grows can be written on a full disk


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of life.

    Attributes:
        at: seconds of `time.monotonic`.
        pause: seconds that usually are between two; 0 while that is not known.
    """

    at: float
    pause: float

    @property
    def patience(self) -> float:
        """Seconds without another sign after which the worker hangs."""
        return max(PATIENCE_SECONDS, PATIENCE_PAUSES * self.pause) if self.pause else UNKNOWN_SECONDS


class Heartbeat:
    """The signs of life of a worker, in the folders of all its runs; removed when it closes.

    Where the file cannot be made, there is none: training does not depend on it.
    """

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
        """Say that something was done; written at most twice a second."""
        now = time.monotonic()
        # the third longest pause so far is usual: a machine that was busy or stopped once or twice does not count
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
        text = f"{self._heard:.3f} {self._longest[0]:.3f}".ljust(_LENGTH - 1) + "\n"
        for file in self._files:
            with suppress(OSError):
                os.pwrite(file, text.encode(), 0)


def last_sign(folder: Path) -> Sign | None:
    """The last sign of life of the worker of the run in `folder`; None where there is none."""
    try:
        at, pause = map(float, read_file(folder / NAME, _LENGTH).split())
    except (FileNotFoundError, StorageError, ValueError):
        return None
    rounded = 0.001
    return Sign(at, pause) if 0 <= at <= time.monotonic() + rounded and pause >= 0 else None


def silent_seconds(folder: Path) -> float | None:
    """For how long a worker that hangs has not been heard; None for one that is as quick as usual."""
    sign = last_sign(folder)
    silence = 0.0 if sign is None else time.monotonic() - sign.at
    return silence if sign is not None and silence > sign.patience else None


def _opened(path: Path) -> int:
    with storage_errors(path):
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither a link nor a pipe
        return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o666)
