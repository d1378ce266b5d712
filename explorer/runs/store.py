"""Run folders: where they are, what they say, how they are changed.

A run folder is the whole truth about one network's training and can be copied, zipped and mailed:

    run.json      facts and state, moved into place whole
    metrics.db    one row per step; layers and blocks at some steps (runs/metrics.py)
    snapshots/    weights and optimiser through training (runs/snapshots.py)
    checkpoint.*  the final weights and their facts (runs/checkpoints.py)
    initial.*     the weights it started from and their facts, where it started from a checkpoint
    worker.log    what the worker process printed
    run.lock      held by the worker for its life: a free lock means that nothing runs
    control.json  what the user asks of the worker
"""

import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from filelock import FileLock
from pydantic import Field, ValidationError

from explorer.data.pictures import image_folder
from explorer.errors import ExplorerError, RunError, quoted
from explorer.files import PROJECT, home, storage_errors, write_atomically, write_text_atomically
from explorer.models.config import NetworkConfig
from explorer.processes import lock_is_held
from explorer.runs.metrics import Progress, read_progress
from explorer.settings import Settings

SCHEMA_VERSION = 1

StoredState = Literal["queued", "starting", "running", "paused", "stopped", "finished", "failed"]
State = Literal[StoredState, "crashed", "damaged", "shipped"]  # the last three are found out, never written

ACTIVE: tuple[State, ...] = ("queued", "starting", "running")
RESUMABLE: tuple[State, ...] = ("paused", "stopped", "crashed")

SHIPPED = PROJECT / "checkpoints"  # run folders that come with the program, never written to
_SHIPPED_ID = "shipped-"  # what their ids begin with, and no other's

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class WorkerProcess(Settings):
    """The process that trains; its number counts only together with its start time."""

    pid: int
    started: float  # seconds since 1970, from psutil


class RunFacts(Settings):
    """The content of run.json.

    Attributes:
        id: the folder's name.
        experiment: id of the experiment whose runs share recipe, data and seeds.
        title: the experiment's display text.
        order: place of this run within the experiment.
        network: the network as built, with the data's classes and channels.
        recipe: settings of `training.recipe.Recipe`, as given.
        seed: of initial weights, data order and augmentation.
        queued: when it was queued, seconds since 1970; the queue goes by it.
        reason: why it failed or was paused, in words for the user.
        environment: software versions, device, threads and precision it ran with.
        data_fingerprint: sha256 of the pixels and labels it was trained on.
        checkpoint_sha256: of checkpoint.safetensors, once finished.
        initial: the checkpoint it started from, as its user named it; empty where its first weights were drawn.
        initial_sha256: of initial.safetensors, which holds those weights.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    experiment: str
    title: str = ""
    order: int = 0
    created: datetime
    network: NetworkConfig
    data: str
    recipe: dict[str, Any]
    seed: int = 0
    state: StoredState = "queued"
    queued: float = 0.0
    reason: str = ""
    worker: WorkerProcess | None = None
    environment: dict[str, Any] = Field(default_factory=dict)
    data_fingerprint: str = ""
    checkpoint_sha256: str = ""
    initial: str = ""
    initial_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder as it was when read.

    Attributes:
        facts: None when run.json cannot be read.
        state: as stored, or found out: "crashed" (a worker died), "damaged" (a file is unreadable), "shipped" (came
            with the program, finished and read-only).
        progress: last step and errors, from metrics.db.
        damage: what is wrong with a damaged run, else empty.
    """

    id: str
    path: Path
    facts: RunFacts | None
    state: State
    progress: Progress
    damage: str = ""

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


def run_folder(run_id: str) -> Path:
    """The folder of a run, existing or not.

    Raises:
        RunError: `run_id` is not an id, such as a path that leads elsewhere.
    """
    if not _ID.fullmatch(run_id):
        raise RunError(f"{quoted(run_id)} is not the id of a run. `python -m explorer runs list` shows them.")
    return (SHIPPED if run_id.startswith(_SHIPPED_ID) else home()) / run_id


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
    except ExplorerError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


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
    with storage_errors(folder), FileLock(folder / "facts.lock", timeout=10):
        facts = RunFacts(**(read_facts(folder).model_dump() | changes))
        write_facts(folder, facts)
    return facts


def read_facts(folder: Path) -> RunFacts:
    """The facts of the run in `folder`.

    Raises:
        RunError: run.json is missing, cut short, or of a newer version.
    """
    try:
        values = json.loads((folder / "run.json").read_text())
        version = values.get("schema_version")
    except FileNotFoundError:
        raise RunError(f"{folder.name} has no run.json.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"run.json of {folder.name} cannot be read: {error}.") from None
    if version != SCHEMA_VERSION:
        raise RunError(
            f"run.json of {folder.name} has schema version {version}; this program reads {SCHEMA_VERSION}. "
            "Open it with the version that wrote it."
        )
    try:
        facts = RunFacts(**values)
    except (ExplorerError, ValidationError, TypeError) as error:
        raise RunError(f"run.json of {folder.name} is not valid: {error}") from None
    if not isinstance(facts.recipe.get("steps"), int):
        raise RunError(f"run.json of {folder.name} is not valid: its recipe has no number of steps.")
    return facts


def read_run(run_id: str) -> Run:
    """The run with this id; a damaged one is returned as such, not raised.

    Raises:
        RunError: there is no such run.
    """
    folder = run_folder(run_id)
    if not folder.is_dir():
        raise RunError(f"There is no run {run_id!r} in {home()}. `python -m explorer runs list` shows those there are.")
    try:
        facts = read_facts(folder)
    except RunError as error:
        return Run(run_id, folder, None, "damaged", Progress(), str(error))
    try:
        progress = read_progress(folder)
    except RunError as error:
        return Run(run_id, folder, facts, "damaged", Progress(), str(error))
    return Run(run_id, folder, facts, _state(folder, facts), progress)


def list_runs() -> list[Run]:
    """The user's runs in order of creation, damaged ones included, and those that come with the program."""
    others = (checkpoint_folder(), image_folder())
    found = [folder for place in (home(), SHIPPED) if place.is_dir() for folder in sorted(place.iterdir())]
    folders = [f for f in found if f.is_dir() and _ID.fullmatch(f.name) and f not in others]
    runs = []
    for name in (f.name for f in folders if run_folder(f.name) == f):
        try:
            runs.append(read_run(name))
        except RunError:  # deleted between listing and reading
            continue
    return runs


def run_lock(folder: Path) -> FileLock:
    """The lock that a worker holds while it trains the run in `folder`."""
    return FileLock(folder / "run.lock")


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def _state(folder: Path, facts: RunFacts) -> State:
    """A run that says it is running is believed only while a live worker stands behind it."""
    if folder.parent == SHIPPED:
        return "shipped"
    if facts.state not in ("starting", "running") or lock_is_held(folder / "run.lock"):
        return facts.state
    if facts.state == "starting":
        if facts.worker is not None and _is_alive(facts.worker):
            return "starting"
        if facts.worker is None and time.time() - facts.queued < STARTING_SECONDS:
            return "starting"
    try:  # the worker may have ended between the reading of run.json and the look at its lock
        now = read_facts(folder).state
    except RunError:
        return "crashed"
    return now if now not in ("starting", "running") else "crashed"


STARTING_SECONDS = 30.0  # how long a launcher may take from marking a run to naming its process


def _is_alive(worker: WorkerProcess) -> bool:
    try:
        process = psutil.Process(worker.pid)
        same = abs(process.create_time() - worker.started) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
