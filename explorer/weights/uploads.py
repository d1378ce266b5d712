"""Weights files that a browser has sent: each in a folder of its own in the system's temporary one, not for long."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from explorer.files import storage_errors, temporary_place
from explorer.scratch import temporary_folder

PURPOSE = "explorer-upload"
KEPT_SECONDS = 24 * 3600  # of one whose page was closed before it was brought in


def write_upload(name: str, content: bytes | memoryview) -> Path:
    """Write what was sent under its own name; removes earlier ones that nobody came back for.

    Raises:
        StorageError: the disk is full or the folder read-only; nothing is left.
    """
    temporary = temporary_place()
    _remove_old(temporary)
    with storage_errors(temporary / name):
        folder = temporary_folder(temporary, PURPOSE)
        try:
            path = folder / Path(name.replace("\0", "")).name
            path.write_bytes(content)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return path


def remove_upload(path: Path) -> None:
    """Remove a file that `write_upload` wrote, and its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)


def _remove_old(temporary: Path) -> None:
    for folder in temporary.glob(f".{PURPOSE}.*"):
        with suppress(OSError):  # of another user, or just removed by another page
            if time.time() - folder.lstat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder)
