"""Data sets that menus list, and whether they are on this machine; importing this reads no data."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.data import cifar, digits
from explorer.data.archive import Archive
from explorer.data.splits import ChannelSums, Split, SplitName
from explorer.errors import DataMissing
from explorer.files import PROJECT
from explorer.registry import lookup


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A data set.

    Attributes:
        sizes: sides in pixels it can be had in, its own first.
        classes: names, in order of label.
        augment: whether training crops and mirrors its images unless told otherwise.
        read: gives its training or test images at their own size, from the data folder.
        archive: what is downloaded; None where the data set is built in.
        channel_sums: by side, what `Normalisation` needs to know of the training images, of a data set that takes
            seconds to read.
        source: who made it and where it is described.
    """

    name: str
    title: str
    channels: int
    sizes: tuple[int, ...]
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    augment: bool
    read: Callable[[Path, SplitName], Split]
    archive: Archive | None = None
    channel_sums: Mapping[int, ChannelSums] = field(default_factory=dict)
    source: str = ""


DATASETS: dict[str, DatasetRow] = {
    "digits": DatasetRow(
        name="digits",
        title="Handwritten digits",
        channels=1,
        sizes=(8,),
        classes=digits.CLASSES,
        train_images=1437,
        test_images=360,
        augment=False,
        read=digits.read,
        source="Alpaydin and Kaynak 1998, UCI repository; part of scikit-learn",
    ),
    "cifar10": DatasetRow(
        name="cifar10",
        title="CIFAR-10",
        channels=3,
        sizes=(32, 16),
        classes=cifar.CLASSES,
        train_images=50_000,
        test_images=10_000,
        augment=True,
        read=cifar.read,
        archive=cifar.ARCHIVE,
        channel_sums=cifar.CHANNEL_SUMS,
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
    ),
}


@dataclass(frozen=True, slots=True)
class DataStatus:
    """Whether a data set is on this machine, told by its files and their sizes.

    Attributes:
        place: the folder it is in or would be, as people would write it.
        detail: one sentence; what to do next where it is not available.
        bytes: its size on disk, None for a built-in one.
    """

    name: str
    available: bool
    place: str
    detail: str
    bytes: int | None


def data_folder() -> Path:
    """Where data sets are: `EXPLORER_DATA`, else data/ beside the app."""
    chosen = os.environ.get("EXPLORER_DATA")
    return Path(chosen).expanduser().absolute() if chosen else PROJECT / "data"


def shown_folder() -> str:
    """The data folder as people would write it: data/ or the path they chose."""
    folder = data_folder()
    return "data/" if folder == PROJECT / "data" else str(folder)


def data_status(name: str) -> DataStatus:
    """Whether a data set is there; looks at names and sizes only (`verify_data` reads the files).

    Raises:
        UnknownName: no data set has that name.
    """
    row = lookup(DATASETS, name, "data set")
    if row.archive is None:
        return DataStatus(name, True, "built in", "Built in: nothing to download.", None)
    folder, place = data_folder(), shown_folder()
    fault = row.archive.fault(folder)
    if fault is None:
        detail = f"Ready in {place}."
    elif row.archive.present(folder):
        detail = damage(name, fault)
    else:
        detail = f"{row.title} is not in {place}. Download it {_how(name)}, or choose the built-in digits."
    return DataStatus(name, fault is None, place, detail, row.archive.unpacked_size)


def data_table() -> list[dict[str, object]]:
    """All data sets in menu order: what they hold and whether they are there."""
    table: list[dict[str, object]] = []
    for row in DATASETS.values():
        status = data_status(row.name)
        table.append(
            {
                "name": row.name,
                "title": row.title,
                "available": status.available,
                "place": status.place,
                "detail": status.detail,
                "bytes": status.bytes,
                "download_bytes": row.archive.size if row.archive else None,
                "classes": len(row.classes),
                "channels": row.channels,
                "sizes": list(row.sizes),
                "train_images": row.train_images,
                "test_images": row.test_images,
            }
        )
    return table


def require(name: str) -> DatasetRow:
    """The row of a data set that is there.

    Raises:
        DataMissing: it is not there or damaged; the message says how to get it.
    """
    status = data_status(name)
    if not status.available:
        raise DataMissing(status.detail)
    return DATASETS[name]


def verify_data(name: str) -> DataStatus:
    """Read every file of a data set and compare its checksum with the published one.

    Raises:
        DataMissing: it is not there, or a file is damaged; the message names the file.
    """
    row = require(name)
    if row.archive and (fault := row.archive.checksum_fault(data_folder())):
        raise DataMissing(damage(name, fault))
    return data_status(name)


def damage(name: str, fault: str) -> str:
    """The message about a data set that is there but not as published."""
    return (
        f"{DATASETS[name].title} in {shown_folder()} is damaged: {fault}. "
        f"Download it again {_how(name)}, or choose the built-in digits."
    )


def _how(name: str) -> str:
    return f"on the Data page or with `python -m explorer data download {name}`"
