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
from typing import Annotated, Any, Literal, Self

import psutil
from filelock import FileLock
from pydantic import AfterValidator, Field, field_validator, model_validator

from explorer.data.normalisations import normalisation_row
from explorer.errors import ExplorerError, RunError, StorageError, one_line, quoted, reason_in
from explorer.files import (
    PROJECT,
    home,
    inside,
    read_end,
    read_json,
    storage_errors,
    write_atomically,
    write_text_atomically,
)
from explorer.models.config import NetworkConfig
from explorer.processes import lock, lock_is_held
from explorer.runs.heartbeat import silent_seconds
from explorer.runs.metrics import Progress, metrics_sha256, read_progress, require_whole_metrics
from explorer.seals import digest
from explorer.settings import Settings

SCHEMA_VERSION = 1

StoredState = Literal["queued", "starting", "running", "paused", "stopped", "finished", "failed"]
State = Literal[StoredState, "crashed", "damaged", "shipped"]  # the last three are found out, never written

ACTIVE: tuple[State, ...] = ("queued", "starting", "running")
RESUMABLE: tuple[State, ...] = ("paused", "stopped", "crashed")

SHIPPED = PROJECT / "checkpoints"  # run folders that come with the program, never written to
SHIPPED_ID = "shipped-"  # what their ids begin with, and no other's

MARKER = ".resnet-explorer"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_GENERATED = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}-.+")  # ids of runs made before there was a marker
MOST_STEPS = 10**9
MOST_NUMBER = 10**12  # that counts experiments and places in the queue
MOST_TEXT = 20_000  # characters of a reason or a notice
_MOST_NOTICES = 10
_YEARS = range(2000, 2200)  # outside them a clock was wrong


def _printable(text: str) -> str:
    """Without line breaks and what a terminal would take as a command."""
    return "".join(c if c.isprintable() else " " for c in text)


def _readable(text: str) -> str:
    """The same with its line breaks."""
    return "\n".join(map(_printable, text.split("\n")))


def _believable(moment: datetime | None) -> datetime | None:
    """A time with its zone, UTC where none was told; None for one that cannot be."""
    if moment is None or moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Line = Annotated[str, AfterValidator(_printable)]
Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


