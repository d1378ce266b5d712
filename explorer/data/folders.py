"""A folder of pictures as a data set: each subfolder is a class, as in torchvision's ImageFolder."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.data.file_pixels import FilePixels
from explorer.data.splits import Labels, Split, SplitName
from explorer.errors import BadSettings, DataMissing

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
UNREAD = (".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff")  # accepted by ImageFolder, not supported here
TRAIN, TESTS = "train", ("val", "test")  # subfolders of a folder with training images; val is preferred

_SCANNED: dict[Path, "Folder"] = {}
_MOST_SCANNED = 32


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """The classes and file names of a folder of pictures; no picture is opened.

    Attributes:
        classes: names of the subfolders, sorted.
        files: paths of the training and the test images, in order of class, then of name.
        labels: indices into `classes`, one per file.
        stamps: modification time in nanoseconds of each folder in it.
    """

    path: Path
    classes: tuple[str, ...]
    files: dict[SplitName, list[str]]
    labels: dict[SplitName, Labels]
    stamps: dict[str, int]

    def changed(self) -> bool:
        """Whether a file or folder in it was added, removed or renamed since it was scanned."""
        try:
            return any(Path(path).stat().st_mtime_ns != stamp for path, stamp in self.stamps.items())
        except OSError:
            return True

    def split(self, name: SplitName, side: int, numbers: Sequence[int] | None = None) -> Split:
        """Its training or test images, decoded on access.

        Args:
            side: in pixels.
            numbers: the label of each class; None takes its index in `classes`.
        """
        labels = self.labels[name]
        labels = labels if numbers is None else np.array(numbers, np.int64)[labels]
        return Split(FilePixels(self.files[name], side), labels)


def folder(path: Path) -> Folder:
    """The content of a folder of pictures, scanned again if it has changed.

    If it has subfolders train and val (or test), these hold the class folders; else all its images are test images.
    Hidden files and files without the ending of a picture are ignored. Pictures may be nested deeper in the folder of
    a class; links to folders are followed only at the level of classes.

    Raises:
        BadSettings: the path is not absolute.
        DataMissing: it is missing, unreadable, or not such a folder; the message says why.
    """
    if not path.is_absolute():
        raise BadSettings(f"The folder {path} is not an absolute path. Write it from the root: {path.absolute()}.")
    known = _SCANNED.get(path)
    if known is None or known.changed():
        if len(_SCANNED) >= _MOST_SCANNED:
            _SCANNED.clear()
        known = _SCANNED[path] = _scanned(path)
    return known


def class_numbers(folders: Sequence[str], classes: Sequence[str], owner: str) -> list[int]:
    """The index in `classes` that each folder is named after, ignoring case and "_" for " " where that is unique.

    Args:
        owner: whose classes these are in messages, such as "ImageNet's".

    Raises:
        BadSettings: a folder is named after no class or two, or two folders after one; the message names it.
    """
    exact = {name: number for number, name in enumerate(classes)}
    alike: dict[str, list[int]] = {}
    for name, number in exact.items():
        alike.setdefault(_normalised(name), []).append(number)
    numbers: list[int] = []
    for name in folders:
        matches = [exact[name]] if name in exact else alike.get(_normalised(name), [])
        if len(matches) > 1:
            both = " or ".join(classes[number] for number in matches)
            raise BadSettings(f"The subfolder {name!r} can be two of {owner} classes. Rename it to {both}.")
        if not matches:
            raise BadSettings(
                f"The subfolder {name!r} is not named after one of {owner} {len(classes):,} classes. Rename it to the "
                f"class it shows, as {classes[0]!r} or {classes[-1]!r}, or take it out."
            )
        numbers += matches
    if len(set(numbers)) < len(numbers):
        twice = next(place for place, number in enumerate(numbers) if number in numbers[:place])
        raise BadSettings(
            f"The subfolder {folders[twice]!r} is named after the same class as another. Put their pictures together."
        )
    return numbers


def _normalised(name: str) -> str:
    return name.replace("_", " ").casefold()


def _scanned(path: Path) -> Folder:
    stamps: dict[str, int] = {}
    files: dict[SplitName, list[str]] = {"train": [], "test": []}
    labels: dict[SplitName, Labels] = {"train": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)}
    with _reading(path):
        places = _places(path, stamps)
        classes = _subfolders(places.get("train", places["test"]), stamps)
        for split, place in places.items():
            names = _subfolders(place, stamps)
            _require_classes(place, names, classes)
            pictures = [_pictures(place / name, stamps) for name in names]
            files[split] = [file for each in pictures for file in each]
            numbers = np.array([classes.index(name) for name in names], np.int64)
            labels[split] = np.repeat(numbers, [len(each) for each in pictures])
    for array in labels.values():
        array.flags.writeable = False
    return Folder(path, tuple(classes), files, labels, stamps)


def _places(path: Path, stamps: dict[str, int]) -> dict[SplitName, Path]:
    """The folder that holds the class folders of each split."""
    above = _subfolders(path, stamps)
    tests = next((name for name in TESTS if name in above), None)
    if TRAIN in above and tests:
        return {"train": path / TRAIN, "test": path / tests}
    if above and set(above) <= {TRAIN, *TESTS}:
        raise DataMissing(
            f"The folder {path} has {' and '.join(above)} and no others, where training needs train and val. To "
            f"evaluate on the images there, name {path / above[0]} itself."
        )
    return {"test": path}


def _require_classes(place: Path, names: Sequence[str], classes: Sequence[str]) -> None:
    if not names:
        raise DataMissing(
            f"The folder {place} has no subfolders. Put the pictures of each class into a subfolder with its name."
        )
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise DataMissing(
            f"The folder {place} has a class {unknown[0]!r} that the folder {TRAIN} does not have. Take it out, or "
            "put training images of it there."
        )


def _subfolders(path: Path, stamps: dict[str, int]) -> list[str]:
    stamps[str(path)] = path.stat().st_mtime_ns
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _pictures(path: Path, stamps: dict[str, int]) -> list[str]:
    """The picture files of a class, in ImageFolder's order: by the path of the folder, then by name."""
    by_folder: dict[str, list[str]] = {}
    waiting = [str(path)]
    while waiting:
        here = waiting.pop()
        stamps[here] = Path(here).stat().st_mtime_ns
        with os.scandir(here) as entries:
            for entry in entries:
                name = entry.name.lower()
                if name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif name.endswith(UNREAD):
                    raise DataMissing(
                        f"{entry.path} is not a PNG, JPEG or WebP picture. Save it as one of these, or take it out."
                    )
                elif name.endswith(PICTURES):
                    if not entry.is_file():
                        raise DataMissing(f"{entry.path} is neither a file nor a link to one. Take it out.")
                    by_folder.setdefault(here, []).append(entry.path)
    if not by_folder:
        raise DataMissing(
            f"The folder {path} has no pictures (files ending in {', '.join(PICTURES)}). Put those of its class into "
            "it, or take it out."
        )
    return [file for here in sorted(by_folder) for file in sorted(by_folder[here])]


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataMissing(f"There is no folder {path}. Name a folder with a subfolder for each class.") from None
    except NotADirectoryError:
        raise DataMissing(f"{path} is not a folder. Name a folder with a subfolder for each class.") from None
    except OSError as error:
        raise DataMissing(
            f"The folder {path} cannot be read: {error.filename}: {error.strerror}. Choose one that you may read."
        ) from None
