"""Room on the disk that a worker holds back, so that it can say why it ended where the disk is full."""

import os
from contextlib import suppress
from pathlib import Path

from explorer.scratch import temporary_name

BYTES = 128 * 1024  # run.json, a stack trace and what SQLite needs to close take a tenth of it


class Reserve:
    """A file that takes room in a folder until it is given back; where there is no room, there is none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / temporary_name("reserve")
        with suppress(OSError), self._path.open("xb") as file:
            file.write(os.urandom(BYTES))  # no file system makes that smaller
            file.flush()
            os.fsync(file.fileno())

    def give_back(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
