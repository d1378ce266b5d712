"""Decoded images of published data sets, kept in files that processes map into memory.

All workers of an experiment share one copy, and reading takes a tenth of the time. Files are used only if their
checksum is that of the published images.
"""

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.catalogue import DatasetRow, data_folder, dataset, require
from explorer.data.file_pixels import FilePixels
from explorer.data.splits import Labels, Pixels, Split, SplitName
from explorer.errors import StorageError
from explorer.files import home, storage_errors, write_atomically
from explorer.processes import lock

FOLDER = "decoded"  # in the folder of runs
SPLITS: tuple[SplitName, ...] = ("train", "test")
FREE_TIMES = 4  # files are kept only if the disk has this many times their size left


def fingerprint(arrays: Iterable[Pixels | FilePixels | Labels]) -> str:
    """The sha256 of shapes, types and values; of names and sizes for pictures in files."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(array.listing() if isinstance(array, FilePixels) else array.data)
    return digest.hexdigest()


def kept(row: DatasetRow, side: int, split: SplitName) -> Split | None:
    """The images, mapped from their file, and the labels; None if they are not kept or not the published ones."""
    if side not in row.digests:
        return None
    try:
        pixels, labels = (_read(path) for path in _paths(row, side, split))
    except (OSError, ValueError):
        return None
    return Split(pixels, labels) if fingerprint((pixels, labels)) == getattr(row.digests[side], split) else None


def keep(name: str, image_size: int | None = None) -> None:
    """Keep the images of a data set, so that `load_data` maps them; nothing if the disk or the data do not allow it.

    Args and errors as for `load_data`.
    """
    row = dataset(name)
    side = row.side(image_size)
    if side not in row.digests:
        return
    require(name)
    needed = (row.train_images + row.test_images) * side**2 * row.channels
    with suppress(StorageError, ValueError), storage_errors(home()):
        folder = home() / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / "decoded.lock"):
            for split in SPLITS:
                if kept(row, side, split) is None and shutil.disk_usage(folder).free > FREE_TIMES * needed:
                    _write(row, side, split)


def _write(row: DatasetRow, side: int, split: SplitName) -> None:
    for path, array in zip(_paths(row, side, split), row.read(data_folder(), split, side), strict=True):
        write_atomically(path, partial(np.save, arr=array, allow_pickle=False))


def _paths(row: DatasetRow, side: int, split: SplitName) -> tuple[Path, Path]:
    start = home() / FOLDER / f"{row.name}-{side}-{split}"
    return start.with_name(f"{start.name}-pixels.npy"), start.with_name(f"{start.name}-labels.npy")


def _read(path: Path) -> NDArray[Any]:
    if not path.is_file():  # a pipe would block
        raise FileNotFoundError(path)
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped
