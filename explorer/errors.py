"""Exceptions for what users and files can do; every message says the value, the rule, the next step."""

import errno
import re
import sys

from explorer.escaping import in_terminal

LONGEST_VALUE = 80  # characters of a value that a message shows
LONGEST_WORD = 300  # of a word in a message that was not made by `quoted`, such as a path
LONGEST_MESSAGE = 4000


class ExplorerError(Exception):
    """Anything a user can mend; the app and the command line show its text and nothing else.

    Attributes:
        reason: what is wrong without what to do about it, for another message; the whole text where none was given.
    """

    def __init__(self, text: str = "", *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


class BadSettings(ExplorerError, ValueError):
    """A setting has a value that its rule does not allow.

    Attributes:
        settings: names of those at fault, as far as they are known.
    """

    def __init__(self, text: str = "", *, settings: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.settings = settings


class UnknownName(ExplorerError, ValueError):
    """A name that no table knows."""


class DataMissing(ExplorerError):
    """A data set is not on this machine, or is damaged."""


class RunError(ExplorerError):
    """A run or experiment is missing, damaged, or in a state that does not allow what was asked."""


class TrainingFailed(ExplorerError):
    """Training cannot go on, for example because the loss is no longer finite."""


class StorageError(ExplorerError):
    """A file could not be written or read: full disk, read-only folder, damaged file."""


class Cancelled(ExplorerError):
    """A computation was ended before it was done, because somebody asked for that or nobody waits for it any more."""


# As PyTorch's allocators say it where their error has no class of its own: on the CPU (Linux; Windows) and on a Mac.
_OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "out of memory",
    "Storage size calculation overflowed",  # more bytes than can be counted
    "failed to map segment",  # PyTorch's own code while it is being loaded
)


def is_disk_full(error: BaseException) -> bool:
    """Whether `error`, or what it was raised from, says that there is no room on the disk."""
    cause: BaseException | None = error
    while cause is not None:
        full_for_sqlite = getattr(cause, "sqlite_errorcode", None) == 13  # SQLITE_FULL
        if full_for_sqlite or (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)):
            return True
        cause = cause.__cause__
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out: Python's, numpy's, PyTorch's on any device, or the system's."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError):  # numpy's is one too
        return True
    names = {each.__name__ for each in type(error).__mro__}  # PyTorch's own class, without importing it
    return "OutOfMemoryError" in names or (
        isinstance(error, RuntimeError | ImportError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    )


def quoted(value: object) -> str:
    """A value as messages show it: as Python writes it, of a long one the beginning and the end."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write whole numbers of so many digits
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= LONGEST_VALUE else _shortened(text, LONGEST_VALUE)


def one_line(error: object, most: int = LONGEST_MESSAGE) -> str:
    """An error, or another text, in one line that every terminal and page can show, of `most` characters at most."""
    text = re.sub(
        rf"\S{{{LONGEST_WORD},}}", lambda word: _shortened(word[0], LONGEST_VALUE), " ".join(str(error).split())
    )
    return in_terminal(text if len(text) <= most else _shortened(text, most))


def reason_in(error: object) -> str:
    """An error as a short part of a sentence, without its full stop."""
    return one_line(error, LONGEST_WORD).rstrip(".")


def _shortened(text: str, most: int) -> str:
    return f"{text[: most * 3 // 4]}...{text[-most // 4 :]}"
