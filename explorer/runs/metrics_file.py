"""Validation and checksum of metrics.db, which is not trusted: only files as this program writes them are read."""

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
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from explorer import tables
from explorer.errors import RunError, StorageError, reason_in
from explorer.files import storage_errors, write_bytes_atomically
from explorer.seals import sha256_of

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

T = TypeVar("T")
Version = tuple[tuple[int, ...], ...]

METRICS_FILES = ("metrics.db", "metrics.db-wal", "metrics.db-journal")  # that have rows
SETTLED_NS = 2 * 10**9  # coarsest resolution of modification times
MOST_SECONDS = 10.0  # for reading one file; 100,000 rows take a fifth of a second
MOST_BYTES = 2**31  # of a file; ten million rows take 700 MB
MOST_ROWS = 10**7  # returned at once
MOST_KEPT = 50_000  # results of reading whole files that are kept: more than there are runs
_INSTRUCTIONS = 50_000  # of SQLite between two checks of the time
_LIMITS = {  # for SQLite; the statements of this program stay far below
    sqlite3.SQLITE_LIMIT_LENGTH: 10**6,  # bytes of a row or a text
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10**5,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)  # the latter for a message that quotes what the file has

COLUMNS = {"metrics": tables.METRICS, "layers": tables.LIVE_LAYERS, "blocks": tables.LIVE_BLOCKS}
TYPES = {"step": "INTEGER", "layer": "INTEGER", "name": "TEXT", "stage": "INTEGER", "block": "INTEGER"}
KEYS = {"metrics": "step", "layers": "step, layer", "blocks": "step, stage, block"}
FINITE = (-1e308, 1e308)
_POSITIVE = (0.0, 1e308)
RANGES: dict[str, tuple[float, float]] = {  # of values; columns that are not listed have `FINITE`
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
MOST_NAME = 200  # characters of the name of a layer


def _definition(table: str) -> str:
    if table == "metrics":
        columns = ", ".join("step INTEGER PRIMARY KEY" if c == "step" else f"{c} REAL" for c in tables.METRICS)
        return f"CREATE TABLE metrics (\n    {columns}\n)"
    columns = ", ".join(f"{column} {TYPES.get(column, 'REAL')}" for column in COLUMNS[table])
    return f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({KEYS[table]})) WITHOUT ROWID"


SCHEMA = {table: _definition(table) for table in COLUMNS}  # exactly as SQLite stores it


class InvalidMetricsError(Exception):
    """The file is not as this program writes it; the text is the end of a sentence."""


@contextmanager
def reading(folder: Path, table: str) -> Iterator[sqlite3.Connection | None]:
    """A read transaction on metrics.db; None if there is no file or no such table."""
    path = folder / "metrics.db"
    try:
        if not exists(path):
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
            yield database if table in require_schema(database) else None
    except (*SQLITE_ERRORS, InvalidMetricsError, OSError) as error:
        reason = "it is malformed" if isinstance(error, UnicodeDecodeError) else reason_in(error)
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            reason = f"it takes longer than {MOST_SECONDS:g} seconds"
        raise RunError(f"metrics.db of {folder.name} cannot be read: {reason}. {_advice(folder)}") from None


def _advice(folder: Path) -> str:
    return f"Mend the run (`python -m explorer runs mend {folder.name}`) or delete it."


def make_empty(path: Path) -> None:
    """Create a file with the empty tables, atomically, since one without them counts as damaged."""
    with closing(sqlite3.connect(":memory:")) as database:
        for definition in SCHEMA.values():
            database.execute(definition)
        content = database.serialize()
    write_bytes_atomically(path, content)


def exists(path: Path) -> bool:
    """Whether a file exists; raises InvalidMetricsError if it or a journal is unsafe for SQLite to open."""
    for ending in ("", "-wal", "-shm", "-journal"):
        try:
            facts = os.lstat(f"{path}{ending}")
        except FileNotFoundError:
            if not ending:
                return False
            continue
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidMetricsError(f"{path.name}{ending} is not a file but {_kind(facts.st_mode)}")
        if facts.st_size > MOST_BYTES:
            raise InvalidMetricsError(f"{path.name}{ending} has more than {MOST_BYTES:,} bytes")
        if ending == "-journal" and facts.st_size >= len(_SUPER_JOURNAL):
            with path.with_name(f"{path.name}{ending}").open("rb") as file:
                file.seek(-len(_SUPER_JOURNAL), os.SEEK_END)
                if file.read() == _SUPER_JOURNAL:
                    raise InvalidMetricsError(f"{path.name}{ending} is of several files")
    return True


# The end of a journal that names a super-journal, which SQLite would delete after a rollback. Journals of this program
# have none, so such a name can only be an attempt to have some other file deleted.
_SUPER_JOURNAL = bytes.fromhex("d9d505f920a163d7")


def _kind(mode: int) -> str:
    return "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or device"


def protect(database: sqlite3.Connection) -> None:
    """Apply the limits for untrusted files, before anything is read, even the schema."""
    for limit, most in _LIMITS.items():
        database.setlimit(limit, most)
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA cell_size_check=ON")


