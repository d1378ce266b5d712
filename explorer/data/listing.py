"""What is in folders of pictures, by file names alone: pictures, folders, and what is passed over and why."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from explorer.data.picture_kinds import ENDINGS, OTHER_PICTURES, missing_reader
from explorer.errors import DataMissing

# Written by operating systems and other programs beside pictures; hidden ones (".DS_Store") need no names.
OF_SYSTEMS = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin", "@eadir", "lost+found",
              "system volume information", "__pycache__"}  # fmt: skip

HIDDEN = "hidden files and folders"
BY_SYSTEMS = "files and folders of the operating system (__MACOSX, Thumbs.db and the like)"
NO_PICTURES = "files that are not pictures"


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder on disk.

    Attributes:
        folders: names of the folders in it, links to folders included, sorted.
        links: which of these are links.
        pictures: paths of the pictures directly in it, sorted by name.
        unread: reasons why pictures directly in it cannot be read, with their number.
    """

    folders: list[str]
    links: set[str]
    pictures: list[str]
    unread: Counter[str]


@dataclass(slots=True)
class Disk:
    """Folders as they are listed, each once.

    Attributes:
        stamps: modification time in nanoseconds of each listed folder.
        passed_over: number of files and folders that are not taken, by reason.
    """

    stamps: dict[str, int] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)
    _known: dict[str, Listing] = field(default_factory=dict)

    def listing(self, path: Path | str) -> Listing:
        """What is in a folder.

        Raises:
            DataMissing: an entry called like a picture is a pipe, a device or a broken link.
            OSError: the folder cannot be read.
        """
        here = str(path)
        if here not in self._known:
            self._known[here] = self._listed(here)
        return self._known[here]

    def holders(self, path: Path) -> list[str]:
        """The names of the folders in `path` that have pictures somewhere inside."""
        return [name for name in self.listing(path).folders if self.holds_pictures(path / name)]

    def holds_pictures(self, path: Path) -> bool:
        """Whether there are pictures somewhere in it, readable or not."""
        found = self.listing(path)
        if found.pictures or found.unread:
            return True
        return any(self.holds_pictures(path / name) for name in found.folders if name not in found.links)

    def pictures(self, path: Path) -> list[str]:
        """All pictures in a folder, in the order of torchvision's ImageFolder: by path of the folder, then by name.

        Links to folders in it are not followed, since they may lead back.
        """
        return [file for here in self._below(path) for file in self.listing(here).pictures]

    def unread(self, path: Path) -> Counter[str]:
        """Why pictures in a folder cannot be read, with their number."""
        return sum((self.listing(here).unread for here in self._below(path)), Counter())

    def _below(self, path: Path) -> list[str]:
        found, waiting = [], [str(path)]
        while waiting:
            here = waiting.pop()
            found.append(here)
            listed = self.listing(here)
            waiting += [f"{here}{os.sep}{name}" for name in listed.folders if name not in listed.links]
        return sorted(found)

    def _listed(self, here: str) -> Listing:
        self.stamps[here] = Path(here).stat().st_mtime_ns
        folders, links, pictures = [], set(), []
        unread: Counter[str] = Counter()
        with os.scandir(here) as entries:
            for entry in entries:
                name = entry.name.lower()
                ending = f".{name.rpartition('.')[2]}"
                if name in OF_SYSTEMS:
                    self.passed_over[BY_SYSTEMS] += 1
                elif name.startswith("."):
                    self.passed_over[HIDDEN] += 1
                elif entry.is_dir():
                    folders.append(entry.name)
                    if entry.is_symlink():
                        links.add(entry.name)
                elif ending in OTHER_PICTURES or (ending in ENDINGS and missing_reader(ending)):
                    unread[missing_reader(ending) or f"{ending[1:].upper()} pictures, a kind that is not read"] += 1
                elif ending in ENDINGS:
                    if not entry.is_file():
                        raise DataMissing(f"{entry.path} is neither a file nor a link to one. Take it out.")
                    pictures.append(entry.path)
                else:
                    self.passed_over[NO_PICTURES] += 1
        self.passed_over.update(unread)
        return Listing(sorted(folders), links, sorted(pictures), unread)
