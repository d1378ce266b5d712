"""Uploaded weights files, each in its own temporary folder until it is imported."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from explorer.files import storage_errors, temporary_place
from explorer.scratch import temporary_folder

PURPOSE = "explorer-upload"
KEPT_SECONDS = 24 * 3600  # for uploads that were not imported


def write_upload(name: str, content: bytes | memoryview) -> Path:
    """Write an uploaded file under its own name, and remove abandoned ones.

    Raises:
        StorageError: the disk is full or the folder read-only; no file is left.
    """
    temporary, name = temporary_place(), Path(name.replace("\0", "")).name
    _remove_old(temporary)
    with storage_errors(temporary / name):
        folder = temporary_folder(temporary, PURPOSE)
        try:
            path = folder / name
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
        with suppress(OSError):  # owned by another user, or just removed by another page
            if time.time() - folder.lstat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder)
