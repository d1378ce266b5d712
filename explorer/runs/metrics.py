"""The metrics of a run: a SQLite file with one row per step, one writer, any number of readers.

Beside them the layers and blocks at some steps, in tables that older files lack. The file may be anybody's: it is
opened only where it has these tables and nothing else, and no value is handed out that this program would not write.
"""

import hashlib
import operator
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

import psutil

from explorer import tables
from explorer.errors import RunError, StorageError, reason_in
from explorer.files import storage_errors, write_atomically

CLOSE_SECONDS = 1.0  # to wait for readers
SETTLED_NS = 2 * 10**9  # file systems tell the time of a change to 2 s at worst
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p")

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

Live = Literal["layers", "blocks"]
_LIVE: dict[Live, list[str]] = {"layers": tables.LIVE_LAYERS, "blocks": tables.LIVE_BLOCKS}
_COLUMNS = {"metrics": tables.METRICS, "layers": tables.LIVE_LAYERS, "blocks": tables.LIVE_BLOCKS}
_TYPES = {"step": "INTEGER", "layer": "INTEGER", "name": "TEXT", "stage": "INTEGER", "block": "INTEGER"}
_KEYS = {"metrics": "step", "layers": "step, layer", "blocks": "step, stage, block"}
_FINITE = (-1e308, 1e308)
_POSITIVE = (0.0, 1e308)
_RANGES: dict[str, tuple[float, float]] = {  # of numbers; what is missing here is finite
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
    columns = ", ".join(f"{column} {_TYPES.get(column, 'REAL')}" for column in _COLUMNS[table])
    return f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({_KEYS[table]})) WITHOUT ROWID"


_SCHEMA = {table: _definition(table) for table in _COLUMNS}  # letter by letter what SQLite keeps of it
_INSERT = f"INSERT INTO metrics VALUES ({', '.join('?' for _ in tables.METRICS)})"  # noqa: S608 only question marks
# true where a value is not what `_require_values` lets pass: texts and blobs are above all numbers, NULL is no answer
_ODD = " OR ".join(
    "{} NOT BETWEEN {!r} AND {!r}".format(column, *_RANGES.get(column, _FINITE)) for column in tables.METRICS[1:]
)
_ANY_ODD = f"SELECT 1 FROM metrics WHERE step > :after AND ({_ODD}) LIMIT 1"  # noqa: S608 names of columns
_EVERY = f"SELECT * FROM metrics WHERE step > :after ORDER BY step LIMIT {MOST_ROWS + 1}"  # noqa: S608 a number
_AVERAGED = f"""SELECT {", ".join("max(step) AS step" if c == "step" else f"avg({c})" for c in tables.METRICS)},
    count(*) FILTER (WHERE {_ODD})
    FROM metrics WHERE step > :after GROUP BY CASE WHEN test_error IS NULL THEN (step - 1) / :group ELSE -1 - step END
    ORDER BY step LIMIT {MOST_ROWS + 1}"""  # noqa: S608 names of columns

_THINNED = """WITH numbered AS (
        SELECT step, row_number() OVER (ORDER BY step) - 1 AS place, count(*) OVER () - 1 AS last
        FROM (SELECT DISTINCT step FROM {table})
    )
    SELECT * FROM {table} WHERE step IN (
        SELECT step FROM numbered
        WHERE :steps IS NULL OR place = 0 OR place * (:steps - 1) / last > (place - 1) * (:steps - 1) / last
    ) ORDER BY {keys} LIMIT {most}"""

Row = tuple[float | None, ...]
LiveRow = tuple[str | float | None, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; errors are those of its last evaluation, None before the first."""

    step: int = 0
    seconds: float = 0.0
    train_error: float | None = None
    test_error: float | None = None
    images_per_second: float | None = None
    learning_rate: float | None = None


class _UnsoundError(Exception):
    """The file is not one that this program writes; its text ends a sentence."""


class MetricsWriter:
    """The one writer of a run's metrics; a context manager.

    Raises:
        StorageError: from any method, when the disk is full or the folder read-only; when made, also where the file is
            not one of this program.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.db"
        with _storage(self.path):
            if not _is_there(self.path):
                _make(self.path)
            self._database = sqlite3.connect(self.path, isolation_level=None)
            try:
                self._prepare(folder)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, folder: Path) -> None:
        _protect(self._database)
        _require_schema(self._database)
        # WAL lets pages read while the worker writes, but needs memory shared between the two.
        mode = "TRUNCATE" if _on_network_file_system(folder) else "WAL"
        self._database.execute(f"PRAGMA journal_mode={mode}")
        self._database.execute("PRAGMA synchronous=NORMAL")
        for definition in _SCHEMA.values():
            self._database.execute(definition.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def append(self, row: Row) -> None:
        """Add one row, values in the order of `tables.METRICS`."""
        with _storage(self.path):
            self._database.execute(_INSERT, row)

    def append_probe(self, layers: Iterable[LiveRow], blocks: Iterable[LiveRow]) -> None:
        """Add the layers and blocks of one step, values in the order of `tables.LIVE_LAYERS` and `LIVE_BLOCKS`."""
        with _storage(self.path), self._database:  # commits, or rolls back after an error
            self._database.execute("BEGIN")
            for table, rows in zip(_LIVE, (layers, blocks), strict=True):
                places = ", ".join("?" for _ in _LIVE[table])
                self._database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 names of tables

    def last_step(self) -> int:
        """The highest step that has a row, -1 when there is none."""
        with _storage(self.path):
            (step,) = self._database.execute("SELECT max(step) FROM metrics").fetchone()
        return -1 if step is None else int(step)

    def forget_after(self, step: int) -> None:
        """Drop the rows past `step`: a resumed run writes them again."""
        with _storage(self.path):
            for table in ("metrics", *_LIVE):
                self._database.execute(f"DELETE FROM {table} WHERE step > ?", (step,))  # noqa: S608 names of tables

    def settle(self) -> None:
        """Bring all rows from the journal into the file, so that they outlast a power cut."""
        with _storage(self.path):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def fill(self, rows: Mapping[str, Iterable[Sequence[object]]]) -> None:
        """Add many rows at once, by table."""
        with _storage(self.path), self._database:
            self._database.execute("BEGIN")
            for table, each in rows.items():
                places = ", ".join("?" for _ in _LIVE.get(cast("Live", table), tables.METRICS))
                self._database.executemany(f"INSERT INTO {table} VALUES ({places})", each)  # noqa: S608

    def close(self) -> None:
        """Leave a single file behind that can be copied as it is, where no reader is in the way for long."""
        end = time.monotonic() + CLOSE_SECONDS
        while not self._stands_alone() and time.monotonic() < end:
            time.sleep(0.02)  # a page reads for milliseconds
        self._database.close()  # where one reads on, the journal stays, and stays valid

    def _stands_alone(self) -> bool:
        """Bring all rows into the file itself; False where a reader is in the way."""
        try:
            return bool(self._database.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",))
        except sqlite3.ProgrammingError:  # closed before
            return True
        except sqlite3.Error:
            return False


def read_progress(folder: Path) -> Progress:
    """The last row and the last evaluation of the run in `folder`.

    Raises:
        RunError: metrics.db is damaged.
    """
    with _reading(folder, "metrics") as database:
        if database is None:
            return Progress()
        last = database.execute(
            "SELECT step, seconds, learning_rate FROM metrics ORDER BY step DESC LIMIT 1"
        ).fetchone()
        evaluated = database.execute(
            "SELECT train_error, test_error, images_per_second FROM metrics "
            "WHERE test_error IS NOT NULL ORDER BY step DESC LIMIT 1"
        ).fetchone()
        _require_values([last] if last else [], ["step", "seconds", "learning_rate"])
        _require_values([evaluated] if evaluated else [], ["train_error", "test_error", "images_per_second"])
    step, seconds, learning_rate = last or (0, 0.0, None)
    train_error, test_error, images_per_second = evaluated or (None, None, None)
    return Progress(step, seconds or 0.0, train_error, test_error, images_per_second, learning_rate)


def read_metrics(folder: Path, points: int | None = None, after: int = -1) -> list[Row]:
    """The metrics of the run in `folder`, in order of step.

    Args:
        folder: of the run.
        points: about how many rows to return at most. Rows between two evaluations are then averaged in groups of
            equal size, placed at the group's last step; evaluations are kept as they are. None returns every row.
        after: leave out the rows up to this step.

    Returns:
        Values in the order of `tables.METRICS`, None where a step has no value.

    Raises:
        RunError: metrics.db is damaged.
    """
    with _reading(folder, "metrics") as database:
        if database is None:
            return []
        (last,) = database.execute("SELECT max(step) FROM metrics").fetchone()
        group = 1 if points is None or last is None else -(-last // points)
        if group <= 1:
            rows = database.execute(_EVERY, {"after": after}).fetchall()
            odd = database.execute(_ANY_ODD, {"after": after}).fetchone() is not None
        else:
            counted = database.execute(_AVERAGED, {"group": group, "after": after}).fetchall()
            rows = [row[:-1] for row in counted]
            odd = any(row[-1] for row in counted)
        if odd:
            raise _UnsoundError("a value in it is text or out of range")
        _require_values(rows, ["step"], keys=1)
        return rows


def read_live(folder: Path, table: Live, steps: int | None = 300) -> list[LiveRow]:
    """The layers or blocks of the run in `folder` at the steps at which they were measured.

    Args:
        folder: of the run.
        table: "layers" or "blocks".
        steps: of how many steps to return the rows at most, at least 2: evenly chosen, the first and the last among
            them. None returns all.

    Returns:
        Values in the order of `tables.LIVE_LAYERS` or `tables.LIVE_BLOCKS`, by step and depth; None where a value was
        not finite. Nothing for a run that was never looked into.

    Raises:
        RunError: metrics.db is damaged.
    """
    with _reading(folder, table) as database:
        if database is None:
            return []  # written before there were such tables
        thinned = _THINNED.format(table=table, keys=_KEYS[table], most=MOST_ROWS + 1)
        rows = database.execute(thinned, {"steps": steps}).fetchall()
        _require_values(rows, _LIVE[table], keys=_KEYS[table].count(",") + 1)
        return rows


def copy_metrics(folder: Path, target: Path) -> None:
    """A consistent copy of metrics.db, byte by byte where no worker writes; only where every value in it is sound.

    Raises:
        RunError: metrics.db is damaged.
        StorageError: `target` cannot be written.
    """
    with _reading(folder, "metrics") as database:
        if database is None:
            return
        _require_all_values(database)
        if metrics_sha256(folder):  # the transaction keeps the file as it is
            with storage_errors(target):
                shutil.copyfile(folder / "metrics.db", target)
            return
        with _storage(target), closing(sqlite3.connect(target)) as copy:
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
        with _reading(folder, "metrics") as database:
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
    except OSError:
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
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _reading(folder: Path, table: str) -> Iterator[sqlite3.Connection | None]:
    """The file, in one state of it for as long as it is open; None where it is not there or has no such table yet."""
    path = folder / "metrics.db"
    try:
        if not _is_there(path):
            yield None
            return
        # a finished run's single file also opens in a read-only folder
        uri = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as database:
            _protect(database)
            end = time.monotonic() + MOST_SECONDS
            database.set_progress_handler(lambda: time.monotonic() > end, _INSTRUCTIONS)
            database.execute("PRAGMA query_only=ON")
            database.execute("BEGIN")
            there = _require_schema(database)
            yield database if table in there else None
    except (sqlite3.Error, _UnsoundError, OSError) as error:
        reason = reason_in(error)
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            reason = f"it takes longer than {MOST_SECONDS:g} seconds"
        raise RunError(f"metrics.db of {folder.name} cannot be read: {reason}. {_advice(folder)}") from None


def _advice(folder: Path) -> str:
    return f"Mend the run (`python -m explorer runs mend {folder.name}`) or delete it."


def _make(path: Path) -> None:
    """A file with the empty tables, there whole or not at all: one without them is damaged."""
    with closing(sqlite3.connect(":memory:")) as database:
        for definition in _SCHEMA.values():
            database.execute(definition)
        content = database.serialize()
    write_atomically(path, lambda file: file.write(content))


def _is_there(path: Path) -> bool:
    """Whether there is a file, which SQLite may then open: neither it nor what lies beside it is a link or a pipe."""
    for ending in ("", "-wal", "-shm", "-journal"):
        try:
            facts = os.lstat(f"{path}{ending}")
        except FileNotFoundError:
            if not ending:
                return False
            continue
        if not stat.S_ISREG(facts.st_mode):
            raise _UnsoundError(f"{path.name}{ending} is not a file but {_kind(facts.st_mode)}")
        if facts.st_size > MOST_BYTES:
            raise _UnsoundError(f"{path.name}{ending} has more than {MOST_BYTES:,} bytes")
        if ending == "-journal" and facts.st_size >= len(_OF_SEVERAL):
            with path.with_name(f"{path.name}{ending}").open("rb") as file:
                file.seek(-len(_OF_SEVERAL), os.SEEK_END)
                if file.read() == _OF_SEVERAL:
                    raise _UnsoundError(f"{path.name}{ending} is of several files")
    return True


# How a journal ends that names one shared by several files, which SQLite would delete once this one is restored. Ours
# is of one file, so such a name is there only to have some other file deleted.
_OF_SEVERAL = bytes.fromhex("d9d505f920a163d7")


def _kind(mode: int) -> str:
    return "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "a pipe or device"


def _protect(database: sqlite3.Connection) -> None:
    """Before anything of the file is read, its schema included."""
    for limit, most in _LIMITS.items():
        database.setlimit(limit, most)
    database.execute("PRAGMA trusted_schema=OFF")
    database.execute("PRAGMA cell_size_check=ON")


def _require_schema(database: sqlite3.Connection) -> set[str]:
    """The names of the tables that are there; no table is read where one is not ours, or there is anything else."""
    found = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 10").fetchall()
    for kind, name, table, definition in found:
        if kind != "table" or name != table or _SCHEMA.get(name) != definition:
            raise _UnsoundError(f"it has a {kind} {name} that this program did not make")
    there = {row[1] for row in found}
    if "metrics" not in there:
        raise _UnsoundError("it is empty")
    return there


def _require_all_values(database: sqlite3.Connection) -> None:
    """The structure of the file and every row in it."""
    if (said := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise _UnsoundError(said)
    for table in _require_schema(database):
        cursor = database.execute(f"SELECT * FROM {table} ORDER BY {_KEYS[table]}")  # noqa: S608 names of tables
        while rows := cursor.fetchmany(100_000):
            _require_values(rows, _COLUMNS[table], keys=_KEYS[table].count(",") + 1)


def _require_values(rows: Sequence[tuple[Any, ...]], columns: Sequence[str], keys: int = 0) -> None:
    """Kinds and ranges of values, and that the first `keys` columns together go up from row to row."""
    if len(rows) > MOST_ROWS:
        raise _UnsoundError(f"it has more than {MOST_ROWS:,} rows")
    for column, values in zip(columns, zip(*rows, strict=True), strict=False):  # no rows: no columns
        kinds = set(map(type, values))
        if column == "name":
            if kinds != {str} or not all(len(name) <= _MOST_NAME and name.isprintable() for name in set(values)):
                raise _UnsoundError("the name of a layer is not a short text")
            continue
        if not kinds <= ({int} if column in _TYPES else {int, float, type(None)}):
            raise _UnsoundError(f"a value of {column} is not a {'whole ' if column in _TYPES else ''}number")
        low, high = _RANGES.get(column, _FINITE)
        numbers = [value for value in values if value is not None] if type(None) in kinds else values
        if numbers and not low <= min(numbers) <= max(numbers) <= high:
            raise _UnsoundError(f"a value of {column} is out of range")
    order = list(map(operator.itemgetter(*range(keys)), rows)) if keys else []
    if not all(map(operator.lt, order, order[1:])):
        raise _UnsoundError("its rows are out of order")


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except _UnsoundError as error:
        raise StorageError(f"{path} is not written to: {error}. {_advice(path.parent)}") from None
    except sqlite3.Error as error:
        raise StorageError(
            f"{path} could not be written: {error}. Make room on the disk or the folder writable, then resume; "
            "earlier snapshots are intact."
        ) from error


def _on_network_file_system(folder: Path) -> bool:
    """Whether SQLite's shared memory cannot be relied on there."""
    resolved = folder.resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if resolved.is_relative_to(m.mountpoint)]
    nearest = max(mounts, key=lambda m: len(m.mountpoint), default=None)
    return nearest is not None and nearest.fstype.startswith(NETWORK_FILE_SYSTEMS)
