"""The mirror of a run that trains in another home, such as on a node of a cluster: what goes there, what comes back.

There, `unpack` makes the run folder in which the usual worker trains, and `changes` collects what is new in it. Here, a
`Mirror` writes that to the run's own folder, rows before states as a worker does, so that pages show it as usual and
training can go on from the last state that came back.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, StorageError
from explorer.files import inside, read_file, storage_errors, write_bytes_atomically
from explorer.runs import heartbeat
from explorer.runs.checkpoint_facts import MOST_BYTES, snapshot_steps
from explorer.runs.facts import RunFacts
from explorer.runs.metrics import MetricRow, MetricsWriter
from explorer.runs.metrics_file import COLUMNS, KEYS, metrics_sha256, reading
from explorer.runs.state_files import (
    LATEST,
    MOST_STATE_BYTES,
    PREVIOUS,
    is_complete,
    keep_previous,
    newest_verified_step,
    remove_states,
    state_name,
    verified_state,
)
from explorer.runs.store import Run, mark, read_facts, update_run, write_facts

MOST_STEPS = 20_000  # whose rows come back at once
MOST_LOG = 2**16  # bytes likewise
INITIAL = ("initial.safetensors", "initial.json")
CHECKPOINT = ("checkpoint.safetensors", "checkpoint.json")
TAKEN = ("state", "reason", "notice", "data_fingerprint", "settings_sha256", "checkpoint_sha256")  # of run.json
ENDED = ("paused", "stopped", "finished", "failed")


@dataclass(frozen=True, slots=True)
class Start:
    """What a run needs to begin or to go on elsewhere.

    Attributes:
        facts: its run.json there.
        files: by name: initial weights and the newest complete states.
        row: the row of its metrics at the step of the newest state.
    """

    facts: RunFacts
    files: Mapping[str, bytes]
    row: MetricRow | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What has come back so far.

    Attributes:
        steps: the last step by table.
        files: versions by name.
        log: bytes of the log.
    """

    steps: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, -1))
    files: Mapping[str, str] = field(default_factory=dict)
    log: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new in the run folder there.

    Attributes:
        seen: what has come back once these are written.
        rows: by table.
        files: by name: undamaged snapshots and the newest state, up to the last row, and the checkpoint.
        facts: its run.json.
        beat: content of its heartbeat, which changes while its worker lives; empty before and after.
        complete: whether nothing more is there.
        lost: why the worker there has ended, if run.json does not say so.
    """

    seen: Seen
    rows: Mapping[str, list[tuple[Any, ...]]]
    files: Mapping[str, bytes]
    log: bytes
    facts: RunFacts
    beat: bytes
    complete: bool
    lost: str = ""

    @property
    def ended(self) -> bool:
        """Whether the run has ended there and all of it has come back."""
        return self.complete and self.facts.state in ENDED


def unpack(start: Start, folder: Path) -> RunFacts:
    """Make the run folder there, for its worker; gives its facts.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    with storage_errors(folder):
        (folder / "snapshots").mkdir(parents=True)
    for name, content in start.files.items():
        write_bytes_atomically(inside(folder, name), content)
    with MetricsWriter(folder) as metrics:  # a run that has begun counts as damaged without its file
        metrics.fill({"metrics": [] if start.row is None else [start.row]})
    write_facts(folder, start.facts)
    mark(folder)
    return start.facts


def changes(folder: Path, seen: Seen) -> Changes:
    """What is new in the run folder there since `seen`; safe while its worker writes.

    Raises:
        RunError: run.json or metrics.db is damaged.
    """
    facts = read_facts(folder)  # before all others: when it says finished, these are complete
    beat = b""
    with suppress(FileNotFoundError, StorageError):
        beat = read_file(folder / heartbeat.NAME, 100)
    states = _new_states(folder, seen)
    with reading(folder, "metrics") as database:  # after the states: their rows are there
        last, rows = seen.steps["metrics"], dict[str, list[tuple[Any, ...]]]()
        if database is not None:
            (newest,) = database.execute("SELECT max(step) FROM metrics").fetchone()
            end = min(last + MOST_STEPS, -1 if newest is None else newest)
            for table in COLUMNS:
                query = f"SELECT * FROM {table} WHERE step > ? AND step <= ? ORDER BY {KEYS[table]}"  # noqa: S608 tables
                rows[table] = database.execute(query, (seen.steps[table], end)).fetchall()
            last, complete = max(last, end), newest is None or end == newest
        else:
            complete = True
    versions, files = dict(seen.files), {}
    for name, (version, step, content) in states.items():
        if step <= last:
            versions[name], files[name] = version, content
    if facts.state == "finished" and complete:
        files |= {name: read_file(folder / name, MOST_BYTES) for name in CHECKPOINT}
    steps = {table: rows[table][-1][0] if rows.get(table) else seen.steps[table] for table in COLUMNS}
    log = _log(folder, seen.log)
    return Changes(Seen(steps, versions, seen.log + len(log)), rows, files, log, facts, beat, complete)


