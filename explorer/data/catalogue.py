"""Data sets that menus list or folders hold, and whether they are on this machine; importing this reads no data."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from explorer.data import cifar, digits, imagenet
from explorer.data.archive import Archive
from explorer.data.folders import Folder, folder, numbers_of
from explorer.data.splits import ChannelSums, Split, SplitName
from explorer.errors import BadSettings, DataMissing, ExplorerError, UnknownName, quoted
from explorer.files import USER_FILES
from explorer.registry import nearest_hint

LARGE = 224  # side in pixels that networks for large images usually take
LARGEST = 1024
MOST_IMAGES = 100_000_000  # that anything may be asked for; seven times all of ImageNet
NO_IMAGENET = (
    "ImageNet's images do not come with the program and cannot be downloaded by it. Name a folder of them, or of "
    "pictures in subfolders named after its classes: imagenet:/absolute/path. For pages, add it on the Data page."
)
COLOURS = 3  # channels of the pictures of a folder
OWN, IMAGENET = "folder", "imagenet"  # whose classes the subfolders of a folder are


@dataclass(frozen=True, slots=True, eq=False)
class DatasetRow:
    """A data set.

    Attributes:
        sizes: sides in pixels it can be had in, its own first.
        classes: names, in order of label.
        augment: whether training crops and mirrors its images unless told otherwise.
        read: gives its training or test images of a side, from the data folder.
        archive: what is downloaded; None where the data set is built in.
        channel_sums: by side, what `Normalisation` needs to know of the training images, of a data set that takes
            seconds to read.
        source: who made it and where it is described.
        any_size: whether it can be had in other sizes too, since its pictures are scaled.
        normalisation: of its images for an untrained network, see `NORMALISATIONS`.
    """

    name: str
    title: str
    channels: int
    sizes: tuple[int, ...]
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    augment: bool
    read: Callable[[Path, SplitName, int], Split]
    archive: Archive | None = None
    channel_sums: Mapping[int, ChannelSums] = field(default_factory=dict)
    source: str = ""
    any_size: bool = False
    normalisation: str = "channel"

    def side(self, image_size: int | None) -> int:
        """The side in pixels of its images where `image_size` is asked for; None for its own.

        Raises:
            BadSettings: it cannot be had in that size.
        """
        side = self.sizes[0] if image_size is None else image_size
        if side in self.sizes or (self.any_size and 1 <= side <= LARGEST):
            return side
        sizes = f"1 to {LARGEST}" if self.any_size else " or ".join(str(size) for size in self.sizes)
        raise BadSettings(f"`image_size` (={side}) is not a size of {self.title}: it comes in {sizes} pixels a side.")


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


def dataset(name: str) -> DatasetRow:
    """The row of a data set: one in `DATASETS`, or one that is made of a folder of pictures, see `data.folders`.

    "folder:/absolute/path" has its subfolders as classes. "imagenet:/absolute/path" and "cifar10:/absolute/path" have
    the classes of ImageNet and CIFAR-10, after some of which the subfolders are named; labels count among all of those.
    The 1,000 folders of ImageNet itself need not be renamed. "imagenet" alone knows the classes, and has no images.

    Looks at names only, again where the folder has changed; the same row as long as it has not.

    Raises:
        UnknownName: no data set has that name.
        BadSettings: the path is not absolute, or a subfolder is not named after one of the classes.
        DataMissing: there is no such folder, or it does not hold pictures in subfolders.
    """
    if name in DATASETS:
        return DATASETS[name]
    if name == IMAGENET:
        return _imagenet()
    kind, path = _parted(name)
    if path is None:
        raise UnknownName(
            f"No data set is called {quoted(name)}.{nearest_hint(name, DATASETS)} Known: {', '.join(DATASETS)}. "
            f"A folder of pictures is named {OWN}:/absolute/path."
        )
    return _of_folder(kind, folder(path))


def known_dataset(name: str) -> DatasetRow | None:
    """The row of a data set; None where it is not known here, such as the folder that another machine trained on."""
    try:
        return dataset(name)
    except ExplorerError:
        return None


def labelled_as(name: str, classes: Sequence[str]) -> str:
    """Under which name the labels of a folder are those of a network that tells `classes` apart.

    Args:
        name: of a data set; one other than "folder:/path" means the same afterwards.
        classes: names, in order of class; empty where they are not known.

    Raises:
        BadSettings: the folder's classes are neither these, nor among them where these are a data set's.
    """
    kind, path = _parted(name)
    if path is None:
        return name
    row = dataset(name)
    if kind != OWN or not classes or row.classes == tuple(classes):
        return row.name
    known = {each.name: each.classes for each in DATASETS.values() if each.channels == COLOURS}
    if len(classes) == len(imagenet.categories()):
        known[IMAGENET] = imagenet.categories()
    for whose, those in known.items():
        if those == tuple(classes):
            return dataset(f"{whose}:{path}").name
    raise BadSettings(
        f"The network tells {_few(classes)} apart; the subfolders of {path} are {_few(row.classes)}. They must have "
        "the same names."
    )


def is_folder(name: str) -> bool:
    """Whether a data set's name means a folder of pictures."""
    return bool(_parted(name)[1])


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
    """Where data sets are: `EXPLORER_DATA`, else data/ in `USER_FILES`."""
    chosen = os.environ.get("EXPLORER_DATA")
    return (Path(chosen) if chosen else USER_FILES / "data").expanduser().absolute()


