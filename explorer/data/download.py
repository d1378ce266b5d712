"""Downloads of data sets, in this process or a detached one: atomic, resumable, one at a time per data set.

Their files are in `.downloads` in the data folder: `NAME.tar.gz.part` (what has arrived; a later download resumes
it), `NAME.json` (progress), `NAME.lock` (held by the downloading process), `NAME.cancel`.
"""

import errno
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from explorer.data.archive import Archive
from explorer.data.catalogue import DATASETS, data_folder, data_status, shown_folder
from explorer.data.file_set import FileSet
from explorer.errors import BadSettings, DataMissing, ExplorerError, StorageError
from explorer.files import read_json, write_text_atomically
from explorer.processes import CHECK_SECONDS, lock_is_held, start_detached
from explorer.registry import lookup

STARTING_SECONDS = 30.0  # allowed between the launch of a process and its lock
SECONDS_BETWEEN_WRITES = 0.5
STATES = ("starting", "running", "finished", "failed", "cancelled")  # in the file


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The progress of a download.

    Attributes:
        state: "interrupted" if the process ended without reporting (killed, machine switched off).
        done: bytes that have arrived.
        total: bytes of the archive.
        message: the current activity, or why it ended and what to do.
    """

    state: Literal["idle", "running", "finished", "failed", "cancelled", "interrupted"]
    done: int
    total: int
    message: str


def download(name: str) -> Iterator[tuple[int, int]]:
    """Download, check and install a data set; yields (bytes done, bytes in total).

    An intact data set is not downloaded again; a damaged one is replaced.

    Raises:
        UnknownName: no data set has that name.
        BadSettings: it is built in.
        DataMissing: the network or the archive is at fault, or it was cancelled.
        StorageError: the disk is full or read-only, or another process is downloading it.
    """
    archive = _archive(name)
    name = _name_of(archive)
    data = data_folder()
    if archive.checksum_fault(data) is None:
        yield archive.size, archive.size
        return
    with _storage_errors(archive):
        _folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(_path(name, "lock"))
        try:
            lock.acquire(timeout=CHECK_SECONDS)
        except Timeout:
            raise StorageError(f"{archive.title} is already being downloaded by another process.") from None
        try:
            if _read_progress(name).get("state") != "starting":  # else the request is for this download
                _path(name, "cancel").unlink(missing_ok=True)
            yield from _with_progress(name, archive, data)
        finally:
            lock.release()


def start_download(name: str) -> DownloadProgress:
    """Download in a detached process; does nothing if one is running or the data set is available.

    Raises:
        BadSettings: the data set is built in.
        StorageError: the data folder cannot be written.
    """
    archive = _archive(name)
    name = _name_of(archive)
    progress = download_progress(name)
    if progress.state == "running" or data_status(name).available:
        return progress
    with _storage_errors(archive):
        _folder().mkdir(parents=True, exist_ok=True)
        _path(name, "cancel").unlink(missing_ok=True)
        _write_progress(name, "starting", progress.done, "Starting.")
        with _path(name, "log").open("wb") as log:
            start_detached(
                ["explorer", "data", "download", name],
                folder=data_folder(),
                output=log,
                environment={"EXPLORER_DATA": str(data_folder())},
            )
    return download_progress(name)


def download_progress(name: str) -> DownloadProgress:
    """The progress of a download, by whichever process; cheap, for polling."""
    archive = _archive(name)
    name = _name_of(archive)
    written = _read_progress(name)
    if not written:
        return DownloadProgress("idle", 0, archive.size, "")
    state, done, message = written["state"], written["done"], written["message"]
    if state in ("starting", "running"):
        fresh = state == "starting" and 0 <= time.monotonic() - written["time"] < STARTING_SECONDS
        state = "running" if fresh or lock_is_held(_path(name, "lock")) else "interrupted"
    if state == "interrupted":
        message = f"The download of {archive.title} was cut off. Start it again: it goes on where it stopped."
    return DownloadProgress(state, done, archive.size, message)


def cancel_download(name: str) -> None:
    """Stop a download, by whichever process, and remove what has arrived; does nothing if there is none."""
    archive = _archive(name)
    name = _name_of(archive)
    state = download_progress(name).state
    with _storage_errors(archive):
        if state == "running":
            _path(name, "cancel").touch()
        elif _folder().is_dir():
            _clear(name)
            _path(name, "json").unlink(missing_ok=True)


def _with_progress(name: str, archive: Archive | FileSet, data: Path) -> Iterator[tuple[int, int]]:
    """Fetch and install, writing the progress to its file."""
    done, last_write = 0, 0.0
    try:
        _require_space(archive, data)
        for done in archive.fetch(_part(name)):
            _raise_if_cancelled(name, archive)
            if time.monotonic() - last_write > SECONDS_BETWEEN_WRITES:
                last_write = time.monotonic()
                _write_progress(name, "running", done, f"Downloading {archive.title}.")
            yield done, archive.size
        _write_progress(name, "running", done, f"Checking and unpacking {archive.title}.")
        _install(name, archive, data)
        _write_progress(name, "finished", archive.size, f"{archive.title} is ready in {shown_folder()}.")
    except _Cancelled as cancelled:
        _clear(name)
        _write_progress(name, "cancelled", 0, str(cancelled))
        raise
    except (ExplorerError, OSError) as error:
        explained = _storage_error(archive, error) if isinstance(error, OSError) else error
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _clear(name)  # frees the disk, at the cost of a second download
        with suppress(ExplorerError):
            _write_progress(name, "failed", done, str(explained))
        raise explained from error


class _Cancelled(DataMissing):
    pass


def _raise_if_cancelled(name: str, archive: Archive | FileSet) -> None:
    if _path(name, "cancel").exists():
        raise _Cancelled(f"The download of {archive.title} was cancelled.")


def _install(name: str, archive: Archive | FileSet, data: Path) -> None:
    """Unpack to a temporary folder, then move it into place, replacing a damaged older folder."""
    unpacked, old = _folder() / f"{name}.unpacked", _folder() / f"{name}.old"
    for leftover in (unpacked, old):
        shutil.rmtree(leftover, ignore_errors=True)
    archive.unpack(_part(name), unpacked)
    place = data / archive.folder
    if place.exists():
        place.replace(old)
    place.parent.mkdir(parents=True, exist_ok=True)
    (unpacked / archive.folder).replace(place)
    _clear(name)


def _clear(name: str) -> None:
    """Remove all files of a download except its lock and its progress."""
    for leftover in ("unpacked", "old"):
        shutil.rmtree(_folder() / f"{name}.{leftover}", ignore_errors=True)
    _part(name).unlink(missing_ok=True)
    _path(name, "cancel").unlink(missing_ok=True)


def _require_space(archive: Archive | FileSet, data: Path) -> None:
    needed, free = archive.size + archive.unpacked_size, shutil.disk_usage(data).free
    if free < needed:
        raise StorageError(
            f"{archive.title} needs {needed / 1e6:,.0f} MB in {shown_folder()} while it is installed, and "
            f"{free / 1e6:,.0f} MB are free. Free some space, or set EXPLORER_DATA to a folder on another disk."
        )


@contextmanager
def _storage_errors(archive: Archive | FileSet) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _storage_error(archive, error) from error


def _storage_error(archive: Archive | FileSet, error: OSError) -> StorageError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()
    return StorageError(
        f"{archive.title} cannot be written to {shown_folder()}: {reason}. Nothing is half-installed. "
        "Make room or make the folder writable and start again, or set EXPLORER_DATA to another folder."
    )


def _write_progress(name: str, state: str, done: int, message: str) -> None:
    facts = {"state": state, "done": done, "message": message, "time": time.monotonic()}
    write_text_atomically(_path(name, "json"), json.dumps(facts))


def _read_progress(name: str) -> dict[str, Any]:
    """What `_write_progress` wrote last; empty if there is nothing readable."""
    try:
        facts = read_json(_path(name, "json"), most=100_000)
    except (FileNotFoundError, StorageError):
        return {}
    kinds = {"state": str, "done": int, "message": str, "time": int | float}
    sound = isinstance(facts, dict) and all(isinstance(facts.get(each), kind) for each, kind in kinds.items())
    return facts if sound and facts["state"] in STATES and facts["done"] >= 0 else {}


def _archive(name: str) -> Archive | FileSet:
    row = lookup(DATASETS, name, "data set")
    if row.archive is None:
        raise BadSettings(f"{row.title} are built in: there is nothing to download.")
    return row.archive


def _name_of(archive: Archive | FileSet) -> str:
    """The first data set with these files: both kinds of classes of CIFAR-100 have one download."""
    return next(row.name for row in DATASETS.values() if row.archive is archive)


def _folder() -> Path:
    return data_folder() / ".downloads"


def _path(name: str, kind: Literal["lock", "json", "cancel", "log"]) -> Path:
    return _folder() / f"{name}.{kind}"


def _part(name: str) -> Path:
    return _folder() / f"{name}.tar.gz.part"
