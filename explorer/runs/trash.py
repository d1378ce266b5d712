"""Deleted runs between the click and the end: set aside, brought back, or removed for good.

A folder of its own holds what one deletion took. Where its process dies, what was wholly set aside is removed at the
next start, and what was only half is brought back.
"""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError, RunError, StorageError
from explorer.files import home, storage_errors
from explorer.processes import lock_is_held
from explorer.runs.store import SHIPPED_ID, is_run_folder, run_folder
from explorer.scratch import temporary_folder, temporary_name, unowned

PURPOSE = "deleted"
FORGOTTEN_SECONDS = 3600.0
_WHOLE = "whole"  # a file that says that all the runs are there


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion took: `restore` brings it back, `discard` removes it."""

    title: str
    run_ids: tuple[str, ...]
    folder: Path


def move_aside(title: str, run_ids: Sequence[str]) -> Deleted:
    """Move run folders out of every list, all of them or none.

    Raises:
        RunError: one is not a run of the user's.
        StorageError: one cannot be moved; those that were are back.
    """
    sources = [run_folder(run_id) for run_id in run_ids]
    for source in sources:
        if source.name.startswith(SHIPPED_ID) or source.parent != home() or not is_run_folder(source):
            raise RunError(f"{source.name} is not a run in {home()}. Nothing was deleted.")
    with storage_errors(home()):
        folder = temporary_folder(home(), PURPOSE)
    try:
        for source in sources:
            with storage_errors(source):
                source.rename(folder / source.name)
            if lock_is_held(folder / source.name / "run.lock"):
                raise RunError(f"{source.name} has just begun to train. Stop it first, then delete it.")
        with storage_errors(folder):
            (folder / _WHOLE).touch()
    except ExplorerError:
        _bring_back(folder)
        raise
    deleted = Deleted(title, tuple(run_ids), folder)
    remember(deleted)
    return deleted


def remember(deleted: Deleted) -> None:
    """Somebody may still want it back: `discard_forgotten` leaves it for another hour."""
    now = time.monotonic()  # as the time of a file, which takes no room on a full disk
    with suppress(OSError):
        os.utime(deleted.folder / _WHOLE, (now, now))


def discard_forgotten() -> None:
    """Remove for good what was set aside on a page that has been closed: nothing says so, but nobody asks any more."""
    with suppress(OSError):
        for folder in home().glob(f".{PURPOSE}.*"):
            if time.monotonic() - (folder / _WHOLE).stat().st_mtime > FORGOTTEN_SECONDS:
                _remove(folder)


def restore(deleted: Deleted) -> None:
    """Bring back what was deleted.

    Raises:
        StorageError: it was removed for good, a folder cannot be moved, or a run of the same id has come since.
    """
    if not deleted.folder.is_dir():
        raise StorageError(f"{deleted.title} was removed for good already, so it cannot be brought back.")
    with storage_errors(deleted.folder):
        _bring_back(deleted.folder)


def discard(deleted: Deleted) -> None:
    """Remove for good what was deleted.

    Raises:
        StorageError: a file cannot be removed; the runs are in no list all the same.
    """
    with storage_errors(deleted.folder), suppress(FileNotFoundError):
        _remove(deleted.folder)


def clear_unowned() -> None:
    """Finish what a process that is gone had begun to delete: bring back what is half, remove what is whole.

    Of what is half, those runs are removed in whose place others of the same id have come since.
    """
    for folder in unowned(home(), PURPOSE):
        with suppress(OSError):
            if not (folder / _WHOLE).exists():
                for run in _runs(folder):
                    if not os.path.lexists(home() / run.name):
                        run.rename(home() / run.name)
            _remove(folder)


def _remove(folder: Path) -> None:
    """What a kill leaves of it is removed at the next start, and not brought back."""
    doomed = folder.with_name(temporary_name("removed"))
    folder.rename(doomed)
    shutil.rmtree(doomed)


def _bring_back(folder: Path) -> None:
    """All runs or none."""
    runs = _runs(folder)
    for run in runs:
        if os.path.lexists(home() / run.name):
            raise StorageError(
                f"{run.name} is there again, imported or trained since it was deleted. Delete that one, then undo this."
            )
    (folder / _WHOLE).unlink(missing_ok=True)  # from here on it is half again
    for run in runs:
        run.rename(home() / run.name)
    folder.rmdir()


def _runs(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.name != _WHOLE)
