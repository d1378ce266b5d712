"""Run folders: location, reading and changes.

A run folder has everything about one network's training and can be copied or zipped:

    run.json      facts and state, replaced atomically; the settings with their checksum
    .resnet-explorer  marks the folder as a run; folders without it are ignored
    metrics.db    one row per step; layers and blocks at some steps (runs/metrics.py)
    metrics-damaged.db  the damaged file before its repair (runs/mending.py)
    snapshots/    weights and optimiser during training (runs/snapshots.py), each with its checksum
    checkpoint.*  the final weights and their facts (runs/checkpoints.py)
    initial.*     the initial weights and their facts, if it started from a checkpoint
    worker.log    output of the worker process
    run.lock      held by the worker while it lives: a free lock means that nothing runs
    control.json  the user's request to the worker
    heartbeat     time of the worker's last heartbeat (runs/heartbeat.py)

Invalid content of a folder damages that run only.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from explorer.errors import ExplorerError, RunError, StorageError, one_line, quoted, reason_in
from explorer.files import (
    APP,
    bytes_of_files,
    home,
    inside,
    read_end,
    read_json,
    storage_errors,
    write_bytes_atomically,
    write_text_atomically,
)
from explorer.processes import lock, lock_is_held
from explorer.runs.facts import ID, MOST_NUMBER, RESUMABLE, SCHEMA_VERSION, RunFacts, State, WorkerProcess
from explorer.runs.heartbeat import silent_seconds
from explorer.runs.metrics import Progress, read_progress
from explorer.runs.metrics_file import (
    METRICS_FILES,
    MOST_KEPT,
    Version,
    metrics_sha256,
    once_per_version,
    require_valid_metrics,
    settled_version,
)

SHIPPED = APP / "checkpoints"  # run folders that come with the program, never written to
SHIPPED_ID = "shipped-"  # prefix of their ids, reserved for them

MARKER = ".resnet-explorer"
_GENERATED = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}-.+")  # ids of runs of earlier versions, without a marker


@dataclass(frozen=True, slots=True)
class Run:
    """The content of a run folder when read.

    Attributes:
        facts: None if run.json cannot be read.
        state: as stored, or inferred: "crashed" (its worker died), "damaged" (a file is unreadable), "shipped" (came
            with the program, finished and read-only).
        progress: last step and errors, from metrics.db.
        bytes: of its files; snapshot_bytes: of those in snapshots/.
        damage: what is wrong with a damaged run, in one line, else empty.
        elsewhere: whether another user of this machine trains it.
        reason: why it is damaged, was paused or stopped, failed, or crashed as far as its worker logged it.
        silent_seconds: see `heartbeat.silent_seconds`.
    """

    id: str
    path: Path
    facts: RunFacts | None
    state: State
    progress: Progress
    bytes: int = 0
    snapshot_bytes: int = 0
    damage: str = ""
    elsewhere: bool = False
    reason: str = ""
    silent_seconds: float | None = None

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.state}, step {self.progress.step:,} of {self.steps:,}>"

    @property
    def forced(self) -> bool:
        """Whether its worker was killed, since it did not respond to a request."""
        return self.state in ("paused", "stopped") and self.reason.startswith(FORCED)

    @property
    def steps(self) -> int:
        """Steps of the recipe; 0 if unknown."""
        return int(self.facts.recipe["steps"]) if self.facts else 0


def checkpoint_folder() -> Path:
    """The folder of checkpoints that are not of runs, existing or not."""
    return home() / "checkpoints"


def new_id() -> str:
    """A new experiment id: UTC time for order, random letters for uniqueness."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def next_number() -> int:
    """The `number` of the next experiment."""
    last = max((run.facts.number for run in list_runs() if run.facts), default=0)
    return min(last + 1, MOST_NUMBER)  # bounded, since run.json is not trusted


def run_folder(run_id: str) -> Path:
    """The folder of a run, existing or not; never a link.

    Raises:
        RunError: `run_id` is not an id, such as a path.
    """
    folder = _place(run_id)
    try:
        return inside(folder.parent, run_id)
    except StorageError as error:
        raise RunError(f"{quoted(run_id)} is not the id of a run: {error}") from None


def _place(run_id: str) -> Path:
    """The folder of a run, which may be a link."""
    if not ID.fullmatch(run_id):
        raise RunError(f"{quoted(run_id)} is not the id of a run. `python -m explorer runs list` shows them.")
    return (SHIPPED if run_id.startswith(SHIPPED_ID) else home()) / run_id


