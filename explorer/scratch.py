"""Temporary files and folders that name the process that owns them, so that orphans can be removed."""

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
UNOWNED_SECONDS = 24 * 3600.0  # age before a file of an earlier version, whose name has no owner, is removed

_OWNED = re.compile(r"\..+\.([0-9]{1,10})-([0-9]{1,15})\.[0-9a-f]{8}\.tmp")
_UNOWNED = re.compile(r"\..+\.(?:json|pt|safetensors|zip)\.[0-9a-f]{8}\.tmp")  # files of earlier versions


def temporary_name(purpose: str) -> str:
    """A unique hidden name that contains `purpose` and the identity of this process."""
    return f".{purpose[:80]}.{_identity(os.getpid())}.{secrets.token_hex(4)}{ENDING}"


def temporary_folder(parent: Path, purpose: str) -> Path:
    """Make an empty folder with a temporary name, accessible to this user only."""
    folder = parent / temporary_name(purpose)
    folder.mkdir(mode=0o700)
    return folder


def unowned(folder: Path, purpose: str = "") -> list[Path]:
    """The temporary files and folders in `folder` whose process has ended, of all purposes or one."""
    start = f".{purpose[:80]}." if purpose else "."
    return [path for path in _entries(folder) if path.name.startswith(start) and _is_unowned(path)]


def remove_unowned(folders: Iterable[Path], purpose: str = "", *, but: Collection[str] = ()) -> list[Path]:
    """Remove what is `unowned` in `folders`, except for the purposes in `but`; links are not followed.

    Returns:
        The paths removed.
    """
    removed = []
    stay = tuple(f".{each}." for each in but)
    for path in (entry for folder in folders for entry in unowned(folder, purpose)):
        if path.name.startswith(stay):
            continue
        with suppress(OSError):  # another user's, or just removed by another process
            if stat.S_ISDIR(path.lstat().st_mode):
                shutil.rmtree(path)
            else:
                path.unlink()
            removed.append(path)
    return removed


def _entries(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.name.startswith(".")]
    except OSError:
        return []


def _is_unowned(path: Path) -> bool:
    owned = _OWNED.fullmatch(path.name)
    if owned is not None:
        return _start_time(int(owned[1])) != int(owned[2])
    try:
        facts = path.lstat() if _UNOWNED.fullmatch(path.name) else None
        return facts is not None and stat.S_ISREG(facts.st_mode) and time.time() - facts.st_mtime > UNOWNED_SECONDS
    except OSError:
        return False


@cache
def _identity(pid: int) -> str:
    return f"{pid}-{_start_time(pid)}"


def _start_time(pid: int) -> int | None:
    """Start time of a living process, in 1/100 s since boot, which is independent of changes of the clock."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round((process.create_time() - psutil.boot_time()) * 100)
    except (psutil.Error, OverflowError):
        return None
