"""Where the program is and where it keeps things; writing a file so that a reader sees the old content or the new."""

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from explorer.errors import StorageError

PROJECT = Path(__file__).resolve().parents[1]  # the folder of the app: runs/ and data/ are in it unless told otherwise


def home() -> Path:
    """The folder of all runs and of what is kept beside them: EXPLORER_HOME, else runs/ beside the app."""
    given = os.environ.get("EXPLORER_HOME")
    return Path(given).expanduser().resolve() if given else PROJECT / "runs"


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place.

    Raises:
        StorageError: the disk is full or the folder read-only; an earlier `path` is untouched.
    """
    with storage_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a folder")
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("xb") as file:  # not tempfile's: its files are for nobody else on the machine to read
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def write_text_atomically(path: Path, text: str) -> None:
    """The same for a short text."""
    write_atomically(path, lambda file: file.write(text.encode()))


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into a `StorageError` with the next step."""
    try:
        yield
    except OSError as error:
        raise StorageError(_explanation(path, error)) from error


def _explanation(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {path} could not be written. Free some space, then try again; nothing was lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{path.parent} is read-only for this user: {path.name} could not be written. "
            "Make the folder writable or set EXPLORER_HOME to another one."
        )
    then = _NEXT_STEP.get(error.errno or 0, "Nothing was changed; try again.")
    return f"{path} could not be written or read: {error.strerror or error}. {then}"


# What to do about other things that the operating system says
_NEXT_STEP = {
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.EISDIR: "Give a file.",
    errno.ENOTDIR: "A part of the path is a file; give a path through folders.",
    errno.ENOENT: "Give a file in a folder that is there.",
}


def told(error: OSError) -> str:
    """What the operating system says in one sentence with the next step, where nobody has said it better."""
    return _explanation(Path(str(error.filename or "A file")), error)
