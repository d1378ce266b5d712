"""Loading of data sets as uint8 pixels, in memory or decoded from files on access."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from explorer.data.catalogue import DatasetRow, damage, data_folder, dataset, require
from explorer.data.decoded import fingerprint, kept
from explorer.data.file_pixels import FilePixels
from explorer.data.splits import Labels, Pixels, Split, SplitName
from explorer.errors import DataMissing

_READING = Lock()  # concurrent requests of two browser sessions read once


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A data set; the arrays are read-only and shared between calls.

    Attributes:
        classes: names, in order of label.
        train_pixels: uint8 (N, H, W, C); `FilePixels` for a folder of pictures; empty if it has test images only.
        train_labels: int64 (N,).
        augment: whether training crops and mirrors its images by default.
        fingerprint: sha256 of all labels and pixels (names and sizes of the files for a folder of pictures); runs with
            the same fingerprint saw the same data.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train_pixels: Pixels | FilePixels
    train_labels: Labels
    test_pixels: Pixels | FilePixels
    test_labels: Labels
    augment: bool
    fingerprint: str

    @property
    def channels(self) -> int:
        return int(self.train_pixels.shape[3])

    @property
    def image_size(self) -> int:
        return int(self.train_pixels.shape[1])


def load_data(name: str, image_size: int | None = None) -> Data:
    """A data set, read once per process.

    Args:
        name: as for `dataset`.
        image_size: side in pixels; None takes the original. CIFAR-10 at 16 pixels averages 2x2 pixels; see `FilePixels`
            for folders of pictures.

    Raises:
        UnknownName: no data set has that name.
        BadSettings: it is not available in that size, or a folder's subfolders are not named after the classes.
        DataMissing: it is not on this machine, or is damaged; the message says what to do.
    """
    row = dataset(name)
    with _READING:
        return (_of_files if row.any_size else _in_memory)(row, row.side(image_size), data_folder())


def load_test(name: str, image_size: int | None = None) -> Split:
    """The test images and labels of a data set, equal to those of `load_data`, without reading the training images.

    Args and errors as for `load_data`.
    """
    row = dataset(name)
    with _READING:
        return _test(row, row.side(image_size), data_folder())


def _data(row: DatasetRow, side: int, folder: Path) -> Data:
    require(row.name)
    train, test = _read(row, side, folder, "train"), _test(row, side, folder)
    published = isinstance(train.pixels, np.memmap) and isinstance(test.pixels, np.memmap)
    print_of_all = row.digests[side].all if published else fingerprint((*train, *test))
    return Data(row.name, row.title, row.classes, *train, *test, row.augment, print_of_all)


def _test(row: DatasetRow, side: int, folder: Path) -> Split:
    return (_test_of_files if row.any_size else _test_in_memory)(row, side, folder)


def _read_test(row: DatasetRow, side: int, folder: Path) -> Split:
    require(row.name)
    return _read(row, side, folder, "test")


def _read(row: DatasetRow, side: int, folder: Path, split: SplitName) -> Split:
    if (found := kept(row, side, split)) is not None:
        return found
    try:
        pixels, labels = row.read(folder, split, side)
    except (OSError, ValueError) as error:
        fault = row.archive.checksum_fault(folder) if row.archive else None
        raise DataMissing(damage(row.name, fault or f"it cannot be read ({error})")) from error
    for array in (pixels, labels):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return Split(pixels, labels)


# Separate caches: file names take little memory, and must not evict data sets that take seconds to read.
_in_memory, _of_files = lru_cache(maxsize=3)(_data), lru_cache(maxsize=8)(_data)
_test_in_memory, _test_of_files = lru_cache(maxsize=3)(_read_test), lru_cache(maxsize=8)(_read_test)