class Mirror:
    """The run folder here of a run that trains elsewhere; made by the process that holds the run's lock.

    Attributes:
        seen: what has come back from where it trains now.
        step: of its last row.

    Raises:
        ExplorerError: from any method, if a file of the run here cannot be read or written.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._facts: RunFacts | None = None
        update_run(run.id, metrics_sha256="")  # before the file changes
        self._metrics = MetricsWriter(run.path)
        self.step = self._metrics.last_step()
        self.seen = Seen(steps=dict.fromkeys(COLUMNS, self.step))

    def start(self, **facts: Any) -> Start:
        """What goes to the place where the run is to train now; forgets rows past the newest state.

        Args:
            facts: changes of run.json there.
        """
        folder = self.run.path
        step = newest_verified_step(folder)
        self._metrics.delete_after(-1 if step is None else step)
        self.step = self._metrics.last_step()
        self.seen = Seen(steps=dict.fromkeys(COLUMNS, self.step))
        files = {name: read_file(folder / name, MOST_BYTES) for name in INITIAL if (folder / name).is_file()}
        files |= _newest_states(folder)
        known = read_facts(folder).model_dump() | {"state": "queued", "worker": None, "metrics_sha256": ""} | facts
        return Start(RunFacts(**known), files, self._metrics.row(self.step))

    def write(self, new: Changes, **environment: str) -> None:
        """Write what has come back, rows before states; the end of the run is written by `end`.

        Args:
            environment: facts about the place where it trains.
        """
        folder = self.run.path
        self._metrics.fill(new.rows)
        if any(name.startswith("snapshots/") for name in new.files):
            self._metrics.flush()
            with storage_errors(folder):
                (folder / "snapshots").mkdir(exist_ok=True)
        for name, content in new.files.items():
            if name == f"snapshots/{LATEST}":
                keep_previous(folder / "snapshots")
            if name == CHECKPOINT[0] and hashlib.sha256(content).hexdigest() != new.facts.checkpoint_sha256:
                raise StorageError(f"The weights of {self.run.id} came back damaged. Resume it.")
            write_bytes_atomically(inside(folder, name), content)
        self.seen, self.step = new.seen, new.seen.steps["metrics"]
        if new.facts.state == "running" and new.facts != self._facts:
            self._facts = new.facts
            update_run(self.run.id, **_taken(new.facts, environment))

    def end(self, facts: RunFacts, **environment: str) -> None:
        """Write how the run ended there."""
        self.close()
        update_run(self.run.id, worker=None, **_taken(facts, environment))
        if facts.state == "finished":
            remove_states(self.run.path)

    def close(self) -> None:
        """Close the metrics and store their checksum."""
        self._metrics.close()
        with suppress(ExplorerError):
            update_run(self.run.id, metrics_sha256=metrics_sha256(self.run.path))


def _taken(facts: RunFacts, environment: dict[str, str]) -> dict[str, Any]:
    """The facts of a run that are known only where it trains."""
    return {name: getattr(facts, name) for name in TAKEN} | {"environment": facts.environment | environment}


def _newest_states(folder: Path) -> dict[str, bytes]:
    """The complete states down to the first undamaged one: damaged ones too, which the worker then names.

    Snapshots of earlier versions are such states, and can be more advanced than latest.pt.
    """
    found, newest = {}, newest_verified_step(folder) or 0
    for name in [LATEST, PREVIOUS, *map(state_name, reversed(snapshot_steps(folder)))]:
        place = f"snapshots/{name}"
        with suppress(FileNotFoundError):
            try:
                archive, step = verified_state(folder, name)
            except StorageError:
                found[place] = read_file(folder / place, MOST_STATE_BYTES)
                continue
            if is_complete(archive):
                found[place] = archive.getvalue()
                if step == newest or name == state_name(newest):
                    break
    return found


def _new_states(folder: Path, seen: Seen) -> dict[str, tuple[str, int, bytes]]:
    """Version, step and content of each undamaged snapshot or newest state that has not come back."""
    found = {}
    for name in [*map(state_name, snapshot_steps(folder)), LATEST]:
        place = f"snapshots/{name}"
        with suppress(OSError, StorageError):  # replaced or removed just now
            facts = (folder / place).stat()
            version = f"{facts.st_mtime_ns}-{facts.st_size}-{facts.st_ino}"
            if version != seen.files.get(place):
                content, step = verified_state(folder, name)
                if step is not None:
                    found[place] = version, step, content.getvalue()
    return found


def _log(folder: Path, start: int) -> bytes:
    """The log from byte `start`, whole lines."""
    try:
        with (folder / "worker.log").open("rb") as file:
            file.seek(start)
            text = file.read(MOST_LOG)
    except OSError:
        return b""
    return text[: text.rfind(b"\n") + 1] if len(text) < MOST_LOG else text
