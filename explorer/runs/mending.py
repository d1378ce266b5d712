"""Repair of damaged runs: readable rows of metrics.db are kept, all others become empty."""

import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from filelock import Timeout

from explorer import tables
from explorer.errors import ExplorerError, RunError
from explorer.files import storage_errors, write_atomically
from explorer.processes import CHECK_SECONDS
from explorer.runs import store
from explorer.runs.checkpoint_facts import CheckpointFacts, read_checkpoint
from explorer.runs.facts import ACTIVE, RESUMABLE, RunFacts, with_notice
from explorer.runs.metrics import MetricsWriter, read_metrics
from explorer.runs.metrics_file import (
    COLUMNS,
    FINITE,
    KEYS,
    MOST_NAME,
    RANGES,
    SQLITE_ERRORS,
    TYPES,
    metrics_sha256,
    require_valid_metrics,
)
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import Run, read_run, run_lock, update_run
from explorer.scratch import temporary_folder

DAMAGED = "metrics-damaged.db"  # the copy of the damaged file
MOST_SECONDS = 60.0  # for reading a broken file
_MOST_ROWS = 10**7
_LEAST_ROW = 12  # bytes in the file
_JOURNALS = ("", "-wal", "-journal")

Rows = dict[str, list[tuple[Any, ...]]]  # rows by table


def mend(run_id: str) -> str:
    """Repair a damaged run, so that it can be read again and, if unfinished, resumed.

    The readable rows of a damaged metrics.db, of which a copy is kept, are written to a new one; rows that are missing
    up to the newest undamaged state, or to the end of a finished run, are empty.

    Returns:
        A summary of what was read and where training continues; also added to the run's notice.

    Raises:
        RunError: there is no such run, it is not damaged or cannot be repaired, it is being trained, or it came with
            the program.
        StorageError: the disk is full or the folder read-only; nothing was lost.
    """
    run = read_run(run_id)
    if run.path.parent == store.SHIPPED:
        raise RunError(f"{run_id} came with the program and is read-only. Install the program again.")
    with _locked(run):
        if not _is_damaged(run):
            raise RunError(f"{run_id} is {run.state}, not damaged: there is nothing to mend.")
        if run.facts is None:
            raise RunError(f"{run_id} cannot be mended: {run.damage} Restore run.json from a copy, or delete the run.")
        summary = _rebuild(run, run.facts)
    after = read_run(run_id)
    if after.state == "damaged":
        raise RunError(f"{run_id} could not be mended: {after.damage}")
    return summary


def _is_damaged(run: Run) -> bool:
    """Whether a run is damaged, by reading every row, which a listing does not."""
    try:
        require_valid_metrics(run.path)
        read_metrics(run.path)
    except RunError:
        return True
    return run.state == "damaged"


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    """Hold the lock that a worker holds while it trains the run."""
    lock = run_lock(run.path)
    with storage_errors(run.path / "run.lock"):
        try:
            lock.acquire(timeout=CHECK_SECONDS)
        except Timeout:
            raise RunError(f"{run.id} is being trained. Pause or stop it, then mend it.") from None
    try:
        yield
    finally:
        lock.release()


def _rebuild(run: Run, facts: RunFacts) -> str:
    """Replace a damaged metrics.db; gives the summary."""
    final, state = _final_facts(run, facts), newest_verified_step(run.path)
    with storage_errors(run.path):
        scratch = temporary_folder(run.path, "mend")
    try:
        found = _recovered_rows(run.path / "metrics.db", scratch / "broken.db", run.steps)
        rows = {row[0]: row for row in found["metrics"]}
        last = run.steps if facts.state == "finished" else max([*rows, -1 if state is None else state])
        if last > min(run.steps, _MOST_ROWS):
            raise RunError(f"{run.id} has {last:,} steps, which are too many to mend. Restore metrics.db from a copy.")
        exists = os.path.lexists(run.path / "metrics.db")
        sentence = _summary(facts, len(rows) if exists else None, last + 1, state, final)
        if final is not None:
            columns = dict(zip(tables.METRICS, rows.get(last, ()), strict=False))
            known = {"step": last, "train_error": final.train_error, "test_error": final.test_error}
            rows[last] = tuple((columns | known).get(name) for name in tables.METRICS)
        empty = (None,) * (len(tables.METRICS) - 1)
        found["metrics"] = [rows.get(step, (step, *empty)) for step in range(last + 1)]
        with MetricsWriter(scratch) as writer:
            writer.fill({name: [row for row in each if row[0] <= last] for name, each in found.items()})
        _back_up(run.path)
        update_run(run.id, metrics_sha256="")  # before the file changes
        with storage_errors(run.path):
            for journal in ("-wal", "-shm", "-journal"):  # SQLite would apply them to the new file
                (run.path / f"metrics.db{journal}").unlink(missing_ok=True)
            (scratch / "metrics.db").replace(run.path / "metrics.db")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    # no worker trains it, and damaged runs are not restarted automatically
    changes: dict[str, Any] = {"state": "paused", "worker": None} if facts.state in ACTIVE else {}
    update_run(run.id, notice=with_notice(facts, sentence), metrics_sha256=metrics_sha256(run.path), **changes)
    return sentence


