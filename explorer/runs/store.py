"""Run folders: where they are, what they say, how they are changed.

A run folder is the whole truth about one network's training and can be copied, zipped and mailed:

    run.json      facts and state, moved into place whole; the settings with their checksum
    .resnet-explorer  says that this program made the folder: without it, it is no run and is never touched
    metrics.db    one row per step; layers and blocks at some steps (runs/metrics.py)
    metrics-damaged.db  what it was before it was mended (runs/mending.py)
    snapshots/    weights and optimiser through training (runs/snapshots.py), each with its checksum
    checkpoint.*  the final weights and their facts (runs/checkpoints.py)
    initial.*     the weights it started from and their facts, where it started from a checkpoint
    worker.log    what the worker process printed
    run.lock      held by the worker for its life: a free lock means that nothing runs
    control.json  what the user asks of the worker
    heartbeat     when the worker was last heard (runs/heartbeat.py)

Whatever another program, another machine or a broken disk has put into such a folder, that run alone is damaged.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from explorer.errors import ExplorerError, RunError, StorageError, one_line, quoted, reason_in
from explorer.files import (
    APP,
    home,
    inside,
    read_end,
    read_json,
    storage_errors,
    write_atomically,
    write_text_atomically,
)
from explorer.processes import lock, lock_is_held
from explorer.runs.facts import ID, MOST_NUMBER, RESUMABLE, SCHEMA_VERSION, RunFacts, State, WorkerProcess
from explorer.runs.heartbeat import silent_seconds
from explorer.runs.metrics import Progress, read_progress
from explorer.runs.metrics_file import metrics_sha256, require_whole_metrics

SHIPPED = APP / "checkpoints"  # run folders that come with the program, never written to
SHIPPED_ID = "shipped-"  # what their ids begin with, and no other's

MARKER = ".resnet-explorer"
_GENERATED = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}-.+")  # ids of runs made before there was a marker


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder as it was when read.

    Attributes:
        facts: None when run.json cannot be read.
        state: as stored, or found out: "crashed" (a worker died), "damaged" (a file is unreadable), "shipped" (came
            with the program, finished and read-only).
        progress: last step and errors, from metrics.db.
        damage: what is wrong with a damaged run, in one line, else empty.
        elsewhere: whether another user of this machine trains it.
        reason: why it is damaged, was paused or stopped, failed, or crashed as far as its worker could still say.
        silent_seconds: for how long nothing has been heard of its worker; None while it is as quick as usual.
    """

    id: str
    path: Path
    facts: RunFacts | None
    state: State
    progress: Progress
    damage: str = ""
    elsewhere: bool = False
    reason: str = ""
    silent_seconds: float | None = None

    @property
    def forced(self) -> bool:
        """Whether it was ended from outside, since its worker did not do so when it was asked to."""
        return self.state in ("paused", "stopped") and self.reason.startswith(FORCED)

    @property
    def steps(self) -> int:
        """Steps of the recipe; 0 when unknown."""
        return int(self.facts.recipe["steps"]) if self.facts else 0


def checkpoint_folder() -> Path:
    """The folder of checkpoints that are kept beside the runs, existing or not."""
    return home() / "checkpoints"


def new_id() -> str:
    """A new experiment id: UTC time for order, random letters for uniqueness."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def next_number() -> int:
    """The `number` of the next experiment."""
    last = max((run.facts.number for run in list_runs() if run.facts), default=0)
    return min(last + 1, MOST_NUMBER)  # whatever some run.json says


def run_folder(run_id: str) -> Path:
    """The folder of a run, existing or not; never a link.

    Raises:
        RunError: `run_id` is not an id, such as a path that leads elsewhere.
    """
    if not ID.fullmatch(run_id):
        raise RunError(f"{quoted(run_id)} is not the id of a run. `python -m explorer runs list` shows them.")
    root = SHIPPED if run_id.startswith(SHIPPED_ID) else home()
    try:
        return inside(root, run_id)
    except StorageError as error:
        raise RunError(f"{quoted(run_id)} is not the id of a run: {error}") from None


def is_run_folder(folder: Path) -> bool:
    """Whether this program made the folder, by its marker; of earlier versions, by its name and run.json."""
    if folder.is_symlink() or not folder.is_dir() or not ID.fullmatch(folder.name):
        return False
    if folder.parent == SHIPPED:
        return (folder / "run.json").is_file()
    marked = folder / MARKER
    if marked.is_file() and not marked.is_symlink():
        return True
    return bool(_GENERATED.fullmatch(folder.name)) and os.path.lexists(folder / "run.json")


def create_run(facts: RunFacts, files: Mapping[str, bytes] | None = None) -> None:
    """Make the folder of a new run, with `files` by name in it before run.json tells of the run.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    folder = run_folder(facts.id)
    with storage_errors(folder):
        folder.mkdir(parents=True)
    try:
        for name, content in (files or {}).items():
            _write(folder / name, content)
        write_facts(folder, facts)
        mark(folder)
    except ExplorerError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def mark(folder: Path) -> None:
    """Say that this program made the folder: from here on it is a run."""
    _write(folder / MARKER, b"A run of ResNet Explorer\n")


