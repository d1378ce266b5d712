"""Starting the processes of an experiment."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any, Literal

import psutil

from explorer.data.catalogue import data_folder
from explorer.errors import StorageError
from explorer.files import appending, home
from explorer.processes import start_detached
from explorer.runs.facts import WorkerProcess
from explorer.runs.store import run_folder, update_run


def begin(module: Literal["worker", "coordinator"], run_ids: Sequence[str], *arguments: str, **facts: Any) -> None:
    """Start the process that trains some queued runs, and store it in their facts.

    Args:
        arguments: of the process.
        facts: further changes of the runs.

    Raises:
        StorageError: a file of a run cannot be written; then they are queued as before.
    """
    try:
        for run_id in run_ids:
            update_run(run_id, state="starting", worker=None, **facts)
        process = spawn(module, *arguments, folder=run_folder(run_ids[0]))
    except StorageError:
        for run_id in run_ids:
            with suppress(StorageError):
                update_run(run_id, state="queued")
        raise
    started = time.time()
    with suppress(psutil.NoSuchProcess):  # it has ended already; the log says why
        started = psutil.Process(process.pid).create_time()
    for run_id in run_ids:
        update_run(run_id, worker=WorkerProcess(pid=process.pid, started=started))


def spawn(module: Literal["worker", "coordinator", "watchdog"], *arguments: str, folder: Path) -> Popen[bytes]:
    """Start a process of `explorer.training`, with its output in the log of the run in `folder`."""
    with appending(folder / "worker.log") as output:
        return start_detached(
            [f"explorer.training.{module}", *arguments],
            folder=home(),
            output=output,
            environment={"EXPLORER_HOME": str(home()), "EXPLORER_DATA": str(data_folder())},
        )
