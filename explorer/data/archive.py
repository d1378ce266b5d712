"""Data sets published as one archive: download, checksums and unpacking."""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.data.fetching import Source, fetched, mirrored
from explorer.errors import DataMissing


@dataclass(frozen=True, slots=True)
class Archive:
    """A .tar.gz with one folder of files, and the published checksums.

    Attributes:
        title: name of the data set in messages.
        url: where it is published; `EXPLORER_MIRROR` can name another web folder with a copy.
        md5: checksum of the archive.
        size: bytes of the archive.
        folder: name of the folder that it unpacks to.
        files: size (None: not compared) and md5 of each file in the folder that is needed.
    """

    title: str
    url: str
    md5: str
    size: int
    folder: str
    files: Mapping[str, tuple[int | None, str]]

    @property
    def unpacked_size(self) -> int:
        return sum(size or 0 for size, _ in self.files.values())

    def address(self) -> str:
        return mirrored(self.url)

    def present(self, data_folder: Path) -> bool:
        return (data_folder / self.folder).exists()

    def fault(self, data_folder: Path) -> str | None:
        """What is wrong with the names and sizes of the files; None if nothing is."""
        for name, (size, _) in self.files.items():
            path = data_folder / self.folder / name
            if not path.is_file():
                return f"the file {name} is missing"
            if size is not None and path.stat().st_size != size:
                return f"the file {name} has {path.stat().st_size:,} bytes, not {size:,}"
        return None

    def checksum_fault(self, data_folder: Path) -> str | None:
        """What is wrong after reading all files; None if each is the published one."""
        places = ((data_folder / self.folder / name, md5) for name, (_, md5) in self.files.items())
        return self.fault(data_folder) or wrong_file(places)

    def content(self, data_folder: Path, name: str) -> bytes:
        """The content of a file in the folder, checked against the published checksum.

        Raises:
            ValueError: the checksum differs.
            OSError: the file cannot be read.
        """
        return checked_content(data_folder / self.folder / name, self.files[name][1])

    def fetch(self, part: Path) -> Iterator[int]:
        """Download into the file `part`, resuming where the server supports it; yields the bytes that have arrived.

        Raises:
            DataMissing: no connection, an error from the server, or an early end; what arrived stays in `part`.
            OSError: `part` cannot be written.
        """
        yield from fetched(Source(self.title, self.address(), self.size, self.folder), part)

    def unpack(self, part: Path, folder: Path) -> None:
        """Check the archive `part` and unpack it into `folder`.

        Raises:
            DataMissing: it is not the published archive; it is removed, so that the next attempt starts from scratch.
            OSError: `folder` cannot be written.
        """
        md5 = md5_of(part)
        if md5 != self.md5:
            part.unlink()
            raise DataMissing(
                f"What arrived from {self.address()} is not {self.title}: its md5 checksum is {md5}, "
                f"not {self.md5}. It was removed. Download it again; if that fails too, try another network."
            )
        (folder / self.folder).mkdir(parents=True)
        with tarfile.open(part, "r:gz") as archive:  # only the listed files are unpacked, never to a path it names
            for name in self.files:
                with suppress(KeyError):  # absent: reported below
                    source = archive.extractfile(f"{self.folder}/{name}")
                    if source is not None:
                        (folder / self.folder / name).write_bytes(source.read())
        if fault := self.fault(folder):
            raise DataMissing(f"The archive of {self.title} is not as expected: {fault}. Please report this.")


def wrong_file(files: Iterable[tuple[Path, str]]) -> str | None:
    """What is wrong with the first file that has another md5 or cannot be read; None if all are right."""
    for path, md5 in files:
        try:
            actual = md5_of(path)
        except OSError as error:
            return f"the file {path.name} cannot be read ({error.strerror})"
        if actual != md5:
            return f"the checksum of the file {path.name} is wrong"
    return None


def checked_content(path: Path, md5: str) -> bytes:
    """The content of a file; ValueError if it has another md5."""
    content = path.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise ValueError(f"the checksum of the file {path.name} is wrong")
    return content


def md5_of(path: Path) -> str:
    """The md5 checksum of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
