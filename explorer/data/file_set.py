"""Data sets published as several files, kept as they are: download and checksums."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.data.archive import checked_content, wrong_file
from explorer.data.fetching import Source, fetched, mirrored
from explorer.errors import DataMissing

PIECE = 1 << 24  # bytes copied at once


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files of one web folder; used in place of an `Archive`.

    Attributes:
        title: name of the data set in messages.
        url: the web folder, with "/" at the end.
        folder: where they are kept in the data folder.
        files: size and md5 of each file.
        elsewhere: other folders in which they are found, such as torchvision's.
        unpacked: name, size and md5 of what a file holds if it is compressed; it may be there instead of the file.
    """

    title: str
    url: str
    folder: str
    files: Mapping[str, tuple[int, str]]
    elsewhere: tuple[str, ...] = ()
    unpacked: Mapping[str, tuple[str, int, str]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def unpacked_size(self) -> int:
        return self.size

    def present(self, data_folder: Path) -> bool:
        """Whether one of the files is there, in whatever state."""
        return any(self._place(data_folder, name) is not None for name in self.files)

    def fault(self, data_folder: Path) -> str | None:
        """What is wrong with the names and sizes of the files; None if nothing is."""
        for name in self.files:
            place = self._place(data_folder, name)
            if place is None:
                return f"the file {name} is missing"
            path, size, _ = place
            if path.stat().st_size != size:
                return f"the file {path.name} has {path.stat().st_size:,} bytes, not {size:,}"
        return None

    def checksum_fault(self, data_folder: Path) -> str | None:
        """What is wrong after reading all files; None if each is the published one."""
        places = (self._place(data_folder, name) for name in self.files)
        return self.fault(data_folder) or wrong_file((path, md5) for path, _, md5 in filter(None, places))

    def content(self, data_folder: Path, name: str) -> bytes:
        """The content of a file, or what it holds if that is there, checked against the checksum.

        Raises:
            ValueError: the checksum differs.
            OSError: the file cannot be read.
        """
        place = self._place(data_folder, name)
        if place is None:
            raise FileNotFoundError(f"the file {name} is missing")
        path, _, md5 = place
        return checked_content(path, md5)

    def fetch(self, part: Path) -> Iterator[int]:
        """Download one file after the other to the end of `part`; yields the bytes that have arrived.

        Raises:
            DataMissing: no connection, an error from the server, or an early end; what arrived stays in `part`.
            OSError: `part` cannot be written.
        """
        start = 0
        for name, (size, _) in self.files.items():
            address = mirrored(self.url + name, self.folder.partition("/")[0])
            yield from fetched(Source(f"{self.title} ({name})", address, size, self.folder), part, start)
            start += size

    def unpack(self, part: Path, folder: Path) -> None:
        """Check each file in `part` and write it into `folder`.

        Raises:
            DataMissing: one is not the published file; `part` is removed, so that the next attempt starts from scratch.
            OSError: `folder` cannot be written.
        """
        (folder / self.folder).mkdir(parents=True)
        with part.open("rb") as source:
            for name, (size, md5) in self.files.items():
                digest, left = hashlib.md5(usedforsecurity=False), size
                with (folder / self.folder / name).open("wb") as file:
                    while left and (piece := source.read(min(PIECE, left))):
                        file.write(piece)
                        digest.update(piece)
                        left -= len(piece)
                if digest.hexdigest() != md5:
                    part.unlink()
                    raise DataMissing(
                        f"What arrived from {mirrored(self.url + name, self.folder.partition('/')[0])} is not "
                        f"{self.title}: its md5 checksum is {digest.hexdigest()}, not {md5}. It was removed. Download "
                        "it again; if that fails too, try another network."
                    )

    def _place(self, data_folder: Path, name: str) -> tuple[Path, int, str] | None:
        """Where a file is, or what it holds, with its size and md5; those of the right size first."""
        versions = [(name, *self.files[name])] + ([self.unpacked[name]] if name in self.unpacked else [])
        found = [
            (path, size, md5)
            for folder in (self.folder, *self.elsewhere)
            for version, size, md5 in versions
            if (path := data_folder / folder / version).is_file()
        ]
        return next((each for each in found if each[0].stat().st_size == each[1]), found[0] if found else None)
