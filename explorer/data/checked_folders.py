"""Checks of the pictures of a folder, and leaving out those that cannot be read."""

import time
from collections.abc import Callable
from pathlib import Path

from explorer.data.checking import Checked, checked
from explorer.data.folders import folder
from explorer.data.left_out import leave_out


def check_folder(
    path: Path,
    *,
    headers: bool = False,
    seconds: float | None = None,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> Checked:
    """Read all pictures of a folder, training images first, and collect those that cannot be read.

    Args:
        path: absolute.
        headers: look at the beginnings of the files only, see `checked`.
        seconds: after which no further picture is read; None reads all.
        report: called with the number of pictures read and their total.

    Raises:
        DataMissing: it is no folder of pictures.
        StorageError: the record of pictures left out cannot be read.
    """
    found = folder(path)
    until = None if seconds is None else time.monotonic() + seconds
    return checked([*found.files["train"], *found.files["test"]], headers=headers, until=until, report=report)


def leave_out_broken(path: Path, found: Checked) -> int:
    """Record the broken pictures of a check as left out, so that the data set stays the same; gives their number.

    Raises:
        StorageError: the record cannot be read or written.
    """
    if found.broken:
        leave_out(path, [each.file for each in found.broken])
    return len(found.broken)