def _summary(facts: RunFacts, read: int | None, rows: int, state: int | None, final: CheckpointFacts | None) -> str:
    """A summary of the repair; `read` is the number of readable rows, None without a file."""
    if read is None:
        sentence = "metrics.db was missing, so its rows are empty."
    elif read == 0:
        sentence = "metrics.db was damaged: none of its rows could be read."
    elif read == rows:
        sentence = f"metrics.db was damaged: all {rows:,} rows could be read, but a value in them may be wrong."
    else:
        sentence = f"metrics.db was damaged: {read:,} of {rows:,} rows could be read, the others are empty."
    if final is not None:
        sentence += " The last errors are those of checkpoint.json."
    elif facts.state in (*ACTIVE, *RESUMABLE):
        sentence += " Training starts again." if state is None else f" Training goes on from step {state}."
    return sentence if read is None else f"{sentence} The damaged file is kept as {DAMAGED}."


def _final_facts(run: Run, facts: RunFacts) -> CheckpointFacts | None:
    """The facts of the final weights; None if the run has none."""
    if facts.state != "finished":
        return None
    try:
        final, _ = read_checkpoint(run.path / "checkpoint.safetensors")
    except ExplorerError:
        return None
    return final if final.step == run.steps else None


def _back_up(folder: Path) -> None:
    """Copy the damaged file and its journals; move it if it is not a regular file."""
    path = folder / "metrics.db"
    for ending in _JOURNALS:
        source, target = folder / f"metrics.db{ending}", folder / f"{DAMAGED}{ending}"
        with storage_errors(target):
            if source.is_file() and not source.is_symlink():
                with source.open("rb") as file:
                    write_atomically(target, lambda copy, file=file: shutil.copyfileobj(file, copy))  # type: ignore[misc]
            elif ending == "" and (path.exists() or path.is_symlink()):
                path.rename(target)
            elif ending:
                target.unlink(missing_ok=True)


def _recovered_rows(path: Path, copy: Path, steps: int) -> Rows:
    """The valid rows of a damaged file that SQLite can read, by table.

    Args:
        path: the damaged file, which is not changed.
        copy: path for a copy, whose first page is replaced by that of an empty file of this program: the header and the
            schema of the file are not trusted, and this program's tables always start at the same pages.
        steps: of the training.
    """
    rows: Rows = {name: [] for name in COLUMNS}
    if path.is_symlink() or not path.is_file():
        return rows
    with storage_errors(path):
        for ending in _JOURNALS:
            with suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + ending), copy.with_name(copy.name + ending))
    _renew_first_page(copy)
    size = sum(each.stat().st_size for each in copy.parent.glob(f"{copy.name}*"))
    end = time.monotonic() + MOST_SECONDS
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        database.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        for name in COLUMNS:
            _read(database, name, 0, min(steps, size // _LEAST_ROW), rows[name], end)
    for name in ("layers", "blocks"):  # complete probes only
        counts = Counter(row[0] for row in rows[name])
        most = max(counts.values(), default=0)
        rows[name] = [row for row in rows[name] if counts[row[0]] == most]
    return rows


def _renew_first_page(copy: Path) -> None:
    empty = copy.with_name("empty")
    empty.mkdir()
    with MetricsWriter(empty):
        pass
    with (empty / "metrics.db").open("rb") as file:
        header = file.read(100)
        size = int.from_bytes(header[16:18], "big")
        page = header + file.read(size - 100)
    pages = max(1, copy.stat().st_size // size)  # a page that is cut off is dropped
    with copy.open("r+b") as file:
        file.write(page[:28] + pages.to_bytes(4, "big") + page[32:])  # bytes 28 to 31: the number of pages
        file.truncate(pages * size)


def _read(
    database: sqlite3.Connection, table: str, low: int, high: int, rows: list[tuple[Any, ...]], end: float
) -> None:
    """Add the valid rows from step `low` to `high`; unreadable ranges are halved, down to single steps."""
    if time.monotonic() > end:
        return
    columns, keys = COLUMNS[table], KEYS[table].split(", ")
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE step BETWEEN ? AND ?"  # noqa: S608 names of columns
    try:
        part = database.execute(query, (low, high)).fetchall()
    except SQLITE_ERRORS:
        part = None
    if part is not None and _in_order([tuple(row[columns.index(key)] for key in keys) for row in part], low, high):
        rows += [row for row in part if all(map(_is_valid, columns, row))]
    elif low < high:
        middle = (low + high) // 2
        _read(database, table, low, middle, rows, end)
        _read(database, table, middle + 1, high, rows, end)


def _in_order(places: list[tuple[Any, ...]], low: int, high: int) -> bool:
    """Whether the keys are in range and ascending: a damaged page can give a row twice, or one of another step."""
    whole = all(type(number) is int for place in places for number in place)
    return whole and all(low <= place[0] <= high for place in places) and all(a < b for a, b in pairwise(places))


def _is_valid(column: str, value: object) -> bool:
    """Whether this program would write this value to a column."""
    if column == "name":
        return isinstance(value, str) and len(value) <= MOST_NAME and value.isprintable()
    low, high = (0, FINITE[1]) if column == "loss" else RANGES.get(column, FINITE)
    if column in TYPES:
        return type(value) is int and low <= value <= high
    return value is None or (isinstance(value, float) and low <= value <= high)