def write_facts(folder: Path, facts: RunFacts) -> None:
    """Put run.json in place."""
    write_text_atomically(folder / "run.json", facts.model_dump_json(indent=2) + "\n")


def update_run(run_id: str, **changes: Any) -> RunFacts:
    """Change some facts of a run; processes take turns, so that none undoes another's change.

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
        RunError: run.json is missing, cut short, of a newer version, says what no run.json says, or other settings than
            those of its training; in one line.
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
    except Exception as error:  # noqa: BLE001 whatever it says, this run alone is damaged
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
    folder = run_folder(run_id)
    if not is_run_folder(folder):
        raise RunError(
            f"There is no run {run_id!r} in {folder.parent}. `python -m explorer runs list` shows those there are."
        )
    facts = None
    try:
        facts = read_facts(folder)
        _require_own_metrics(folder, facts)
        progress = read_progress(folder)
        state, elsewhere = _state(folder, facts)
        if state in RESUMABLE and not facts.metrics_sha256:  # a killed worker leaves no checksum
            require_whole_metrics(folder)
    except RunError as error:
        damage = one_line(error)
        return Run(run_id, folder, facts, "damaged", Progress(), damage, reason=damage)
    return Run(
        run_id,
        folder,
        facts,
        state,
        progress,
        elsewhere=elsewhere,
        reason=facts.reason or (last_words(folder) if state == "crashed" else ""),
        silent_seconds=silent_seconds(folder) if state in ("starting", "running") else None,
    )


def list_runs() -> list[Run]:
    """The user's runs in order of their ids, damaged ones included, and those that come with the program.

    Folders that this program did not make are passed over.

    Raises:
        StorageError: the folder of runs cannot be read.
    """
    runs = []
    for place in (home(), SHIPPED):
        with storage_errors(place / "runs"):
            names = sorted(entry.name for entry in os.scandir(place)) if place.is_dir() else []
        for name in names:
            try:
                if is_run_folder(place / name) and run_folder(name).parent == place:
                    runs.append(read_run(name))
            except (RunError, OSError):  # deleted between listing and reading
                continue
    return runs


REASON = "reason: "  # begins the line of worker.log that says why a run ended whose run.json could not be written
FORCED = "Stopped by force"  # begins the reason of a run that was ended from outside


def last_words(folder: Path) -> str:
    """Why the worker of a run that crashed ended, if it could still write that into the log; in one line."""
    try:
        lines = read_end(folder / "worker.log", _LAST_WORDS).splitlines()
    except (FileNotFoundError, StorageError):
        return ""
    for line in reversed(lines):
        if line.startswith(REASON):
            return one_line(line.removeprefix(REASON), 500)
        if _BEGINS.match(line):  # what earlier workers said is past
            break
    return ""


_BEGINS = re.compile(r"[0-9-]{10} [0-9:]{8} worker [0-9]+ ")  # with which each worker begins
_LAST_WORDS = 16 * 1024  # bytes of the log in which they are: what other runs had to say comes after them


def run_lock(folder: Path) -> FileLock:
    """The lock that a worker holds while it trains the run in `folder`."""
    return lock(folder / "run.lock")


def _require_own_metrics(folder: Path, facts: RunFacts) -> None:
    """See that metrics.db is there, and as the training left it."""
    said = facts.metrics_sha256
    if not said and (not facts.settings_sha256 or os.path.lexists(folder / "metrics.db")):
        return
    if said and metrics_sha256(folder) == said:
        return
    if read_facts(folder).metrics_sha256 != said:  # the training went on between the two looks
        return
    missing = not os.path.lexists(folder / "metrics.db")
    raise RunError(
        f"metrics.db of {folder.name} {'is missing' if missing else 'was changed since the training ended'}. Mend the "
        f"run with `python -m explorer runs mend {folder.name}`, or restore the file from a copy."
    )


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def _state(folder: Path, facts: RunFacts) -> tuple[State, bool]:
    """The state of a run, and whether another user trains it.

    One that says it is running is believed only while a live worker stands behind it.
    """
    if folder.parent == SHIPPED:
        return "shipped", False
    if facts.state not in ("starting", "running"):
        return facts.state, False
    held = lock_is_held(folder / "run.lock")
    if held is None:  # it belongs to another user
        alive = facts.worker is not None and is_alive(facts.worker)
        return (facts.state if alive else "crashed"), alive
    if held:
        return facts.state, False
    if facts.state == "starting":
        # whoever marks a run as starting holds the lock of the queue until its process is named
        starting = is_alive(facts.worker) if facts.worker else lock_is_held(home() / SUPERVISOR) is not False
        if starting:
            return "starting", False
    try:  # the worker may have ended between the reading of run.json and the look at its lock
        now = read_facts(folder).state
    except RunError:
        return "crashed", False
    return (now if now not in ("starting", "running") else "crashed"), False


SUPERVISOR = "supervisor.lock"  # held by whoever decides what runs


def is_alive(worker: WorkerProcess) -> bool:
    """Whether exactly this process lives, not another that was given its number."""
    try:
        process = psutil.Process(worker.pid)
        same = abs(process.create_time() - worker.started) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, OverflowError):
        return False
