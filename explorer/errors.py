"""Exceptions for what users and files can do; every message says the value, the rule, the next step."""

import errno


class ExplorerError(Exception):
    """Anything a user can mend; the app and the command line show its text and nothing else."""


class BadSettings(ExplorerError, ValueError):
    """A setting has a value that its rule does not allow."""


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
        isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    )
