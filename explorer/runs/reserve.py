"""Disk space reserved by a worker, so that it can report why it ended when the disk is full."""

import os
from contextlib import suppress
from pathlib import Path

from explorer.scratch import temporary_name

BYTES = 128 * 1024  # run.json, a stack trace and what SQLite needs to close take a tenth of it


class Reserve:
    """A file that takes up space in a folder until released; missing if there is no space."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / temporary_name("reserve")
        with suppress(OSError), self._path.open("xb") as file:
            file.write(os.urandom(BYTES))  # not compressible by any file system
            file.flush()
            os.fsync(file.fileno())

    def release(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
