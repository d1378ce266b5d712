"""What a process holds for a run that it trains."""

import os
import sys
import time
from contextlib import suppress

from explorer.errors import StorageError
from explorer.files import appending
from explorer.runs.reserve import Reserve
from explorer.runs.store import Run, run_lock

LOCK_SECONDS = 10.0  # a page that checks whether the run is alive can hold its lock for a moment


class Resources:
    """The resources that a worker holds for a run: lock, log, and reserved disk space for its final state."""

    def __init__(self, run: Run) -> None:
        self.lock = run_lock(run.path)
        self.lock.acquire(timeout=LOCK_SECONDS)
        self.reserve = Reserve(run.path)
        self._log: int | None = None
        with suppress(StorageError), appending(run.path / "worker.log") as log:
            self._log = os.dup(log.fileno())  # writable even if the folder no longer is
        self.log(f"{now()} worker {os.getpid()} trains {run.id}")

    def log(self, text: str) -> None:
        """Write a line to the run's log."""
        with suppress(OSError):  # a full disk
            os.write(sys.stdout.fileno() if self._log is None else self._log, f"{text}\n".encode())

    def close(self) -> None:
        self.reserve.release()
        self.lock.release()
        if self._log is not None:
            os.close(self._log)


def now() -> str:
    """Date and time, for logs."""
    return time.strftime("%Y-%m-%d %H:%M:%S")
