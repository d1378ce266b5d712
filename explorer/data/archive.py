"""A data set published as one archive: what its files must be, how it is fetched, checked and unpacked."""

import hashlib
import http.client
import os
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import DataMissing

CHUNK = 1 << 18  # bytes at most between two looks at the clock and at the wish to cancel
SILENCE = 30.0  # seconds without a byte after which the server counts as gone


@dataclass(frozen=True, slots=True)
class Archive:
    """A .tar.gz with one folder of files, and the published checksums.

    Attributes:
        title: of the data set, for messages.
        url: where it is published; `EXPLORER_MIRROR` names another web folder with a copy (a classroom's own).
        md5: of the archive.
        size: of the archive in bytes.
        folder: what it unpacks to.
        files: size and md5 of each file in the folder that is needed.
    """

    title: str
    url: str
    md5: str
    size: int
    folder: str
    files: Mapping[str, tuple[int, str]]

    @property
    def unpacked_size(self) -> int:
        return sum(size for size, _ in self.files.values())

    def address(self) -> str:
        mirror = os.environ.get("EXPLORER_MIRROR")
        return f"{mirror.rstrip('/')}/{self.url.rpartition('/')[2]}" if mirror else self.url

    def present(self, data_folder: Path) -> bool:
        return (data_folder / self.folder).exists()

    def fault(self, data_folder: Path) -> str | None:
        """What is wrong at first sight, from names and sizes; None where all is well."""
        for name, (size, _) in self.files.items():
            path = data_folder / self.folder / name
            if not path.is_file():
                return f"the file {name} is missing"
            if path.stat().st_size != size:
                return f"the file {name} has {path.stat().st_size:,} bytes, not {size:,}"
        return None

    def checksum_fault(self, data_folder: Path) -> str | None:
        """What is wrong after reading all files; None where each is the published one."""
        if fault := self.fault(data_folder):
            return fault
        for name, (_, md5) in self.files.items():
            try:
                found = md5_of(data_folder / self.folder / name)
            except OSError as error:
                return f"the file {name} cannot be read ({error.strerror})"
            if found != md5:
                return f"the checksum of the file {name} is wrong"
        return None

    def content(self, data_folder: Path, name: str) -> bytes:
        """A file in the folder, which is the published one.

        Raises:
            ValueError: it is not.
            OSError: it cannot be read.
        """
        content = (data_folder / self.folder / name).read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != self.files[name][1]:
            raise ValueError(f"the checksum of the file {name} is wrong")
        return content

    def fetch(self, part: Path) -> Iterator[int]:
        """Download into the file `part`, going on from what it holds where the server can; yields the bytes there.

        Raises:
            DataMissing: no connection, an error from the server, or an early end; what arrived stays in `part`.
            OSError: `part` cannot be written.
        """
        there = part.stat().st_size if part.exists() else 0
        if there >= self.size:  # complete but not yet checked, or wrong: the checksum will tell
            yield there
            return
        with self._request(there) as response, part.open("ab") as file:
            if there and response.status != http.client.PARTIAL_CONTENT:  # the server begins anew, and so do we
                file.truncate(0)
                there = 0
            yield there
            while chunk := self._read(response):
                file.write(chunk)
                there += len(chunk)
                yield there
        if there < self.size:
            reason = f"The download of {self.title} from {self.address()} stopped at {there:,} of {self.size:,} bytes"
            raise DataMissing(f"{reason}. Start it again: it goes on where it stopped.", reason=reason)

    def unpack(self, part: Path, folder: Path) -> None:
        """Check the archive `part` and unpack it into `folder`.

        Raises:
            DataMissing: it is not the published archive; it is removed, so that the next attempt starts afresh.
            OSError: `folder` cannot be written.
        """
        found = md5_of(part)
        if found != self.md5:
            part.unlink()
            raise DataMissing(
                f"What arrived from {self.address()} is not {self.title}: its md5 checksum is {found}, "
                f"not {self.md5}. It was removed. Download it again; if that fails too, try another network."
            )
        (folder / self.folder).mkdir(parents=True)
        with tarfile.open(part, "r:gz") as archive:  # only what we ask for is unpacked, under names of our own
            for name in self.files:
                with suppress(KeyError):  # absent: the fault below
                    source = archive.extractfile(f"{self.folder}/{name}")
                    if source is not None:
                        (folder / self.folder / name).write_bytes(source.read())
        if fault := self.fault(folder):
            raise DataMissing(f"The archive of {self.title} is not as expected: {fault}. Please report this.")

    def _request(self, there: int) -> http.client.HTTPResponse:
        address = self.address()
        if not address.startswith(("http://", "https://")):
            reason = f"EXPLORER_MIRROR leads to {address}, which is not a web address (http:// or https://)"
            raise DataMissing(f"{reason}.", reason=reason)
        headers = {"User-Agent": "resnet-explorer"} | ({"Range": f"bytes={there}-"} if there else {})
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - a web address, see above
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=SILENCE)  # noqa: S310
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        return response

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(CHUNK)  # what is there; a slow network need not fill it
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> DataMissing:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            cause = f"the server answered {error.code} {error.reason}"
        else:
            behind = getattr(error, "reason", error)  # a URLError
            cause = str(getattr(behind, "strerror", None) or behind)
        reason = f"{self.title} could not be downloaded from {self.address()}: {cause}"
        return DataMissing(
            f"{reason}. Check the network and start it again, copy the folder {self.folder} from another machine into "
            "the data folder, or choose the built-in digits.",
            reason=reason,
        )


def md5_of(path: Path) -> str:
    """The checksum that data sets are published with, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