def require_schema(database: sqlite3.Connection) -> set[str]:
    """The names of the tables; raises InvalidMetricsError if anything in the schema is not this program's."""
    schema = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 10").fetchall()
    for kind, name, table, definition in schema:
        if kind != "table" or name != table or SCHEMA.get(name) != definition:
            raise InvalidMetricsError(f"it has a {kind} {name} that this program did not make")
    names = {row[1] for row in schema}
    if "metrics" not in names:
        raise InvalidMetricsError("it is empty")
    return names


def _require_valid_rows(database: sqlite3.Connection) -> None:
    """Check the structure of the file and every row in it."""
    if (result := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise InvalidMetricsError(result)
    for table in require_schema(database):
        cursor = database.execute(f"SELECT * FROM {table} ORDER BY {KEYS[table]}")  # noqa: S608 names of tables
        while rows := cursor.fetchmany(100_000):
            require_values(rows, COLUMNS[table], keys=KEYS[table].count(",") + 1)


def require_values(rows: Sequence[tuple[Any, ...]], columns: Sequence[str], keys: int = 0) -> None:
    """Check types and ranges of values, and that the first `keys` columns together ascend from row to row."""
    if len(rows) > MOST_ROWS:
        raise InvalidMetricsError(f"it has more than {MOST_ROWS:,} rows")
    for column, values in zip(columns, zip(*rows, strict=True), strict=False):  # no rows: no columns
        kinds = set(map(type, values))
        if column == "name":
            if kinds != {str} or not all(len(name) <= MOST_NAME and name.isprintable() for name in set(values)):
                raise InvalidMetricsError("the name of a layer is not a short text")
            continue
        if not kinds <= ({int} if column in TYPES else {int, float, type(None)}):
            raise InvalidMetricsError(f"a value of {column} is not a {'whole ' if column in TYPES else ''}number")
        low, high = RANGES.get(column, FINITE)
        numbers = [value for value in values if value is not None] if type(None) in kinds else values
        if numbers and not low <= min(numbers) <= max(numbers) <= high:
            raise InvalidMetricsError(f"a value of {column} is out of range")
    order = list(map(operator.itemgetter(*range(keys)), rows)) if keys else []
    if not all(map(operator.lt, order, order[1:])):
        raise InvalidMetricsError("its rows are out of order")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert SQLite's errors on writing `path` to a `StorageError` with the next step."""
    try:
        yield
    except InvalidMetricsError as error:
        raise StorageError(f"{path} is not written to: {error}. {_advice(path.parent)}") from None
    except SQLITE_ERRORS as error:
        raise StorageError(
            f"{path} could not be written: {error}. Make room on the disk or the folder writable, then resume; "
            "earlier snapshots are intact."
        ) from error


def copy_metrics(folder: Path, target: Path) -> None:
    """Write a consistent copy of metrics.db after checking every value; bit-identical if no worker is writing.

    Raises:
        RunError: metrics.db is damaged.
        StorageError: `target` cannot be written.
    """
    with reading(folder, "metrics") as database:
        if database is None:
            return
        _require_valid_rows(database)
        if metrics_sha256(folder):  # the transaction prevents changes
            with storage_errors(target):
                shutil.copyfile(folder / "metrics.db", target)
            return
        with writing(target), closing(sqlite3.connect(target)) as copy:
            database.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")


def require_valid_metrics(folder: Path) -> None:
    """Check every row of metrics.db, once for each change of the file.

    Raises:
        RunError: metrics.db is damaged.
    """
    if damage := once_per_version(_damage, folder, *(folder / name for name in METRICS_FILES)):
        raise RunError(damage)


@lru_cache(maxsize=MOST_KEPT)
def _damage(folder: Path, _version: Version | None) -> str:
    try:
        with reading(folder, "metrics") as database:
            if database is not None:
                _require_valid_rows(database)
    except RunError as error:
        return str(error)
    return ""


def metrics_sha256(folder: Path) -> str:
    """The sha256 of metrics.db of the run in `folder`; empty if it is missing or has a journal."""
    path, *journals = (folder / name for name in METRICS_FILES)
    try:
        if any(journal.exists() and journal.stat().st_size for journal in journals):
            return ""
        return once_per_version(_sha256, path, path) if stat.S_ISREG(path.lstat().st_mode) else ""
    except (OSError, StorageError):
        return ""


@lru_cache(maxsize=MOST_KEPT)
def _sha256(path: Path, _version: Version | None) -> str:
    return sha256_of(path)


def once_per_version(read: "_lru_cache_wrapper[T]", path: Path, *files: Path) -> T:
    """`read(path, version)`, a function with an `lru_cache`, for the version of these files."""
    version = settled_version(*files)
    return read.__wrapped__(path, version) if version is None else read(path, version)


def settled_version(*files: str | Path) -> Version | None:
    """A value that changes with the files; None while they were changed too recently to tell."""
    version: list[tuple[int, ...]] = []
    settled = time.time_ns() - SETTLED_NS
    for file in files:
        try:
            facts = os.lstat(file)
        except FileNotFoundError:
            version.append(())
            continue
        if facts.st_mtime_ns > settled:
            return None
        version.append((facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino))
    return tuple(version)