def shown_folder() -> str:
    """The data folder as people would write it: data/ or the path they chose."""
    folder = data_folder()
    return "data/" if folder == USER_FILES / "data" else str(folder)


def data_status(name: str) -> DataStatus:
    """Whether a data set is there; looks at names and sizes only (`verify_data` reads the files).

    Raises:
        UnknownName: no data set has that name.
    """
    if is_folder(name):
        return _folder_status(name)
    row = dataset(name)
    if name == IMAGENET:
        return DataStatus(name, False, "", NO_IMAGENET, None)
    if row.archive is None:
        return DataStatus(name, True, "built in", "Built in: nothing to download.", None)
    place = shown_folder()
    fault = row.archive.fault(data_folder())
    if fault is None:
        detail = f"Ready in {place}."
    elif row.archive.present(data_folder()):
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
    return dataset(name)


def verify_data(name: str) -> DataStatus:
    """Read every file of a data set and compare its checksum with the published one.

    Raises:
        DataMissing: it is not there, or a file is damaged; the message names the file.
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


def never_cropped(title: str) -> str:
    """What is said of ten crops of a data set whose images training does not crop or mirror."""
    return f"{title}, which were not cropped or mirrored in training: ten crops show what was never seen"


def damage(name: str, fault: str) -> str:
    """The message about a data set that is there but not as published."""
    return (
        f"{DATASETS[name].title} in {shown_folder()} is damaged: {fault}. "
        f"Download it again {_how(name)}, or choose the built-in digits."
    )


def _how(name: str) -> str:
    return f"on the Data page or with `python -m explorer data download {name}`"


def _parted(name: str) -> tuple[str, Path | None]:
    """Whose classes the subfolders of a folder are, and where it is; no path where the name is no folder's."""
    kind, colon, path = name.partition(":")
    known = (OWN, IMAGENET, *(row.name for row in DATASETS.values() if row.channels == COLOURS))
    return (kind, Path(path)) if colon and kind in known else (name, None)


@lru_cache(maxsize=32)
def _of_folder(kind: str, found: Folder) -> DatasetRow:
    classes, numbers, side, normalisation = found.classes, None, LARGE, IMAGENET
    if kind == IMAGENET:
        classes = imagenet.categories()
        synsets = imagenet.are_synsets(found.classes)
        numbers = list(range(len(classes))) if synsets else numbers_of(found.classes, classes, "ImageNet's")
    elif kind != OWN:
        row = DATASETS[kind]
        classes, side, normalisation = row.classes, row.sizes[0], f"channel:{kind}"
        numbers = numbers_of(found.classes, classes, f"{row.title}'s")
    return DatasetRow(
        name=f"{kind}:{found.path}",
        title=f"The folder {found.path.name}",
        channels=3,
        sizes=(side,),
        classes=classes,
        train_images=len(found.files["train"]),
        test_images=len(found.files["test"]),
        augment=True,
        read=lambda _, split, side: found.split(split, side, numbers),
        source=str(found.path),
        any_size=True,
        normalisation=normalisation,
    )


@lru_cache(maxsize=1)
def _imagenet() -> DatasetRow:
    """The classes of ImageNet without images: enough to explain photographs to a network trained on it."""

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


def _folder_status(name: str) -> DataStatus:
    _, path = _parted(name)
    try:
        row = dataset(name)
    except ExplorerError as error:
        return DataStatus(name, False, str(path), str(error), None)
    return DataStatus(name, True, str(path), f"{row.train_images + row.test_images:,} pictures in {path}.", None)


def _few(classes: Sequence[str]) -> str:
    first = ", ".join(classes[:3])
    return f"{first} and {len(classes) - 3:,} more" if len(classes) > 4 else ", ".join(classes)
