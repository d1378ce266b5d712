"""The metrics of a run: a SQLite file with one row per step, one writer, any number of readers.

Two more tables, which older files lack, have the layers and blocks at some steps. The file is not trusted: it is read
only if it has these tables and nothing else, and values that this program would not write are refused.
"""

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from explorer import tables
from explorer.runs.metrics_file import (
    COLUMNS,
    FINITE,
    KEYS,
    MOST_ROWS,
    RANGES,
    SCHEMA,
    SQLITE_ERRORS,
    InvalidMetricsError,
    exists,
    make_empty,
    protect,
    reading,
    require_schema,
    require_values,
    writing,
)

CLOSE_SECONDS = 1.0  # to wait for readers
NETWORK_FILE_SYSTEMS = (
    "nfs", "cifs", "smb", "fuse.sshfs", "9p", "lustre", "gpfs", "beegfs", "ceph", "fuse.ceph", "fuse.gluster", "afs",
)  # fmt: skip

Live = Literal["layers", "blocks"]
# true if a value is not what `require_values` allows: texts and blobs sort above all numbers, NULL passes
_ODD = " OR ".join(
    "{} NOT BETWEEN {!r} AND {!r}".format(column, *RANGES.get(column, FINITE)) for column in tables.METRICS[1:]
)
_ANY_ODD = f"SELECT 1 FROM metrics WHERE step > :after AND ({_ODD}) LIMIT 1"  # noqa: S608 names of columns
_EVERY = f"SELECT * FROM metrics WHERE step > :after ORDER BY step LIMIT {MOST_ROWS + 1}"  # noqa: S608 a number
_AVERAGED = f"""SELECT {", ".join("max(step) AS step" if c == "step" else f"avg({c})" for c in tables.METRICS)},
    count(*) FILTER (WHERE {_ODD})
    FROM metrics WHERE step > :after GROUP BY CASE WHEN test_error IS NULL THEN (step - 1) / :group ELSE -1 - step END
    ORDER BY step LIMIT {MOST_ROWS + 1}"""  # noqa: S608 names of columns

# at the steps 0, stride / parts, 2 stride / parts, ..., and the last one
_SAMPLED = f"""WITH RECURSIVE places(place) AS (
        SELECT 0 UNION ALL SELECT place + 1 FROM places WHERE (place + 1) * :stride / :parts < :last
    )
    SELECT * FROM metrics
    WHERE step > :after AND step IN (SELECT place * :stride / :parts FROM places UNION SELECT :last)
    ORDER BY step LIMIT {MOST_ROWS + 1}"""  # noqa: S608 a number
_THINNED = """WITH numbered AS (
        SELECT step, row_number() OVER (ORDER BY step) - 1 AS place, count(*) OVER () - 1 AS last
        FROM (SELECT DISTINCT step FROM {table} WHERE step > :after)
    )
    SELECT * FROM {table} WHERE step IN (
        SELECT step FROM numbered
        WHERE :steps IS NULL OR place = 0 OR place * (:steps - 1) / last > (place - 1) * (:steps - 1) / last
    ) ORDER BY {keys} LIMIT {most}"""

