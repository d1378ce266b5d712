"""Exceptions for invalid input and files; every message gives the value, the rule and the next step."""

import errno
import re
import sys

from explorer.escaping import in_terminal

LONGEST_VALUE = 80  # characters of a value that a message shows
LONGEST_WORD = 300  # characters of a word in a message that is not `quoted`, such as a path
LONGEST_MESSAGE = 4000


class ExplorerError(Exception):
    """Base of all errors that a user can act on; the app and the command line show only its text.

    Attributes:
        reason: what is wrong without the next step, for use in another message; by default the whole text.
    """

    def __init__(self, text: str = "", *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


class BadSettings(ExplorerError, ValueError):
    """A setting has a value that is not allowed.

    Attributes:
        settings: names of the settings at fault, as far as known.
    """

    def __init__(self, text: str = "", *, settings: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.settings = settings


class UnknownName(ExplorerError, ValueError):
    """A name that is in no table."""


class DataMissing(ExplorerError):
    """A data set is not on this machine, or is damaged."""


class RunError(ExplorerError):
    """A run or experiment is missing, damaged, or in a state that does not allow what was asked."""


class TrainingFailed(ExplorerError):
    """Training cannot continue, for example because the loss is not finite."""


class StorageError(ExplorerError):
    """A file could not be written or read: full disk, read-only folder, damaged file."""


class Cancelled(ExplorerError):
    """A computation was cancelled, on request or because its result is no longer needed."""

    def __init__(self, text: str = "This was cancelled.") -> None:
        super().__init__(text)


# Texts of PyTorch's out-of-memory errors that have no class of their own: on the CPU (Linux, Windows) and on a Mac.
_OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "out of memory",
    "Storage size calculation overflowed",  # more than 2**63 bytes
    "failed to map segment",  # PyTorch's own code while it is being loaded
)


def is_disk_full(error: BaseException) -> bool:
    """Whether `error`, or an error that caused it, means that the disk is full."""
    cause: BaseException | None = error
    while cause is not None:
        full_for_sqlite = getattr(cause, "sqlite_errorcode", None) == 13  # SQLITE_FULL
        if full_for_sqlite or (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)):
            return True
        cause = cause.__cause__
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out, in Python, numpy, PyTorch on any device, or the operating system."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError):  # numpy's is one too
        return True
    names = {each.__name__ for each in type(error).__mro__}  # PyTorch's own class, without importing it
    return "OutOfMemoryError" in names or (
        isinstance(error, RuntimeError | ImportError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    )


def quoted(value: object) -> str:
    """The repr of a value for a message; long ones are shortened in the middle."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to convert integers of so many digits
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= LONGEST_VALUE else _shortened(text, LONGEST_VALUE)


def one_line(error: object, most: int = LONGEST_MESSAGE) -> str:
    """An error or text as one printable line of at most `most` characters."""
    text = re.sub(
        rf"\S{{{LONGEST_WORD},}}", lambda word: _shortened(word[0], LONGEST_VALUE), " ".join(str(error).split())
    )
    return in_terminal(text if len(text) <= most else _shortened(text, most))


def reason_in(error: object) -> str:
    """An error as a short clause, without its full stop."""
    return one_line(error, LONGEST_WORD).rstrip(".")


def _shortened(text: str, most: int) -> str:
    return f"{text[: most * 3 // 4]}...{text[-most // 4 :]}"
