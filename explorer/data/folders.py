"""A folder of pictures as a data set: each subfolder is a class, as in torchvision's ImageFolder."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.data.file_pixels import FilePixels
from explorer.data.layout import Layout, layout_of
from explorer.data.left_out import left_out, record_identity
from explorer.data.listing import Disk
from explorer.data.splits import Labels, Split, SplitName
from explorer.errors import BadSettings, DataMissing

LEFT_OUT = "pictures left out by you"

_SCANNED: dict[Path, "Folder"] = {}
_MOST_SCANNED = 32


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """The classes and file names of a folder of pictures; no picture is opened.

    Attributes:
        classes: names of the subfolders in Unicode's composed form, sorted.
        files: paths of the training and the test images, in order of class, then of name.
        labels: indices into `classes`, one per file.
        notes: sentences about what was taken for what.
        passed_over: number of files and folders that are not taken, by reason.
        stamps: modification time in nanoseconds of each folder in it.
        record: identity of the record of pictures left out.
    """

    path: Path
    classes: tuple[str, ...]
    files: dict[SplitName, list[str]]
    labels: dict[SplitName, Labels]
    notes: tuple[str, ...]
    passed_over: dict[str, int]
    stamps: dict[str, int]
    record: tuple[object, ...]

    def changed(self) -> bool:
        """Whether a file or folder in it was added, removed, renamed or left out since it was scanned."""
        try:
            return self.record != record_identity() or any(
                Path(path).stat().st_mtime_ns != stamp for path, stamp in self.stamps.items()
            )
        except OSError:
            return True

    def split(self, name: SplitName, side: int, numbers: Sequence[int] | None = None, channels: int = 3) -> Split:
        """Its training or test images, decoded on access.

        Args:
            side: in pixels.
            numbers: the label of each class; None takes its index in `classes`.
            channels: 3, or 1 for pictures in grey.
        """
        labels = self.labels[name]
        labels = labels if numbers is None else np.array(numbers, np.int64)[labels]
        pixels = FilePixels(self.files[name], side, channels=channels, folder=str(self.path))
        return Split(pixels, labels)

    def told(self) -> tuple[str, ...]:
        """Sentences about what was taken for what, and what was not taken and why."""
        reasons = [f"{reason}: {count:,}" for reason, count in self.passed_over.items()]
        return (*self.notes, f"Not taken: {'; '.join(reasons)}.") if reasons else self.notes


def folder(path: Path) -> Folder:
    """The content of a folder of pictures, scanned again if it has changed.

    Which of its subfolders are classes, training and test images: see `layout.layout_of`. Hidden files, those of
    operating systems, and files without the ending of a picture are counted and passed over. Pictures may be nested
    deeper in the folder of a class; links to folders are followed only down to the level of classes.

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
        owner: whose classes these are in messages, such as "ImageNet".

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
            raise BadSettings(f"The subfolder {name!r} can be two of the classes of {owner}. Rename it to {both}.")
        if not matches:
            raise BadSettings(
                f"The subfolder {name!r} is not named after one of the {len(classes):,} classes of {owner}. Rename it "
                f"to the class it shows, as {classes[0]!r} or {classes[-1]!r}, or take it out."
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
    disk, record = Disk(), record_identity()
    files: dict[SplitName, list[str]] = {"train": [], "test": []}
    labels: dict[SplitName, Labels] = {"train": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)}
    omitted = {str(path / name) for name in left_out(path)}
    with _reading(path):
        found = layout_of(disk, path)
        classes = list(found.classes.get("train", found.classes["test"]))
        for split, folders in found.classes.items():
            pictures = [_pictures(disk, path, places, omitted) for places in folders.values()]
            files[split] = [file for each in pictures for file in each]
            numbers = np.array([classes.index(name) for name in folders], np.int64)
            labels[split] = np.repeat(numbers, [len(each) for each in pictures])
        passed_over = _passed_over(disk, found, omitted)
    for array in labels.values():
        array.flags.writeable = False
    return Folder(path, tuple(classes), files, labels, tuple(found.notes), passed_over, disk.stamps, record)


def _pictures(disk: Disk, path: Path, places: Sequence[Path], omitted: set[str]) -> list[str]:
    found = [file for place in places for file in disk.pictures(place)]
    if not found:
        unread = sum((disk.unread(place) for place in places), Counter[str]())
        reasons = "; ".join(f"{reason}: {count:,}" for reason, count in unread.items())
        raise DataMissing(
            f"The folder {places[0]} has no pictures that can be read ({reasons}). Save them as PNG or JPEG, or take "
            "the folder out."
        )
    kept = [file for file in found if file not in omitted] if omitted else found
    if not kept:
        raise DataMissing(
            f"All pictures in {places[0]} are left out. Take them back with `python -m explorer data check "
            f"{shlex.quote(str(path))} --take-back`, or take the folder out."
        )
    return kept


def _passed_over(disk: Disk, found: Layout, omitted: set[str]) -> dict[str, int]:
    there = sum(Path(file).exists() for file in omitted)
    return {
        reason: count
        for reason, count in ({LEFT_OUT: there} | dict(disk.passed_over) | found.passed_over).items()
        if count
    }


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
