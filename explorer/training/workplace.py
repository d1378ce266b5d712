"""A home of its own in which a worker trains one run, on this machine or on a node of a cluster."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from explorer.data.catalogue import data_folder
from explorer.files import appending, temporary_place
from explorer.processes import start_detached
from explorer.runs import mirror
from explorer.runs.control import Request, request
from explorer.runs.mirror import Changes, Seen, Start
from explorer.scratch import temporary_folder

PURPOSE = "elsewhere"
END_SECONDS = 10.0  # from the end of the tether to SIGKILL


class Workplace:
    """A worker in a temporary home; it pauses when this process ends.

    Args:
        data: the folder of data sets where the run was started; used if it is here too.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """

    def __init__(self, start: Start, data: str = "") -> None:
        self._home = temporary_folder(temporary_place(), PURPOSE)
        self._folder = self._home / start.facts.id
        mirror.unpack(start, self._folder)
        self._worker = start_worker(self._home, self._folder, start.facts.experiment, data)

    def changes(self, seen: Seen) -> Changes:
        """What is new since `seen`."""
        code = self._worker.poll()  # before the files are read
        new = mirror.changes(self._folder, seen)
        lost = code is not None and new.complete and not new.ended
        return replace(new, lost=f"its worker ended with code {code}") if lost else new

    def request(self, action: Request) -> None:
        """Ask the worker to pause or stop."""
        request(self._folder, action)

    def close(self) -> None:
        """End the worker and remove its home."""
        if self._worker.stdin:
            self._worker.stdin.close()
        try:
            self._worker.wait(END_SECONDS)
        except TimeoutExpired:
            with suppress(ProcessLookupError):
                self._worker.kill()
        shutil.rmtree(self._home, ignore_errors=True)


def start_worker(home: Path, folder: Path, experiment_id: str, data: str) -> Popen[bytes]:
    """Start the worker of the one run of an experiment in another home; it pauses when its input ends."""
    with appending(folder / "worker.log") as output:
        return start_detached(
            ["explorer.training.tethered", experiment_id, "0"],
            folder=home,
            output=output,
            environment={
                "EXPLORER_HOME": str(home),
                "EXPLORER_DATA": data if data and Path(data).is_dir() else str(data_folder()),
            },
            tethered=True,
        )
