"""The trash: deleted runs, until they are restored or removed permanently.

Each deletion has a folder of its own. If its process dies, a complete deletion is removed at the next start, and an
incomplete one is undone.
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
UNDO_SECONDS = 3600.0
_WHOLE = "whole"  # a file that marks a complete deletion


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deletion, for `restore` or `discard`."""

    title: str
    run_ids: tuple[str, ...]
    folder: Path


def move_aside(title: str, run_ids: Sequence[str]) -> Deleted:
    """Move run folders to the trash, all of them or none.

    Raises:
        RunError: one is not a run of the user.
        StorageError: one cannot be moved; then none is.
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
        _restore_all(folder)
        raise
    deleted = Deleted(title, tuple(run_ids), folder)
    keep_for_undo(deleted)
    return deleted


def keep_for_undo(deleted: Deleted) -> None:
    """Protect a deletion from `discard_expired` for another hour."""
    now = time.monotonic()  # as the time of a file, which needs no space on a full disk
    with suppress(OSError):
        os.utime(deleted.folder / _WHOLE, (now, now))


def discard_expired() -> None:
    """Remove deletions that no open page has kept for undo within the last hour."""
    with suppress(OSError):
        for folder in home().glob(f".{PURPOSE}.*"):
            if time.monotonic() - (folder / _WHOLE).stat().st_mtime > UNDO_SECONDS:
                _remove(folder)


def restore(deleted: Deleted) -> None:
    """Undo a deletion.

    Raises:
        StorageError: it was removed permanently, a folder cannot be moved, or there is a new run with the same id.
    """
    if not deleted.folder.is_dir():
        raise StorageError(f"{deleted.title} was removed for good already, so it cannot be brought back.")
    with storage_errors(deleted.folder):
        _restore_all(deleted.folder)


def discard(deleted: Deleted) -> None:
    """Remove the runs of a deletion permanently.

    Raises:
        StorageError: a file cannot be removed; the runs stay deleted.
    """
    with storage_errors(deleted.folder), suppress(FileNotFoundError):
        _remove(deleted.folder)


def finish_interrupted() -> None:
    """Finish complete deletions and undo incomplete ones whose process has ended.

    Runs of an incomplete deletion are removed if there are new ones with the same id.
    """
    for folder in unowned(home(), PURPOSE):
        with suppress(OSError):
            if not (folder / _WHOLE).exists():
                for run in _runs(folder):
                    if not os.path.lexists(home() / run.name):
                        run.rename(home() / run.name)
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, renamed first so that a partly removed one is not restored."""
    doomed = folder.with_name(temporary_name("removed"))
    folder.rename(doomed)
    shutil.rmtree(doomed)


def _restore_all(folder: Path) -> None:
    """Restore all runs or none."""
    runs = _runs(folder)
    for run in runs:
        if os.path.lexists(home() / run.name):
            raise StorageError(
                f"{run.name} is there again, imported or trained since it was deleted. Delete that one, then undo this."
            )
    (folder / _WHOLE).unlink(missing_ok=True)  # incomplete from here on
    for run in runs:
        run.rename(home() / run.name)
    folder.rmdir()


def _runs(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.name != _WHOLE)
