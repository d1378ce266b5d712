"""The metrics of a run: a SQLite file with one row per step, one writer, any number of readers.

Beside them the layers and blocks at some steps, in tables that older files lack.
"""

import hashlib
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
from typing import Literal, cast
from urllib.parse import quote

import psutil

from explorer import tables
from explorer.errors import RunError, StorageError

CLOSE_SECONDS = 1.0  # to wait for readers
SETTLED_NS = 2 * 10**9  # file systems tell the time of a change to 2 s at worst
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p")

_CREATE = f"""CREATE TABLE IF NOT EXISTS metrics (
    {", ".join("step INTEGER PRIMARY KEY" if c == "step" else f"{c} REAL" for c in tables.METRICS)}
)"""
_INSERT = f"INSERT INTO metrics VALUES ({', '.join('?' for _ in tables.METRICS)})"  # noqa: S608 only question marks
_AVERAGED = f"""SELECT {", ".join("max(step) AS step" if c == "step" else f"avg({c})" for c in tables.METRICS)}
    FROM metrics WHERE step > :after GROUP BY CASE WHEN test_error IS NULL THEN (step - 1) / :group ELSE -1 - step END
    ORDER BY step"""  # noqa: S608 names of columns

Live = Literal["layers", "blocks"]
_LIVE: dict[Live, list[str]] = {"layers": tables.LIVE_LAYERS, "blocks": tables.LIVE_BLOCKS}
_LIVE_TYPES = {"step": "INTEGER", "layer": "INTEGER", "name": "TEXT", "stage": "INTEGER", "block": "INTEGER"}
_LIVE_KEYS = {"layers": "step, layer", "blocks": "step, stage, block"}
_THINNED = """WITH numbered AS (
        SELECT step, row_number() OVER (ORDER BY step) - 1 AS place, count(*) OVER () - 1 AS last
        FROM (SELECT DISTINCT step FROM {table})
    )
    SELECT * FROM {table} WHERE step IN (
        SELECT step FROM numbered
        WHERE :steps IS NULL OR place = 0 OR place * (:steps - 1) / last > (place - 1) * (:steps - 1) / last
    ) ORDER BY {keys}"""

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


class MetricsWriter:
    """The one writer of a run's metrics; a context manager.

    Raises:
        StorageError: from any method, when the disk is full or the folder read-only.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.db"
        with _storage(self.path):
            self._database = sqlite3.connect(self.path, isolation_level=None)
            # WAL lets pages read while the worker writes, but needs memory shared between the two.
            mode = "TRUNCATE" if _on_network_file_system(folder) else "WAL"
            self._database.execute(f"PRAGMA journal_mode={mode}")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(_CREATE)
            for table, columns in _LIVE.items():
                typed = ", ".join(f"{column} {_LIVE_TYPES.get(column, 'REAL')}" for column in columns)
                self._database.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} ({typed}, PRIMARY KEY ({_LIVE_KEYS[table]})) WITHOUT ROWID"
                )

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
    if not (folder / "metrics.db").exists():
        return Progress()
    with _reading(folder) as database:
        last = database.execute(
            "SELECT step, seconds, learning_rate FROM metrics ORDER BY step DESC LIMIT 1"
        ).fetchone()
        evaluated = database.execute(
            "SELECT train_error, test_error, images_per_second FROM metrics "
            "WHERE test_error IS NOT NULL ORDER BY step DESC LIMIT 1"
        ).fetchone()
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
    if not (folder / "metrics.db").exists():
        return []
    with _reading(folder) as database:
        (last,) = database.execute("SELECT max(step) FROM metrics").fetchone()
        group = 1 if points is None or last is None else -(-last // points)
        if group == 1:
            return database.execute("SELECT * FROM metrics WHERE step > ? ORDER BY step", (after,)).fetchall()
        return database.execute(_AVERAGED, {"group": group, "after": after}).fetchall()


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
    if not (folder / "metrics.db").exists():
        return []
    with _reading(folder) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []  # written before there were such tables
        thinned = _THINNED.format(table=table, keys=_LIVE_KEYS[table])
        return database.execute(thinned, {"steps": steps}).fetchall()


def copy_metrics(folder: Path, target: Path) -> None:
    """A consistent copy of metrics.db, even while the worker writes; byte by byte where no worker does.

    Raises:
        RunError: metrics.db is damaged.
    """
    with _reading(folder) as database:
        database.execute("BEGIN")
        database.execute("SELECT max(step) FROM metrics").fetchone()  # from here on the file itself stays as it is
        if metrics_sha256(folder):
            shutil.copyfile(folder / "metrics.db", target)
            return
    with _reading(folder) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def require_whole_metrics(folder: Path) -> None:
    """See that every page of metrics.db can be read, once for each change of the file.

    Raises:
        RunError: metrics.db is damaged.
    """
    found = [path.stat() for path in (folder / "metrics.db", *_journals(folder / "metrics.db")) if path.exists()]
    if found and (trouble := _trouble(folder, *_version(found))):
        raise RunError(trouble)


@lru_cache(maxsize=4096)
def _trouble(folder: Path, *_: int) -> str:
    try:
        with _reading(folder) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
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
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / "metrics.db"
    try:
        # a finished run's single file also opens in a read-only folder
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as database:
            yield database
    except sqlite3.Error as error:
        raise RunError(
            f"metrics.db of {folder.name} cannot be read: {error}. Mend the run or restore the file from a copy."
        ) from None


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
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
