"""Removing what processes that were killed have left behind; nothing that a living one owns, nothing of others."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from explorer.errors import ExplorerError
from explorer.files import home, temporary_place
from explorer.runs import arrival, heartbeat, trash
from explorer.runs.state_files import LATEST
from explorer.runs.store import checkpoint_folder, is_run_folder, read_facts, run_lock
from explorer.scratch import remove_unowned


def tidy() -> list[Path]:
    """Remove temporary files without an owner, and what only counts while a run is trained; never raises.

    Imports and deletions whose process is gone are finished or undone before.

    Returns:
        What was removed.
    """
    arrival.finish_unowned()
    trash.clear_unowned()
    folders = _run_folders()
    places = [*_places(), *(place for folder in folders for place in _within(folder))]
    removed = remove_unowned(places, but=(arrival.PURPOSE, trash.PURPOSE))  # with the only copy of a run in them
    for folder in folders:
        with suppress(OSError, ExplorerError):  # read-only, or gone by now
            removed += _remove_left(folder)
    return removed


def _run_folders() -> list[Path]:
    try:
        return [folder for folder in home().iterdir() if is_run_folder(folder)]
    except OSError:
        return []


def _places() -> Iterator[Path]:
    """Where temporary files may be, beside the run folders; links are not followed."""
    for place in (home(), checkpoint_folder(), home() / "images"):
        if place == home() or not place.is_symlink():
            yield place
    with suppress(ExplorerError):  # there is none
        yield temporary_place()


def _within(folder: Path) -> list[Path]:
    return [place for place in (folder, folder / "snapshots") if not place.is_symlink()]


def _remove_left(folder: Path) -> list[Path]:
    """What a worker has left in a run folder, while its lock is held, so that none begins now."""
    beat, latest = folder / heartbeat.NAME, _within(folder)[-1] / LATEST
    if not beat.is_file() and not latest.is_file():
        return []
    removed = []
    with suppress(Timeout), run_lock(folder).acquire(timeout=0):
        if beat.is_file():
            beat.unlink()
            removed.append(beat)
        if latest.is_file() and read_facts(folder).state == "finished":
            latest.unlink()
            removed.append(latest)
    return removed