MetricRow = tuple[float | None, ...]
LiveRow = tuple[str | float | None, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run; errors are those of its last evaluation, None before the first."""

    step: int = 0
    seconds: float = 0.0
    train_error: float | None = None
    test_error: float | None = None
    images_per_second: float | None = None
    learning_rate: float | None = None


class MetricsWriter:
    """The one writer of a run's metrics; a context manager.

    Raises:
        StorageError: from any method, if the disk is full or the folder read-only; from the constructor, also if the
            file is not this program's.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.db"
        with writing(self.path):
            if not exists(self.path):
                make_empty(self.path)
            self._database = sqlite3.connect(self.path, isolation_level=None)
            try:
                self._prepare(folder)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, folder: Path) -> None:
        protect(self._database)
        require_schema(self._database)
        # WAL lets pages read while the worker writes, but needs shared memory.
        mode = "TRUNCATE" if _on_network_file_system(folder) else "WAL"
        self._database.execute(f"PRAGMA journal_mode={mode}")
        self._database.execute("PRAGMA synchronous=NORMAL")
        for definition in SCHEMA.values():
            self._database.execute(definition.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def append(self, row: MetricRow) -> None:
        """Add one row, values in the order of `tables.METRICS`."""
        self.fill({"metrics": [row]})

    def append_probe(self, layers: Iterable[LiveRow], blocks: Iterable[LiveRow]) -> None:
        """Add the layers and blocks of one step, values in the order of `tables.LIVE_LAYERS` and `LIVE_BLOCKS`."""
        self.fill({"layers": layers, "blocks": blocks})

    def last_step(self) -> int:
        """The highest step that has a row; -1 if there is none."""
        with writing(self.path):
            (step,) = self._database.execute("SELECT max(step) FROM metrics").fetchone()
        return -1 if step is None else int(step)

    def row(self, step: int) -> MetricRow | None:
        """The row of a step; None if it has none."""
        with writing(self.path):
            found: MetricRow | None = self._database.execute("SELECT * FROM metrics WHERE step = ?", (step,)).fetchone()
        return found

    def delete_after(self, step: int) -> None:
        """Delete the rows past `step`, which a resumed run writes again."""
        with writing(self.path):
            for table in COLUMNS:
                self._database.execute(f"DELETE FROM {table} WHERE step > ?", (step,))  # noqa: S608 names of tables

    def flush(self) -> None:
        """Move all rows from the journal to the file, so that they survive a power failure."""
        with writing(self.path):
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def fill(self, rows: Mapping[str, Iterable[Sequence[object]]]) -> None:
        """Add many rows at once, by table."""
        with writing(self.path), self._database:  # commits, or rolls back after an error
            self._database.execute("BEGIN")
            for table, each in rows.items():
                places = ", ".join("?" for _ in COLUMNS[table])
                self._database.executemany(f"INSERT INTO {table} VALUES ({places})", each)  # noqa: S608 names of tables

    def close(self) -> None:
        """Merge the journal into the file, unless a reader prevents it for too long, and close it."""
        end = time.monotonic() + CLOSE_SECONDS
        while not self._merge_journal() and time.monotonic() < end:
            time.sleep(0.02)  # reading takes milliseconds
        self._database.close()  # if a reader remains, the journal stays and is valid

    def _merge_journal(self) -> bool:
        """Move all rows to the file and delete the journal; False if a reader prevents it."""
        try:
            return bool(self._database.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",))
        except sqlite3.ProgrammingError:  # closed before
            return True
        except SQLITE_ERRORS:
            return False


def read_progress(folder: Path) -> Progress:
    """The last row and the last evaluation of the run in `folder`.

    Raises:
        RunError: metrics.db is damaged.
    """
    with reading(folder, "metrics") as database:
        if database is None:
            return Progress()
        last = database.execute(
            "SELECT step, seconds, learning_rate FROM metrics ORDER BY step DESC LIMIT 1"
        ).fetchone()
        evaluated = database.execute(
            "SELECT train_error, test_error, images_per_second FROM metrics "
            "WHERE test_error IS NOT NULL ORDER BY step DESC LIMIT 1"
        ).fetchone()
        require_values([last] if last else [], ["step", "seconds", "learning_rate"])
        require_values([evaluated] if evaluated else [], ["train_error", "test_error", "images_per_second"])
    step, seconds, learning_rate = last or (0, 0.0, None)
    train_error, test_error, images_per_second = evaluated or (None, None, None)
    return Progress(step, seconds or 0.0, train_error, test_error, images_per_second, learning_rate)


def read_metrics(folder: Path, points: int | None = None, after: int = -1) -> list[MetricRow]:
    """The metrics of the run in `folder`, in order of step.

    Args:
        points: approximate maximum of rows. Rows between two evaluations are averaged in groups of equal size, placed
            at the group's last step; rows with evaluations are kept. None returns every row.
        after: only the rows past this step.

    Returns:
        Values in the order of `tables.METRICS`, None if a step has no value.

    Raises:
        RunError: metrics.db is damaged.
    """
    with reading(folder, "metrics") as database:
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
            raise InvalidMetricsError("a value in it is text or out of range")
        require_values(rows, ["step"], keys=1)
        return rows


def sample_metrics(folder: Path, points: int, after: int = -1) -> list[MetricRow]:
    """The metrics of the run in `folder` at evenly spaced steps, in order; reads only these rows.

    Args:
        points: approximate maximum of rows. They are at steps with an evaluation, as far as evaluations are evenly
            spaced, and between them if there are more points than evaluations; the last row is among them.
        after: only the rows past this step.

    Returns, raises: as `read_metrics`.
    """
    with reading(folder, "metrics") as database:
        if database is None:
            return []
        (last,) = database.execute("SELECT max(step) FROM metrics").fetchone()
        evaluated = database.execute("SELECT step FROM metrics WHERE test_error IS NOT NULL ORDER BY step LIMIT 2")
        steps = [step for (step,) in evaluated]
        require_values([*((step,) for step in steps), *([(last,)] if last else [])], ["step"])
        last = last or 0
        interval = steps[1] - steps[0] if len(steps) == 2 else max(1, -(-last // points))
        evaluations = max(1, last // interval)
        stride = interval * -(-evaluations // points)
        parts = min(stride, max(1, points // evaluations))
        places = {"stride": stride, "parts": parts, "last": last, "after": after}
        rows = database.execute(_SAMPLED, places).fetchall()
        require_values(rows, COLUMNS["metrics"], keys=1)
        return rows


def read_end(folder: Path, after: int) -> list[MetricRow]:
    """The last row of the run in `folder`, with the mean of `batch_error` over all rows past the step `after`.

    Returns, raises: as `read_metrics`; empty if there is no row past that step.
    """
    with reading(folder, "metrics") as database:
        if database is None:
            return []
        rows = database.execute("SELECT * FROM metrics WHERE step > ? ORDER BY step DESC LIMIT 1", (after,)).fetchall()
        # texts and blobs sort above all numbers, so that the highest value shows whether there are any
        mean, *extremes = database.execute(
            "SELECT avg(batch_error), min(batch_error), max(batch_error) FROM metrics WHERE step > ?", (after,)
        ).fetchone()
        require_values(rows, COLUMNS["metrics"], keys=1)
        require_values([(extreme,) for extreme in extremes], ["batch_error"])
        place = tables.METRICS.index("batch_error")
        return [(*row[:place], mean, *row[place + 1 :]) for row in rows]


def read_live(folder: Path, table: Live, steps: int | None = 300, after: int = -1) -> list[LiveRow]:
    """The layers or blocks of the run in `folder` at the steps with a probe.

    Args:
        table: "layers" or "blocks".
        steps: maximum of steps, at least 2: evenly spaced, with the first and the last. None returns all.
        after: only the steps past this one.

    Returns:
        Values in the order of `tables.LIVE_LAYERS` or `tables.LIVE_BLOCKS`, by step and depth; None if a value was not
        finite. Empty for a run trained without probes.

    Raises:
        RunError: metrics.db is damaged.
    """
    with reading(folder, table) as database:
        if database is None:
            return []  # a file of an earlier version without such tables
        thinned = _THINNED.format(table=table, keys=KEYS[table], most=MOST_ROWS + 1)
        rows = database.execute(thinned, {"steps": steps, "after": after}).fetchall()
        require_values(rows, COLUMNS[table], keys=KEYS[table].count(",") + 1)
        return rows


def _on_network_file_system(folder: Path) -> bool:
    """Whether a folder is on a network file system, where SQLite's shared memory is unreliable."""
    resolved = folder.resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if resolved.is_relative_to(m.mountpoint)]
    nearest = max(mounts, key=lambda m: len(m.mountpoint), default=None)
    return nearest is not None and nearest.fstype.startswith(NETWORK_FILE_SYSTEMS)