def is_run_folder(folder: Path) -> bool:
    """Whether a folder is a run: it has the marker, or the name and run.json of a run of earlier versions."""
    if folder.is_symlink() or not folder.is_dir() or not ID.fullmatch(folder.name):
        return False
    if folder.parent == SHIPPED:
        return (folder / "run.json").is_file()
    marker = folder / MARKER
    if marker.is_file() and not marker.is_symlink():
        return True
    return bool(_GENERATED.fullmatch(folder.name)) and os.path.lexists(folder / "run.json")


def create_run(facts: RunFacts, files: Mapping[str, bytes] | None = None) -> None:
    """Make the folder of a new run; `files` by name are written before run.json.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    folder = run_folder(facts.id)
    with storage_errors(folder):
        folder.mkdir(parents=True)
    try:
        for name, content in (files or {}).items():
            write_bytes_atomically(folder / name, content)
        write_facts(folder, facts)
        mark(folder)
    except ExplorerError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def mark(folder: Path) -> None:
    """Write the marker that makes a folder a run."""
    write_bytes_atomically(folder / MARKER, b"A run of ResNet Explorer\n")


def write_facts(folder: Path, facts: RunFacts) -> None:
    """Write run.json."""
    write_text_atomically(folder / "run.json", facts.model_dump_json(indent=2) + "\n")


def update_run(run_id: str, **changes: Any) -> RunFacts:
    """Change some facts of a run, under a lock against concurrent changes.

    Raises:
        RunError: the run is missing, its run.json damaged, or it came with the program.
    """
    folder = run_folder(run_id)
    if folder.parent == SHIPPED:
        raise RunError(f"{run_id} came with the program and is read-only. Train a copy of your own to change it.")
    with storage_errors(folder), lock(folder / "facts.lock", timeout=10):
        facts = RunFacts(**(read_facts(folder).model_dump() | changes))
        write_facts(folder, facts)
    return facts


def read_facts(folder: Path) -> RunFacts:
    """The facts of the run in `folder`.

    Raises:
        RunError: run.json is missing, not valid, of a newer version, or has other settings than its training had; in
            one line.
    """
    try:
        values = read_json(folder / "run.json")
        version = values.get("schema_version") if isinstance(values, dict) else None
        if version == SCHEMA_VERSION and version is not True:
            return RunFacts(**values)
    except FileNotFoundError:
        raise RunError(f"{folder.name} has no run.json.") from None
    except StorageError as error:
        raise RunError(f"run.json of {folder.name} cannot be read: {reason_in(error)}.") from None
    except Exception as error:  # noqa: BLE001 any error damages this run only
        raise RunError(f"run.json of {folder.name} is not valid: {reason_in(error)}.") from None
    raise RunError(
        f"run.json of {folder.name} has schema version {quoted(version)}; this program reads "
        f"{SCHEMA_VERSION}. Open it with the version that wrote it."
    )


def read_run(run_id: str) -> Run:
    """The run with this id; a damaged one is returned as such, not raised.

    Raises:
        RunError: there is no such run.
    """
    folder = _place(run_id)
    if not is_run_folder(folder):
        folder = run_folder(run_id)
        raise RunError(
            f"There is no run {run_id!r} in {folder.parent}. `python -m explorer runs list` shows those there are."
        )
    return _read(folder)


# Each run at rest that was read, with the version of the files that make it: thousands of them are listed every second.
_AT_REST: dict[Path, tuple[Version, Run]] = {}


def _read(folder: Path) -> Run:
    version = settled_version(*(f"{folder}/{name}" for name in ("run.json", *METRICS_FILES)))
    known = _AT_REST.get(folder)
    if known is not None and known[0] == version:
        return known[1]
    run = _read_anew(folder)
    if version is not None and run.state not in ("starting", "running", "crashed", "damaged"):
        _AT_REST[folder] = version, run
    return run


@lru_cache(maxsize=MOST_KEPT)
def _facts(folder: Path, _version: Version | None) -> RunFacts:
    return read_facts(folder)


def _read_anew(folder: Path) -> Run:
    facts, run_id = None, folder.name
    try:
        facts = once_per_version(_facts, folder, folder / "run.json")
        _require_unchanged_metrics(folder, facts)
        progress = read_progress(folder)
        state, elsewhere = _state(folder, facts)
        if state == "crashed" and read_facts(folder) != facts:
            return _read_anew(folder)  # its worker has ended since run.json was read
        if state in RESUMABLE and not facts.metrics_sha256:  # a killed worker leaves no checksum
            require_valid_metrics(folder)
    except RunError as error:
        damage = one_line(error)
        return Run(run_id, folder, facts, "damaged", Progress(), *_sizes(folder), damage, reason=damage)
    return Run(
        run_id,
        folder,
        facts,
        state,
        progress,
        *_sizes(folder),
        elsewhere=elsewhere,
        reason=facts.reason or (logged_reason(folder) if state == "crashed" else ""),
        silent_seconds=silent_seconds(folder) if state in ("starting", "running") else None,
    )


def _sizes(folder: Path) -> tuple[int, int]:
    """Bytes of all files of a run, and of those in snapshots/; what cannot be read counts 0."""
    snapshots = bytes_of_files(folder / "snapshots")
    return bytes_of_files(folder) + snapshots, snapshots


def list_runs() -> list[Run]:
    """The user's runs in order of their ids, damaged ones included, then the shipped runs; other folders are ignored.

    Raises:
        StorageError: the folder of runs cannot be read.
    """
    runs = []
    for place in (home(), SHIPPED):
        with storage_errors(place / "runs"):
            names = sorted(each.name for each in place.iterdir()) if place.is_dir() else []
        for name in names:
            try:
                reserved = name.startswith(SHIPPED_ID)
                if reserved == (place == SHIPPED) and is_run_folder(place / name):
                    runs.append(_read(place / name))
            except (RunError, OSError):  # deleted between listing and reading
                continue
    return runs


REASON = "reason: "  # prefix in worker.log of the reason why a run ended, if run.json could not be written
FORCED = "Stopped by force"  # prefix of the reason of a run whose worker was killed


def logged_reason(folder: Path) -> str:
    """The reason in the log why the worker of a crashed run ended, in one line; empty if there is none."""
    try:
        lines = read_end(folder / "worker.log", _LOG_TAIL_BYTES).splitlines()
    except (FileNotFoundError, StorageError):
        return ""
    for line in reversed(lines):
        if line.startswith(REASON):
            return one_line(line.removeprefix(REASON), 500)
        if _WORKER_START.match(line):  # lines of an earlier worker
            break
    return ""


_WORKER_START = re.compile(r"[0-9-]{10} [0-9:]{8} worker [0-9]+ ")  # first line of each worker
_LOG_TAIL_BYTES = 16 * 1024  # of the log that are searched; output about other runs follows the reason


def run_lock(folder: Path) -> FileLock:
    """The lock that a worker holds while it trains the run in `folder`."""
    return lock(folder / LOCK)


def _require_unchanged_metrics(folder: Path, facts: RunFacts) -> None:
    """Raise RunError if metrics.db is missing or was changed since the training ended."""
    expected = facts.metrics_sha256
    if not expected and (not facts.settings_sha256 or os.path.lexists(folder / "metrics.db")):
        return
    if expected and metrics_sha256(folder) == expected:
        return
    if read_facts(folder).metrics_sha256 != expected:  # the training went on since the facts were read
        return
    missing = not os.path.lexists(folder / "metrics.db")
    raise RunError(
        f"metrics.db of {folder.name} {'is missing' if missing else 'was changed since the training ended'}. Mend the "
        f"run with `python -m explorer runs mend {folder.name}`, or restore the file from a copy."
    )


def _state(folder: Path, facts: RunFacts) -> tuple[State, bool]:
    """The state of a run, and whether another user trains it.

    A run counts as starting or running only while its worker lives.
    """
    if folder.parent == SHIPPED:
        return "shipped", False
    if facts.state not in ("starting", "running"):
        return facts.state, False
    held = lock_is_held(folder / LOCK)
    if held is None:  # another user's
        alive = facts.worker is not None and is_alive(facts.worker)
        return (facts.state if alive else "crashed"), alive
    if held:
        return facts.state, False
    if facts.state == "starting":
        # the process that marks a run as starting holds the supervisor's lock until it has stored the worker
        starting = is_alive(facts.worker) if facts.worker else lock_is_held(home() / SUPERVISOR) is not False
        if starting:
            return "starting", False
    return "crashed", False


LOCK = "run.lock"
SUPERVISOR = "supervisor.lock"  # held by the process that starts workers


def is_alive(worker: WorkerProcess) -> bool:
    """Whether this process lives, and not another with the same number."""
    try:
        process = psutil.Process(worker.pid)
        same = abs(process.create_time() - worker.started) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, OverflowError):
        return False
