"""Data sets in memory, as uint8."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from explorer.data.catalogue import DATASETS, damage, data_folder, require
from explorer.data.cifar import halved
from explorer.data.splits import Labels, Pixels
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
    row = lookup(DATASETS, name, "data set")
    side = image_size or row.sizes[0]
    if side not in row.sizes:
        sizes = " or ".join(str(size) for size in row.sizes)
        raise BadSettings(f"`image_size` (={side}) is not a size of {row.title}: it comes in {sizes} pixels a side.")
    with _READING:
        return _load(name, side, data_folder())


@lru_cache(maxsize=3)
def _load(name: str, side: int, folder: Path) -> Data:
    row = require(name)
    try:
        splits = row.read(folder)
    except (OSError, RuntimeError) as error:
        fault = row.archive.checksum_fault(folder) if row.archive else None
        raise DataMissing(damage(name, fault or f"it cannot be read ({error})")) from error
    if side != row.sizes[0]:
        splits = splits._replace(train_pixels=halved(splits.train_pixels), test_pixels=halved(splits.test_pixels))
    digest = hashlib.sha256()
    for array in splits:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
        array.flags.writeable = False
    return Data(row.name, row.title, row.classes, *splits, row.augment, digest.hexdigest())
