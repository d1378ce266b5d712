"""Removal of files left behind by killed processes of this program."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from explorer.errors import ExplorerError
from explorer.files import home, temporary_place
from explorer.runs import arrival, heartbeat, trash
from explorer.runs.state_files import LATEST, PREVIOUS, remove_states
from explorer.runs.store import checkpoint_folder, is_run_folder, read_facts, run_lock
from explorer.scratch import remove_unowned

ELSEWHERE = ".elsewhere"  # folder of the homes in which jobs of a cluster train, each named after its run


OVER = ("finished", "failed")


def tidy() -> list[Path]:
    """Remove orphaned temporary files and files that matter only while a run is trained; never raises.

    First finishes or undoes imports and deletions whose process has ended.

    Returns:
        The paths removed.
    """
    arrival.finish_interrupted()
    trash.finish_interrupted()
    folders: list[Path] = []
    with suppress(OSError):
        folders = [folder for folder in home().iterdir() if is_run_folder(folder)]
    places = [*_places(), *(place for folder in folders for place in _within(folder))]
    removed = remove_unowned(places, but=(arrival.PURPOSE, trash.PURPOSE))  # these can have the only copy of a run
    for folder in folders:
        with suppress(OSError, ExplorerError):  # read-only, or just removed
            removed += _remove_left(folder)
    return removed + _remove_elsewhere()


def _places() -> Iterator[Path]:
    """Folders with temporary files, except run folders; links are not followed."""
    for place in (home(), checkpoint_folder(), home() / "images"):
        if place == home() or not place.is_symlink():
            yield place
    with suppress(ExplorerError):  # none is writable
        yield temporary_place()


def _within(folder: Path) -> list[Path]:
    return [place for place in (folder, folder / "snapshots") if not place.is_symlink()]


def _remove_elsewhere() -> list[Path]:
    """Remove homes of jobs whose run is gone or has ended; the others can hold what has not come back yet."""
    removed = []
    with suppress(OSError):
        for place in (home() / ELSEWHERE).iterdir():
            with suppress(ExplorerError):
                if is_run_folder(home() / place.name) and read_facts(home() / place.name).state not in OVER:
                    continue
            shutil.rmtree(place, ignore_errors=True)
            removed.append(place)
    return removed


def _remove_left(folder: Path) -> list[Path]:
    """Remove files of an ended worker from a run folder, holding its lock so that no worker starts."""
    beat, states = folder / heartbeat.NAME, _within(folder)[-1]
    if not any(path.is_file() for path in (beat, states / LATEST, states / PREVIOUS)):
        return []
    removed = []
    with suppress(Timeout), run_lock(folder).acquire(timeout=0):
        if beat.is_file():
            beat.unlink()
            removed.append(beat)
        if states != folder and read_facts(folder).state == "finished":
            removed += remove_states(folder)
    return removed
