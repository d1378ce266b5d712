"""Temporary files and folders that say whose they are, so that what no living process owns can be removed."""

import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

ENDING = ".tmp"
UNOWNED_SECONDS = 24 * 3600.0  # a file whose name tells no owner, as earlier versions wrote them, is left alone so long

_OWNED = re.compile(r"\..+\.([0-9]{1,10})-([0-9]{1,15})\.[0-9a-f]{8}\.tmp")
_UNOWNED = re.compile(r"\..+\.(?:json|pt|safetensors|zip)\.[0-9a-f]{8}\.tmp")  # files of earlier versions


def temporary_name(purpose: str) -> str:
    """A hidden name that no other file has, made of `purpose` and this process's identity."""
    return f".{purpose[:80]}.{_identity(os.getpid())}.{secrets.token_hex(4)}{ENDING}"


def temporary_folder(parent: Path, purpose: str) -> Path:
    """Make an empty folder of such a name, for this user alone."""
    folder = parent / temporary_name(purpose)
    folder.mkdir(mode=0o700)
    return folder


def unowned(folder: Path, purpose: str = "") -> list[Path]:
    """The temporary files and folders in `folder` whose process is gone; of one `purpose` only where it is given."""
    start = f".{purpose[:80]}." if purpose else "."
    return [path for path in _entries(folder) if path.name.startswith(start) and _is_unowned(path)]


def remove_unowned(folders: Iterable[Path], purpose: str = "", *, but: Collection[str] = ()) -> list[Path]:
    """Remove what is `unowned` in `folders`; links are not followed.

    Args:
        folders: in which to look.
        purpose: see `unowned`.
        but: purposes that stay.

    Returns:
        What was removed.
    """
    removed = []
    stay = tuple(f".{each}." for each in but)
    for path in (entry for folder in folders for entry in unowned(folder, purpose)):
        if path.name.startswith(stay):
            continue
        with suppress(OSError):  # of another user, or removed by another process just now
            _remove(path)
            removed.append(path)
    return removed


def _entries(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.name.startswith(".")]
    except OSError:
        return []


def _is_unowned(path: Path) -> bool:
    owned = _OWNED.fullmatch(path.name)
    if owned is not None:
        return _birth(int(owned[1])) != int(owned[2])
    try:
        facts = path.lstat() if _UNOWNED.fullmatch(path.name) else None
        return facts is not None and stat.S_ISREG(facts.st_mode) and time.time() - facts.st_mtime > UNOWNED_SECONDS
    except OSError:
        return False


def _remove(path: Path) -> None:
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


@cache
def _identity(pid: int) -> str:
    return f"{pid}-{_birth(pid)}"


def _birth(pid: int) -> int | None:
    """When a living process began, in hundredths of a second since the machine did: no change of the clock moves it."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round((process.create_time() - psutil.boot_time()) * 100)
    except (psutil.Error, OverflowError):
        return None
