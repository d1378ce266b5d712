"""Experiments as zip files: packing, and extraction of untrusted ones."""

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from explorer.errors import ExplorerError, RunError, quoted, reason_in
from explorer.files import read_file, storage_errors
from explorer.runs.facts import ACTIVE, LARGEST_EXPERIMENT, RunFacts
from explorer.runs.metrics_file import copy_metrics
from explorer.runs.state_files import LATEST, PREVIOUS
from explorer.runs.store import Run, is_run_folder
from explorer.scratch import temporary_folder

# Files of a run in a zip, and their largest sizes; all others in a run folder belong to the machine.
MEBIBYTE = 2**20
PORTABLE = {
    "run.json": 4 * MEBIBYTE,
    "metrics.db": 4096 * MEBIBYTE,
    "worker.log": 64 * MEBIBYTE,
    "checkpoint.safetensors": 4096 * MEBIBYTE,
    "checkpoint.json": 4 * MEBIBYTE,
    "initial.safetensors": 4096 * MEBIBYTE,
    "initial.json": 4 * MEBIBYTE,
}
MOST_ENTRIES = 50 * LARGEST_EXPERIMENT
LARGEST_DIRECTORY = 8 * MEBIBYTE  # the zip's own list of entries
MOST_UNPACKED = 100  # compression ratio at most, against zip bombs; weights and metrics have about 3
ALWAYS_UNPACKED = 64 * MEBIBYTE
_CHUNK = MEBIBYTE
_STATE = re.compile(rf"step-[0-9]{{1,12}}\.pt|{re.escape(LATEST)}|{re.escape(PREVIOUS)}")
_FILE = rf"{'|'.join(map(re.escape, PORTABLE))}|snapshots/({_STATE.pattern})"
_ENTRY = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,120}}/({_FILE})")


def pack(runs: tuple[Run, ...], file: IO[bytes], *, all_snapshots: bool = False) -> None:
    """Write runs as a zip that another machine can list and resume: consistent metrics, no lock, no live state.

    Args:
        all_snapshots: also those of finished runs, which have their first and last weights without them.

    Raises:
        RunError, StorageError: a run is damaged, or a file in its folder is not a regular one.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            if run.facts is None or run.state == "damaged":
                raise RunError(f"{run.id} is damaged and cannot be exported: {run.damage}")
            _pack_run(run, run.facts, archive, snapshots=all_snapshots or run.state != "finished")


def unpack(source: Path | IO[bytes], name: str, folder: Path, *, most: int) -> None:
    """Extract a zip written by `pack` into `folder`: one folder per run, with files of runs only.

    Args:
        name: its name in messages.
        folder: an empty folder.
        most: limit of the bytes extracted, whatever sizes the zip claims.

    Raises:
        RunError: it was not written by `pack`.
        StorageError: `folder` cannot be written.
    """
    with _opened(source) as file, _as_run_error(name), zipfile.ZipFile(_Bounded(file)) as archive:
        most = min(most, max(MOST_UNPACKED * file.seek(0, io.SEEK_END), ALWAYS_UNPACKED))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _require_portable(entries, name)
        for entry in entries:
            target = folder.joinpath(*entry.filename.split("/"))
            with storage_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            most -= _extract(archive, entry, target, min(most, _largest(entry.filename)), name)


def _pack_run(run: Run, facts: RunFacts, archive: zipfile.ZipFile, *, snapshots: bool) -> None:
    state = "paused" if run.state in (*ACTIVE, "crashed") else facts.state
    changes = {"id": run.id, "state": state, "worker": None, "number": 0, "queued": 0.0}
    portable = facts.model_copy(update=changes)
    archive.writestr(f"{run.id}/run.json", portable.model_dump_json(indent=2) + "\n")
    with _scratch() as scratch:
        if (run.path / "metrics.db").exists():
            copy_metrics(run.path, scratch / "metrics.db")
            archive.write(scratch / "metrics.db", f"{run.id}/metrics.db")
    place = run.path / "snapshots"
    entries = place.iterdir() if snapshots and place.is_dir() and not place.is_symlink() else ()
    states = sorted(path.name for path in entries if _STATE.fullmatch(path.name))
    for name in [*list(PORTABLE)[2:], *(f"snapshots/{state}" for state in states)]:
        try:
            content = read_file(run.path / name, _largest(f"{run.id}/{name}"))
        except FileNotFoundError:
            continue
        archive.writestr(f"{run.id}/{name}", content)
    if not is_run_folder(run.path):
        raise RunError(f"{run.id} was deleted while it was exported. Nothing was written.")


@contextmanager
def _scratch() -> Iterator[Path]:
    parent = Path(tempfile.gettempdir())
    with storage_errors(parent / "explorer-export"):
        folder = temporary_folder(parent, "explorer-export")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _largest(filename: str) -> int:
    return PORTABLE.get(filename.partition("/")[2], PORTABLE["checkpoint.safetensors"])


@contextmanager
def _opened(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(source, Path):
        yield source
        return
    with storage_errors(source):
        if not source.is_file():  # opening a pipe would block
            raise RunError(f"There is no file {source}. Give the zip that `python -m explorer runs export` wrote.")
        file = source.open("rb")
    with file:
        yield file


class _Bounded(io.RawIOBase):
    """A file with bounded reads, since zipfile reads a list of entries of any size at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(LARGEST_DIRECTORY + 1 if size < 0 else min(size, LARGEST_DIRECTORY + 1))
        if len(content) > LARGEST_DIRECTORY:
            raise ValueError(f"its list of entries is larger than {LARGEST_DIRECTORY >> 20} MiB")
        return content


@contextmanager
def _as_run_error(name: str) -> Iterator[None]:
    """Convert any error of reading a zip to a `RunError`."""
    try:
        yield
    except ExplorerError:
        raise
    except Exception as error:  # noqa: BLE001 zipfile raises many kinds of errors on invalid files
        raise RunError(
            f"{name} is not a zip written by export: {reason_in(error)}. Export the experiment again."
        ) from None


def _require_portable(entries: list[zipfile.ZipInfo], name: str) -> None:
    if len(entries) > MOST_ENTRIES:
        raise RunError(f"{name} holds {len(entries):,} files; an experiment has at most {MOST_ENTRIES:,}.")
    runs = {entry.filename.partition("/")[0] for entry in entries}
    if len(runs) > LARGEST_EXPERIMENT:
        raise RunError(f"{name} holds {len(runs):,} runs; an experiment has at most {LARGEST_EXPERIMENT:,}.")
    seen = set()
    for entry in entries:
        file = quoted(entry.orig_filename)
        if not _ENTRY.fullmatch(entry.filename) or entry.orig_filename != entry.filename:
            raise RunError(f"{name} holds {file}, which no exported experiment has. Nothing was imported.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
            raise RunError(f"{name}: {file} is compressed or encrypted as export never does. Nothing was imported.")
        if entry.filename.lower() in seen:
            raise RunError(f"{name} holds {file} twice. Nothing was imported.")
        seen.add(entry.filename.lower())


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int, name: str) -> int:
    """Write one entry; gives its bytes."""
    size = 0
    with archive.open(entry) as source:
        with storage_errors(target):
            file = target.open("xb")
        with file:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise RunError(
                        f"{name}: {entry.filename} unpacks to more than the {most:,} bytes there may be. "
                        "Nothing was imported."
                    )
                with storage_errors(target):
                    file.write(chunk)
    return size