def sound_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a run or checkpoint, which may be anybody's, as far as lists rely on it.

    Raises:
        ValueError: a value is not a short text or a number, or one that is relied on cannot be.
    """
    for name, value in recipe.items():
        short = len(value) <= 300 and value.isprintable() if isinstance(value, str) else True
        if len(name) > 100 or not isinstance(value, str | int | float | None) or not short:
            raise ValueError(f"its recipe says {quoted(value)} for {one_line(name, 40)!r}.")
    whole = {"steps": (1, MOST_STEPS), "batch_size": (1, MOST_STEPS), "image_size": (1, 10**6)}
    for name, (least, most) in whole.items():
        value = recipe.get(name)
        missing = name not in recipe or (value is None and name == "image_size")
        if not missing and (type(value) is not int or not least <= value <= most):
            raise ValueError(f"its recipe has no sound number for `{name}` (={quoted(value)}).")
    known_normalisation(recipe.get("normalisation", "channel"))
    return recipe


def known_normalisation(kind: object) -> str:
    """A kind of normalisation, see `data.normalisations`; raises ValueError where there is none such."""
    if not isinstance(kind, str) or len(kind) > 100 or not kind.isprintable():
        raise ValueError(f"{quoted(kind)} is no normalisation.")
    normalisation_row(kind)
    return kind


class WorkerProcess(Settings):
    """The process that trains; its number counts only together with its start time."""

    pid: int = Field(ge=1, lt=2**31)
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
        created: when it was made; None where a clock was so wrong that it cannot be.
        number: counts the experiments made here, so that lists need no clock; 0 in runs made before there was one.
        queued: its place in the queue: more than that of all that waited when it came.
        reason: why it failed or was paused, in words for the user.
        notice: what else the user should know of how it came about, such as a state that was damaged.
        environment: software versions, device, threads and precision it ran with.
        data_fingerprint: sha256 of the pixels and labels it was trained on.
        checkpoint_sha256: of checkpoint.safetensors, once finished.
        initial: the checkpoint it started from, as its user named it; empty where its first weights were drawn.
        initial_sha256: of initial.safetensors, which holds those weights.
        settings_sha256: of all that the result depends on, see `settings_digest`; empty before the first step.
        metrics_sha256: of metrics.db; empty while it is being written.
    """

    schema_version: int = SCHEMA_VERSION
    id: Annotated[str, Field(pattern=rf"^{_ID.pattern}$")]
    experiment: Annotated[str, Field(pattern=rf"^{_ID.pattern}$")]
    title: Line = Field(default="", max_length=400)
    order: int = Field(default=0, ge=0, le=10**6)
    created: Annotated[datetime | None, AfterValidator(_believable)]
    network: NetworkConfig
    data: Line = Field(max_length=4096)
    recipe: dict[str, Any]
    seed: int = Field(default=0, ge=0)
    state: StoredState = "queued"
    number: int = Field(default=0, ge=0, le=MOST_NUMBER)
    queued: float = Field(default=0.0, ge=0, le=MOST_NUMBER)
    reason: Annotated[str, AfterValidator(_readable)] = Field(default="", max_length=MOST_TEXT)
    notice: Annotated[str, AfterValidator(_readable)] = Field(default="", max_length=MOST_TEXT)
    worker: WorkerProcess | None = None
    environment: dict[str, Any] = Field(default_factory=dict)
    data_fingerprint: Line = Field(default="", max_length=200)
    checkpoint_sha256: Digest = ""
    initial: Line = Field(default="", max_length=4096)
    initial_sha256: Digest = ""
    settings_sha256: Digest = ""
    metrics_sha256: Digest = ""

    @field_validator("recipe")
    @classmethod
    def _of_plain_values(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        for name in ("steps", "batch_size"):
            if name not in recipe:
                raise ValueError(f"its recipe does not say how many `{name}`.")
        return sound_recipe(recipe)

    @model_validator(mode="after")
    def _as_trained(self) -> Self:
        if self.settings_sha256 not in ("", settings_digest(self)):
            raise ValueError("it says other settings than the run was trained with. Restore it from a copy.")
        return self


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
    if not _ID.fullmatch(run_id):
        raise RunError(f"{quoted(run_id)} is not the id of a run. `python -m explorer runs list` shows them.")
    root = SHIPPED if run_id.startswith(SHIPPED_ID) else home()
    try:
        return inside(root, run_id)
    except StorageError as error:
        raise RunError(f"{quoted(run_id)} is not the id of a run: {error}") from None


def is_run_folder(folder: Path) -> bool:
    """Whether this program made the folder, by its marker; of earlier versions, by its name and run.json."""
    if folder.is_symlink() or not folder.is_dir() or not _ID.fullmatch(folder.name):
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


def training_settings(facts: RunFacts) -> dict[str, Any]:
    """All that the result of a training depends on: what its states belong to."""
    names = {"network", "data", "recipe", "seed", "initial_sha256", "data_fingerprint"}
    # without defaults: a setting that a later version adds is no other setting
    return facts.model_dump(mode="json", include=names, exclude_defaults=True)


def settings_digest(facts: RunFacts) -> str:
    """The sha256 of `training_settings`."""
    return digest(training_settings(facts))


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


def with_notice(facts: RunFacts, sentence: str) -> str:
    """The notice of a run with one more sentence, which stands in it once; the oldest ones make room."""
    lines = [line for line in facts.notice.split("\n") if line not in ("", sentence)]
    return "\n".join([*lines, sentence][-_MOST_NOTICES:])[-MOST_TEXT:]


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
