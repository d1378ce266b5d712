"""Folders of the program and the user, bounded reading of untrusted files, atomic writing."""

import errno
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from explorer.errors import StorageError, is_disk_full, quoted, reason_in
from explorer.scratch import temporary_name

PROJECT = Path(__file__).resolve().parents[1]  # the folder with this package: a checkout or site-packages
_CHECKOUT = (PROJECT / "streamlit_app.py").is_file()
APP = PROJECT if _CHECKOUT else PROJECT / "explorer" / "installed"  # with pages/ and checkpoints/, see setup.py
USER_FILES = PROJECT if _CHECKOUT else Path("~/resnet-explorer")  # with runs/ and data/, unless set otherwise


def home() -> Path:
    """The folder of runs, checkpoints and uploads: EXPLORER_HOME, else runs/ in `USER_FILES`.

    Raises:
        StorageError: EXPLORER_HOME is not a path, such as the home of an unknown user, or a loop of links.
    """
    given = os.environ.get("EXPLORER_HOME")
    try:
        return (Path(given) if given else USER_FILES / "runs").expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"EXPLORER_HOME (={quoted(given)}) is not a path: {reason_in(error)}. Name another."
        ) from None


def temporary_place() -> Path:
    """The system's folder for temporary files.

    Raises:
        StorageError: none is writable, for example because the disk is full.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # it lists the folders that were tried
        raise StorageError(f"{reason_in(error)}. Make room there, or name another folder in TMPDIR.") from error


def inside(root: Path, *parts: str) -> Path:
    """The path of `parts` in the folder `root`.

    Raises:
        StorageError: it leads out of `root`, by itself or through a link.
    """
    path = root.joinpath(*parts)
    try:
        place, top = path.resolve(), root.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL
        raise StorageError(f"{'/'.join(parts)!r} is not a path in {root}: {error}.") from None
    if place == top or not place.is_relative_to(top):
        raise StorageError(
            f"{'/'.join(parts)!r} leads out of {root}, to {place}. Nothing there is read or written: "
            "put the file itself in its place."
        )
    return path


def file_identity(path: Path) -> tuple[Hashable, ...]:
    """Another once the file at `path` has been changed, replaced or removed."""
    try:
        facts = path.stat()
    except (OSError, ValueError):  # there is none; a NUL
        return (path,)
    return path, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: it is a link, a pipe or a folder, too large, or cannot be read.
    """
    with _plain_file(path) as (file, size):
        content = file.read(min(size, most) + 1)  # read() allocates this much at once
    if len(content) > most:
        raise StorageError(f"{path} has more than {most:,} bytes, which no such file of this program has.")
    if len(content) > size:
        raise StorageError(f"{path} is being written. Try again when it is whole.")
    return content


def read_end(path: Path, most: int) -> str:
    """The last `most` bytes of a file as text, where the first line may be cut; raises as `read_file` does."""
    with _plain_file(path) as (file, size):
        file.seek(max(0, size - most))
        return file.read(most).decode(errors="replace")


@contextmanager
def _plain_file(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """A regular file and its size."""
    # do not wait for the writer of a pipe, do not follow a link
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise StorageError(f"{path} is not a file. Put the file in its place.")
            yield file, facts.st_size
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise StorageError(f"{path} is a link. Put the file itself in its place.") from None
        raise StorageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def read_json(path: Path, most: int = 4 * 2**20) -> Any:
    """The content of a JSON file: finite numbers, unique names, at most `DEEPEST` levels, text that can be encoded.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: the content breaks these rules, or see `read_file`; the message does not quote the content.
    """
    return parse_json(read_file(path, most), str(path))


def parse_json(content: bytes, name: str) -> Any:
    """`read_json` of a file's content; `name` is for messages."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_without_repetition)
        _require_plain(value)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{name} is not valid JSON: {reason_in(error)}.") from None
    return value


DEEPEST = 20  # levels of lists and dictionaries in a JSON file; this program writes five


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name occurs twice in it")
    return values


def _require_plain(value: Any) -> None:
    """Raise ValueError for non-finite or huge numbers, deep nesting and lone surrogates."""
    waiting = [(value, 1)]
    while waiting:
        each, level = waiting.pop()
        if level > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        if isinstance(each, dict):
            waiting += [(part, level + 1) for pair in each.items() for part in pair]
        elif isinstance(each, list):
            waiting += [(part, level + 1) for part in each]
        elif isinstance(each, str):
            each.encode()
        elif isinstance(each, float) and not math.isfinite(each):
            raise ValueError("a number in it is not finite")
        elif isinstance(each, int) and abs(each) >= 2**63:
            raise ValueError("a whole number in it has more than 64 bits")


def require_free(path: Path) -> None:
    """Raise StorageError if there is something at `path`, so that nothing is replaced."""
    with storage_errors(path):
        if path.exists() or path.is_symlink():
            raise StorageError(f"{path} is there already. Choose another file, or remove it.")


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Call `write` with a temporary file in the folder of `path`, then move it into place.

    Raises:
        StorageError: the disk is full or the folder read-only, or `path` is a folder, a pipe or a device; what was at
            `path` is unchanged.
    """
    with storage_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a folder")
        if path.exists() and not path.is_file():
            raise StorageError(f"{path} is a pipe or a device, which is not replaced. Give a file.")
        temporary = path.with_name(temporary_name(path.name))
        try:
            with temporary.open("xb") as file:  # tempfile would make it unreadable for other users
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """`write_atomically` for known content."""
    write_atomically(path, lambda file: file.write(content))


def write_text_atomically(path: Path, text: str) -> None:
    """`write_atomically` for a text."""
    write_bytes_atomically(path, text.encode())


@contextmanager
def appending(path: Path) -> Iterator[IO[bytes]]:
    """A file opened for appending, created if missing; links are not followed."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with storage_errors(path), os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        yield file


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Convert the operating system's errors about `path` to a `StorageError` with the next step."""
    if "\0" in str(path):  # a ValueError of Python's own
        raise StorageError(f"{quoted(str(path))} has a NUL character, which no path can have. Leave it out.")
    try:
        yield
    except OSError as error:
        raise StorageError(_explanation(path, error)) from error


def _explanation(path: Path, error: OSError) -> str:
    if is_disk_full(error):
        return f"The disk is full: {path} could not be written. Free some space, then try again; nothing was lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        folder, what = (path, "a file in it") if path.is_dir() else (path.parent, path.name)
        return f"{folder} is read-only for this user: {what} could not be written. " + (
            "Make the folder writable or set EXPLORER_HOME to another one."
            if path.is_relative_to(home())
            else "Choose another folder, or make this one writable."
        )
    then = _NEXT_STEP.get(error.errno or 0, "Nothing was changed; try again.")
    return f"{path} could not be written or read: {error.strerror or error}. {then}"


_NEXT_STEP = {  # for other errors of the operating system
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.EISDIR: "Give a file.",
    errno.EEXIST: "Something else is there; give another name.",
    errno.ENOTDIR: "A part of the path is a file; give a path through folders.",
    errno.ENOENT: "Give a file in a folder that is there.",
}


def os_error_message(error: OSError) -> str:
    """The message about an error of the operating system that was not converted to an `ExplorerError`."""
    return _explanation(Path(str(error.filename or "A file")), error)


def bytes_of_files(folder: Path) -> int:
    """Bytes of the files in a folder, without those in folders inside; what cannot be read counts 0."""
    total = 0
    with suppress(OSError):
        if not folder.is_symlink():
            with os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(OSError):  # removed just now
                        if entry.is_file(follow_symlinks=False):
                            total += entry.stat(follow_symlinks=False).st_size
    return total
