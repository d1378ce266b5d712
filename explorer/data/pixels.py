"""Data sets in memory, as uint8."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from explorer.data.catalogue import DATASETS, DatasetRow, damage, data_folder, require
from explorer.data.cifar import halved
from explorer.data.splits import Labels, Pixels, Split, SplitName
from explorer.errors import BadSettings, DataMissing
from explorer.registry import lookup

_READING = Lock()  # two browser sessions that ask at once share one reading


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A data set in memory; the arrays are read-only and shared by all who load it.

    Attributes:
        classes: names, in order of label.
        train_pixels: uint8 (N, H, W, C).
        train_labels: int64 (N,).
        augment: whether training crops and mirrors its images unless told otherwise.
        fingerprint: sha256 of all pixels and labels; two runs with the same one saw the same data.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train_pixels: Pixels
    train_labels: Labels
    test_pixels: Pixels
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
        name: in `DATASETS`.
        image_size: side in pixels; None is the data set's own, half of it averages 2x2 pixels.

    Raises:
        UnknownName: no data set has that name.
        BadSettings: it cannot be had in that size.
        DataMissing: it is not on this machine, or is damaged; the message says what to do.
    """
    side = _side(name, image_size)
    with _READING:
        return _data(name, side, data_folder())


def load_test(name: str, image_size: int | None = None) -> Split:
    """Its test images and labels alone, the very arrays of `load_data`, without the time that all the others take.

    Args and errors as for `load_data`.
    """
    side = _side(name, image_size)
    with _READING:
        return _test(name, side, data_folder())


def _side(name: str, image_size: int | None) -> int:
    row = lookup(DATASETS, name, "data set")
    side = image_size or row.sizes[0]
    if side not in row.sizes:
        sizes = " or ".join(str(size) for size in row.sizes)
        raise BadSettings(f"`image_size` (={side}) is not a size of {row.title}: it comes in {sizes} pixels a side.")
    return side


@lru_cache(maxsize=3)
def _data(name: str, side: int, folder: Path) -> Data:
    row = require(name)
    splits = *_read(row, side, folder, "train"), *_test(name, side, folder)
    digest = hashlib.sha256()
    for array in splits:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(array.data)
    return Data(row.name, row.title, row.classes, *splits, row.augment, digest.hexdigest())


@lru_cache(maxsize=3)
def _test(name: str, side: int, folder: Path) -> Split:
    return _read(require(name), side, folder, "test")


def _read(row: DatasetRow, side: int, folder: Path, split: SplitName) -> Split:
    try:
        pixels, labels = row.read(folder, split)
    except (OSError, ValueError) as error:
        fault = row.archive.checksum_fault(folder) if row.archive else None
        raise DataMissing(damage(row.name, fault or f"it cannot be read ({error})")) from error
    if side != row.sizes[0]:
        pixels = halved(pixels)
    for array in (pixels, labels):
        array.flags.writeable = False
    return Split(pixels, labels)
