"""Which pictures of a folder cannot be read: all at once, instead of one at each attempt."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.picture_files import look_at_header, read_picture_file
from explorer.errors import ExplorerError
from explorer.numerals import listed

SHORTER = 64  # pixels of the shorter side that are asked of a decoder; large JPEG files are then decoded in part
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is called like a picture and cannot be read as one."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of pictures found.

    Attributes:
        files: number of pictures.
        read: how many of them were looked at; fewer if the time was up.
        broken: those that cannot be read, in order.
        headers: whether only the beginnings of the files were read.
    """

    files: int
    read: int
    broken: tuple[Broken, ...] = ()
    headers: bool = False

    def sentence(self, folder: str | Path) -> str:
        """The result in a sentence, with the names of the first broken files."""
        of = (
            f"{self.read:,} pictures"
            if self.read == self.files
            else f"the first {self.read:,} of {self.files:,} pictures"
        )
        if not self.broken:
            return f"The beginnings of {of} can be read." if self.headers else f"{of[0].upper()}{of[1:]} can be read."
        broken = [f"{_inside(each.file, folder)} ({_short(each.reason)})" for each in self.broken]
        only = " Only the beginnings of the files were read." if self.headers else ""
        return f"{len(self.broken):,} of {of} in {folder} cannot be read: {listed(broken, MOST_NAMED, '; ')}.{only}"


def checked(
    files: Sequence[str],
    *,
    until: float | None = None,
    headers: bool = False,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> Checked:
    """Read pictures and collect those that cannot be read.

    Args:
        files: paths.
        until: moment of `time.monotonic` after which no further picture is read; None reads all.
        headers: look at the beginnings only, which takes a tenth of a millisecond each: finds other kinds of files and
            empty ones, not pictures that are cut off.
        report: called with the number of pictures read and their total.
    """
    broken: list[Broken] = []
    for done, file in enumerate(files):
        if until is not None and time.monotonic() > until:
            return Checked(len(files), done, tuple(broken), headers)
        try:
            if headers:
                look_at_header(Path(file))
            else:
                read_picture_file(Path(file), shorter=SHORTER)
        except ExplorerError as error:
            broken.append(Broken(file, str(error).removeprefix(f"{Path(file).name}: ")))
        report(done + 1, len(files))
    return Checked(len(files), len(files), tuple(broken), headers)


def _inside(file: str, folder: str | Path) -> str:
    path = Path(file)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else file


def _short(reason: str) -> str:
    """The first sentence of a reason, without what to do."""
    return reason.partition(". ")[0].rstrip(".")
