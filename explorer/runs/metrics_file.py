"""metrics.db as a file that may be anybody's: opened only where it is as this program makes it, and its checksum."""

import operator
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from explorer import tables
from explorer.errors import RunError, StorageError, reason_in
from explorer.files import storage_errors, write_atomically
from explorer.seals import sha256_of

SETTLED_NS = 2 * 10**9  # file systems tell the time of a change to 2 s at worst
MOST_SECONDS = 10.0  # that reading one file may take; 100,000 rows take a fifth of a second
MOST_BYTES = 2**31  # of a file; ten million rows take 700 MB
MOST_ROWS = 10**7  # that are handed out at once
_INSTRUCTIONS = 50_000  # of SQLite between two looks at the clock
_LIMITS = {  # of what a file may make SQLite do; its own statements stay far below
    sqlite3.SQLITE_LIMIT_LENGTH: 10**6,  # bytes of a row or a text
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10**5,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}


COLUMNS = {"metrics": tables.METRICS, "layers": tables.LIVE_LAYERS, "blocks": tables.LIVE_BLOCKS}
TYPES = {"step": "INTEGER", "layer": "INTEGER", "name": "TEXT", "stage": "INTEGER", "block": "INTEGER"}
KEYS = {"metrics": "step", "layers": "step, layer", "blocks": "step, stage, block"}
FINITE = (-1e308, 1e308)
_POSITIVE = (0.0, 1e308)
RANGES: dict[str, tuple[float, float]] = {  # of numbers; what is missing here is finite
    "step": (0, 10**9),
    "layer": (0, 10**6),
    "stage": (0, 10**6),
    "block": (0, 10**6),
    "learning_rate": _POSITIVE,
    "seconds": _POSITIVE,
    "images_per_second": _POSITIVE,
    "batch_error": (0, 1),
    "train_error": (0, 1),
    "test_error": (0, 1),
}
_MOST_NAME = 200  # characters of the name of a layer


def _definition(table: str) -> str:
    if table == "metrics":
        columns = ", ".join("step INTEGER PRIMARY KEY" if c == "step" else f"{c} REAL" for c in tables.METRICS)
        return f"CREATE TABLE metrics (\n    {columns}\n)"
    columns = ", ".join(f"{column} {TYPES.get(column, 'REAL')}" for column in COLUMNS[table])
    return f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({KEYS[table]})) WITHOUT ROWID"


SCHEMA = {table: _definition(table) for table in COLUMNS}  # letter by letter what SQLite keeps of it


class UnsoundError(Exception):
    """The file is not one that this program writes; its text ends a sentence."""


@contextmanager
def reading(folder: Path, table: str) -> Iterator[sqlite3.Connection | None]:
    """The file, in one state of it for as long as it is open; None where it is not there or has no such table yet."""
    path = folder / "metrics.db"
    try:
        if not is_there(path):
            yield None
            return
        # a finished run's single file also opens in a read-only folder
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as database:
            protect(database)
            end = time.monotonic() + MOST_SECONDS
            database.set_progress_handler(lambda: time.monotonic() > end, _INSTRUCTIONS)
            database.execute("PRAGMA query_only=ON")
            database.execute("BEGIN")
            there = require_schema(database)
            yield database if table in there else None
    except (sqlite3.Error, UnsoundError, OSError) as error:
        reason = reason_in(error)
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            reason = f"it takes longer than {MOST_SECONDS:g} seconds"
        raise RunError(f"metrics.db of {folder.name} cannot be read: {reason}. {_advice(folder)}") from None


def _advice(folder: Path) -> str:
    return f"Mend the run (`python -m explorer runs mend {folder.name}`) or delete it."


def make_empty(path: Path) -> None:
    """A file with the empty tables, there whole or not at all: one without them is damaged."""
    with closing(sqlite3.connect(":memory:")) as database:
        for definition in SCHEMA.values():
            database.execute(definition)
        content = database.serialize()
    write_atomically(path, lambda file: file.write(content))


def is_there(path: Path) -> bool:
    """Whether there is a file, which SQLite may then open: neither it nor what lies beside it is a link or a pipe."""
    for ending in ("", "-wal", "-shm", "-journal"):
        try:
            facts = os.lstat(f"{path}{ending}")
        except FileNotFoundError:
            if not ending:
                return False
            continue
        if not stat.S_ISREG(facts.st_mode):
            raise UnsoundError(f"{path.name}{ending} is not a file but {_kind(facts.st_mode)}")
        if facts.st_size > MOST_BYTES:
            raise UnsoundError(f"{path.name}{ending} has more than {MOST_BYTES:,} bytes")
        if ending == "-journal" and facts.st_size >= len(_OF_SEVERAL):
            with path.with_name(f"{path.name}{ending}").open("rb") as file:
                file.seek(-len(_OF_SEVERAL), os.SEEK_END)
                if file.read() == _OF_SEVERAL:
                    raise UnsoundError(f"{path.name}{ending} is of several files")
    return True


# How a journal ends that names one shared by several files, which SQLite would delete once this one is restored. Ours
# is of one file, so such a name is there only to have some other file deleted.
_OF_SEVERAL = bytes.fromhex("d9d505f920a163d7")


