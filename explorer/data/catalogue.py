"""The table of data sets, and whether they are on this machine; importing this module reads no data."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.data import imagenet
from explorer.data.folders import Folder, class_numbers, folder
from explorer.data.rows import DATASETS as DATASETS
from explorer.data.rows import DatasetRow as DatasetRow
from explorer.data.splits import Split, SplitName
from explorer.data.unknown import NO_IMAGES, channels_and_classes, is_unknown
from explorer.errors import BadSettings, DataMissing, ExplorerError, UnknownName, quoted
from explorer.files import USER_FILES
from explorer.registry import nearest_hint

SMALL = 32  # usual side in pixels of the input of networks for small images
LARGE = 224  # usual side in pixels of the input of ImageNet networks
MOST_IMAGES = 100_000_000  # upper bound of every setting that counts images; seven times all of ImageNet
NO_IMAGENET = (
    "ImageNet's images do not come with the program and cannot be downloaded by it. Name a folder of them, or of "
    "pictures in subfolders named after its classes: imagenet:/absolute/path. For pages, add it on the Data page."
)
COLOURS = 3  # channels of the pictures of a folder
OWN, IMAGENET = "folder", "imagenet"  # kinds of folders: with classes of their own, with those of ImageNet
GREY = "grey-"  # before the kind of a folder whose pictures are converted to one channel


def dataset(name: str) -> DatasetRow:
    """The row of a data set: one in `DATASETS`, or one made from a folder of pictures, see `data.folders`.

    The classes of "folder:/absolute/path" are its subfolders. "imagenet:/absolute/path" and "cifar10:/absolute/path"
    have all classes of ImageNet and CIFAR-10 as labels, and their subfolders are named after some of them, and so with
    the other data sets; the 1,000 folders of ImageNet itself keep their names. "imagenet" alone has classes but no
    images. The pictures of "grey-folder:/absolute/path" are converted to grey, for networks with one channel.

    Reads file names only. The row is cached until the folder changes.

    Raises:
        UnknownName: no data set has that name.
        BadSettings: the path is not absolute, or a subfolder is not named after one of the classes.
        DataMissing: there is no such folder, or it has no pictures in subfolders.
    """
    if name in DATASETS:
        return DATASETS[name]
    if name == IMAGENET:
        return _imagenet()
    if is_unknown(name):
        return _unknown(name)
    kind, path = _kind_and_path(name)
    if path is None:
        raise UnknownName(
            f"No data set is called {quoted(name)}.{nearest_hint(name, DATASETS)} Known: {', '.join(DATASETS)}. "
            f"A folder of pictures is named {OWN}:/absolute/path."
        )
    return _of_folder(kind, folder(path))


def known_dataset(name: str) -> DatasetRow | None:
    """The row of a data set; None if it is unknown on this machine, such as a folder of another machine."""
    try:
        return dataset(name)
    except ExplorerError:
        return None


def side_in_training(name: str, recipe: Mapping[str, Any]) -> int | None:
    """Side in pixels of the images of a training: the recipe's, else the data set's; None where neither is known."""
    row = known_dataset(name)
    side = recipe.get("image_size") or (row.sizes[0] if row else None)
    return int(side) if side else None


def data_for_classes(name: str, classes: Sequence[str], channels: int = COLOURS) -> str:
    """The name of a data set whose labels are the classes of a network, in the colours that it takes.

    Args:
        name: name of a data set; only "folder:/path" can become another, such as "imagenet:/path" or
            "grey-folder:/path".
        classes: the network's class names, in order; empty if unknown.
        channels: of the network's input.

    Raises:
        BadSettings: the folder's subfolders are not named after these classes.
    """
    kind, path = _kind_and_path(name)
    if path is None:
        return name
    row = dataset(name)
    if channels == 1 and row.channels != 1:
        kind = f"{GREY}{kind}"
        row = dataset(f"{kind}:{path}")
    if kind.removeprefix(GREY) != OWN or not classes or row.classes == tuple(classes):
        return row.name
    known = {each.name: each for each in DATASETS.values()}
    if len(classes) == len(imagenet.categories()):
        known[IMAGENET] = _imagenet()
    for each, other in known.items():
        if other.classes == tuple(classes):
            grey = GREY if channels == 1 and other.channels != 1 else ""
            return dataset(f"{grey}{each}:{path}").name
    raise BadSettings(
        f"The network's classes are {_some(classes)}; the subfolders of {path} are {_some(row.classes)}. They must "
        "have the same names."
    )


def is_folder(name: str) -> bool:
    """Whether a data set is a folder of pictures."""
    return bool(_kind_and_path(name)[1])


@dataclass(frozen=True, slots=True)
class DataStatus:
    """Whether a data set is on this machine, judged by the names and sizes of its files.

    Attributes:
        place: the folder it belongs in, as displayed.
        detail: one sentence; what to do next if it is not available.
        bytes: its size on disk; None for built-in data sets.
        notes: sentences about a folder of pictures: what was taken for what, and what was not taken and why.
    """

    name: str
    available: bool
    place: str
    detail: str
    bytes: int | None
    notes: tuple[str, ...] = ()


def data_folder() -> Path:
    """The folder of all data sets: `EXPLORER_DATA`, else data/ in `USER_FILES`."""
    chosen = os.environ.get("EXPLORER_DATA")
    return (Path(chosen) if chosen else USER_FILES / "data").expanduser().absolute()


def shown_folder() -> str:
    """The data folder as displayed: data/ or the chosen path."""
    folder = data_folder()
    return "data/" if folder == USER_FILES / "data" else str(folder)


def data_status(name: str) -> DataStatus:
    """Whether a data set is available; checks names and sizes only (`verify_data` reads the files).

    Raises:
        UnknownName: no data set has that name.
    """
    if is_folder(name):
        return _folder_status(name)
    row = dataset(name)
    if name == IMAGENET:
        return DataStatus(name, False, "", NO_IMAGENET, None)
    if is_unknown(name):
        return DataStatus(name, False, "", NO_IMAGES, None)
    if row.archive is None:
        return DataStatus(name, True, "built in", "Built in: nothing to download.", None)
    place = shown_folder()
    fault = row.archive.fault(data_folder())
    if fault is None:
        detail = f"Ready in {place}."
    elif row.archive.present(data_folder()):
        detail = damage(name, fault)
    else:
        detail = f"{row.title} is not in {place}. Download it {_how_to_download(name)}, or choose the built-in digits."
    return DataStatus(name, fault is None, place, detail, row.archive.unpacked_size)


def data_table() -> list[dict[str, object]]:
    """All data sets in menu order, with their contents and status."""
    return [table_row(data_status(name), row) for name, row in DATASETS.items()]


def table_row(status: DataStatus, row: DatasetRow | None) -> dict[str, object]:
    """A row of `data_table`; a folder that cannot be read has a status alone."""
    return asdict(status) | {
        "notes": list(status.notes),
        "title": row.title if row else f"The folder {Path(status.place).name}",
        "download_bytes": row.archive.size if row and row.archive else None,
        "licence": row.licence if row else "",
        "classes": len(row.classes) if row else 0,
        "channels": row.channels if row else COLOURS,
        "sizes": list(row.sizes) if row else [],
        "train_images": row.train_images if row else 0,
        "test_images": row.test_images if row else 0,
    }


def require(name: str) -> DatasetRow:
    """The row of an available data set.

    Raises:
        DataMissing: it is missing or damaged; the message says how to get it.
    """
    status = data_status(name)
    if not status.available:
        raise DataMissing(status.detail)
    return dataset(name)


def verify_data(name: str) -> DataStatus:
    """Compare the checksum of every file of a data set with the published one.

    Raises:
        DataMissing: the data set is missing, or a file is damaged; the message names the file.
    """
    row = require(name)
    if row.archive and (fault := row.archive.checksum_fault(data_folder())):
        raise DataMissing(damage(name, fault))
    return data_status(name)


def no_training_images(title: str) -> str:
    """The message about a data set that has test images only."""
    return (
        f"{title} has no training images. Choose another data set, or put its classes into two subfolders: train, and "
        "val for the images to test on."
    )


def ten_crops_caveat(title: str) -> str:
    """A caveat about ten crops of a data set whose images training does not crop or mirror."""
    return f"{title}, which were not cropped or mirrored in training: ten crops show what was never seen"


def damage(name: str, fault: str) -> str:
    """The message about a data set whose files are not as published."""
    return (
        f"{DATASETS[name].title} in {shown_folder()} is damaged: {fault}. "
        f"Download it again {_how_to_download(name)}, or choose the built-in digits."
    )


def _how_to_download(name: str) -> str:
    return f"on the Data page or with `python -m explorer data download {name}`"


def _kind_and_path(name: str) -> tuple[str, Path | None]:
    """The kind and path of a folder of pictures, from "KIND:PATH"; other names have no path."""
    kind, colon, path = name.partition(":")
    known = kind.removeprefix(GREY) in (OWN, IMAGENET, *DATASETS)
    return (kind, Path(path)) if colon and known else (name, None)


@lru_cache(maxsize=32)
def _of_folder(kind: str, scanned: Folder) -> DatasetRow:
    classes, numbers, side, normalisation, channels = scanned.classes, None, LARGE, IMAGENET, COLOURS
    labels = kind.removeprefix(GREY)
    if labels == IMAGENET:
        classes = imagenet.categories()
        synsets = imagenet.are_synsets(scanned.classes)
        numbers = list(range(len(classes))) if synsets else class_numbers(scanned.classes, classes, "ImageNet")
    elif labels != OWN:
        row = DATASETS[labels]
        classes, side, normalisation, channels = row.classes, row.sizes[0], f"channel:{labels}", row.channels
        numbers = class_numbers(scanned.classes, classes, row.title)
    if kind.startswith(GREY):
        channels, normalisation = 1, "half"
    return DatasetRow(
        name=f"{kind}:{scanned.path}",
        title=f"The folder {scanned.path.name}{', in grey' if kind.startswith(GREY) else ''}",
        channels=channels,
        sizes=(side,),
        classes=classes,
        train_images=len(scanned.files["train"]),
        test_images=len(scanned.files["test"]),
        augment=True,
        read=lambda _, split, side: scanned.split(split, side, numbers, channels),
        source=str(scanned.path),
        any_size=True,
        normalisation=normalisation,
    )


@lru_cache(maxsize=1)
def _imagenet() -> DatasetRow:
    """The classes of ImageNet without images, enough for attributions of photographs."""

    def read(_folder: Path, _split: SplitName, _side: int) -> Split:
        raise DataMissing(NO_IMAGENET)

    return DatasetRow(
        name=IMAGENET,
        title="ImageNet",
        channels=3,
        sizes=(LARGE,),
        classes=imagenet.categories(),
        train_images=0,
        test_images=0,
        augment=True,
        read=read,
        source="Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge",
        any_size=True,
        normalisation=IMAGENET,
    )


@lru_cache(maxsize=32)
def _unknown(name: str) -> DatasetRow:
    """Classes without images, enough for attributions of pictures."""

    def read(_folder: Path, _split: SplitName, _side: int) -> Split:
        raise DataMissing(NO_IMAGES)

    try:
        channels, classes = channels_and_classes(name)
    except (ValueError, TypeError, RecursionError):
        raise UnknownName(f"No data set is called {quoted(name)}. Known: {', '.join(DATASETS)}.") from None
    return DatasetRow(
        name=name,
        title="Unknown images",
        channels=channels,
        sizes=(SMALL,),
        classes=classes,
        train_images=0,
        test_images=0,
        augment=True,
        read=read,
        any_size=True,
    )


def _folder_status(name: str) -> DataStatus:
    _, path = _kind_and_path(name)
    assert path is not None
    try:
        row, notes = dataset(name), folder(path).told()
    except ExplorerError as error:
        return DataStatus(name, False, str(path), str(error), None)
    grey = ", converted to grey" if row.channels == 1 else ""
    detail = f"{row.train_images + row.test_images:,} pictures in {path}{grey}."
    return DataStatus(name, True, str(path), detail, None, notes)


def _some(classes: Sequence[str]) -> str:
    first = ", ".join(classes[:3])
    return f"{first} and {len(classes) - 3:,} more" if len(classes) > 4 else ", ".join(classes)