def _kind(mode: int) -> str:
    return "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or device"


def protect(database: sqlite3.Connection) -> None:
    """Before anything of the file is read, its schema included."""
    for limit, most in _LIMITS.items():
        database.setlimit(limit, most)
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA cell_size_check=ON")


def require_schema(database: sqlite3.Connection) -> set[str]:
    """The names of the tables that are there; no table is read where one is not ours, or there is anything else."""
    found = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 10").fetchall()
    for kind, name, table, definition in found:
        if kind != "table" or name != table or SCHEMA.get(name) != definition:
            raise UnsoundError(f"it has a {kind} {name} that this program did not make")
    there = {row[1] for row in found}
    if "metrics" not in there:
        raise UnsoundError("it is empty")
    return there


def _require_all_values(database: sqlite3.Connection) -> None:
    """The structure of the file and every row in it."""
    if (said := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise UnsoundError(said)
    for table in require_schema(database):
        cursor = database.execute(f"SELECT * FROM {table} ORDER BY {KEYS[table]}")  # noqa: S608 names of tables
        while rows := cursor.fetchmany(100_000):
            require_values(rows, COLUMNS[table], keys=KEYS[table].count(",") + 1)


def require_values(rows: Sequence[tuple[Any, ...]], columns: Sequence[str], keys: int = 0) -> None:
    """Kinds and ranges of values, and that the first `keys` columns together go up from row to row."""
    if len(rows) > MOST_ROWS:
        raise UnsoundError(f"it has more than {MOST_ROWS:,} rows")
    for column, values in zip(columns, zip(*rows, strict=True), strict=False):  # no rows: no columns
        kinds = set(map(type, values))
        if column == "name":
            if kinds != {str} or not all(len(name) <= _MOST_NAME and name.isprintable() for name in set(values)):
                raise UnsoundError("the name of a layer is not a short text")
            continue
        if not kinds <= ({int} if column in TYPES else {int, float, type(None)}):
            raise UnsoundError(f"a value of {column} is not a {'whole ' if column in TYPES else ''}number")
        low, high = RANGES.get(column, FINITE)
        numbers = [value for value in values if value is not None] if type(None) in kinds else values
        if numbers and not low <= min(numbers) <= max(numbers) <= high:
            raise UnsoundError(f"a value of {column} is out of range")
    order = list(map(operator.itemgetter(*range(keys)), rows)) if keys else []
    if not all(map(operator.lt, order, order[1:])):
        raise UnsoundError("its rows are out of order")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what SQLite says about writing `path` into a `StorageError` with the next step."""
    try:
        yield
    except UnsoundError as error:
        raise StorageError(f"{path} is not written to: {error}. {_advice(path.parent)}") from None
    except sqlite3.Error as error:
        raise StorageError(
            f"{path} could not be written: {error}. Make room on the disk or the folder writable, then resume; "
            "earlier snapshots are intact."
        ) from error


def copy_metrics(folder: Path, target: Path) -> None:
    """A consistent copy of metrics.db, byte by byte where no worker writes; only where every value in it is sound.

    Raises:
        RunError: metrics.db is damaged.
        StorageError: `target` cannot be written.
    """
    with reading(folder, "metrics") as database:
        if database is None:
            return
        _require_all_values(database)
        if metrics_sha256(folder):  # the transaction keeps the file as it is
            with storage_errors(target):
                shutil.copyfile(folder / "metrics.db", target)
            return
        with writing(target), closing(sqlite3.connect(target)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")


def require_whole_metrics(folder: Path) -> None:
    """See that every row of metrics.db can be read and is sound, once for each change of the file.

    Raises:
        RunError: metrics.db is damaged.
    """
    found = [path.stat() for path in (folder / "metrics.db", *_journals(folder / "metrics.db")) if path.exists()]
    if found and (trouble := _trouble(folder, *_version(found))):
        raise RunError(trouble)


@lru_cache(maxsize=4096)
def _trouble(folder: Path, *_: int) -> str:
    try:
        with reading(folder, "metrics") as database:
            if database is not None:
                _require_all_values(database)
    except RunError as error:
        return str(error)
    return ""


def metrics_sha256(folder: Path) -> str:
    """The sha256 of metrics.db of the run in `folder`, where it stands alone; else, or where there is none, empty."""
    path = folder / "metrics.db"
    try:
        if any(journal.exists() and journal.stat().st_size for journal in _journals(path)):
            return ""
        facts = path.lstat()
        return _sha256(path, *_version([facts])) if stat.S_ISREG(facts.st_mode) else ""
    except (OSError, StorageError):
        return ""


def _journals(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]


def _version(found: list[os.stat_result]) -> tuple[int, ...]:
    """What tells files of these facts from those they were; of what was changed just now nothing does."""
    version = [number for facts in found for number in (facts.st_mtime_ns, facts.st_size, facts.st_ino)]
    if any(time.time_ns() - facts.st_mtime_ns < SETTLED_NS for facts in found):
        version.append(time.monotonic_ns())
    return tuple(version)


@lru_cache(maxsize=4096)
def _sha256(path: Path, *_: int) -> str:
    return sha256_of(path)
