"""The content of run.json: settings, state and origin of a run, validated since the file is not trusted."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from explorer.data.normalisations import normalisation_row
from explorer.errors import one_line, quoted
from explorer.models.config import NetworkConfig
from explorer.seals import digest
from explorer.settings import Settings

SCHEMA_VERSION = 1

StoredState = Literal["queued", "starting", "running", "paused", "stopped", "finished", "failed"]
State = Literal[StoredState, "crashed", "damaged", "shipped"]  # the last three are inferred, never written

ACTIVE: tuple[State, ...] = ("queued", "starting", "running")
RESUMABLE: tuple[State, ...] = ("paused", "stopped", "crashed")

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
MOST_STEPS = 10**9
MOST_NUMBER = 10**12  # of experiments and of places in the queue
MOST_TEXT = 20_000  # characters of a reason or a notice
MOST_NOTE = 2_000
_MOST_NOTICES = 10
LARGEST_EXPERIMENT = 1_000  # runs
LONGEST_ASSIGNMENT = 80  # characters of its name
MOST_LANES = 1000
MOST_THREADS = 10_000
_YEARS = range(2000, 2200)  # others are due to a wrong clock


def _printable(text: str) -> str:
    """Text with line breaks and control characters replaced by spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


def _printable_lines(text: str) -> str:
    """Text with control characters except line breaks replaced by spaces."""
    return "\n".join(map(_printable, text.split("\n")))


def _plausible(moment: datetime | None) -> datetime | None:
    """A time with its zone, by default UTC; None for an implausible one."""
    if moment is None or moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Line = Annotated[str, AfterValidator(_printable)]
Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


def _small_values(values: dict[str, Any], kind: str = "environment") -> dict[str, Any]:
    """Bound the size in memory, since listing runs reads all of them."""
    if len(values) > 100:
        raise ValueError(f"its {kind} says {len(values):,} things.")
    for name, value in values.items():
        short = len(value) <= 300 and value.isprintable() if isinstance(value, str) else True
        if len(name) > 100 or not isinstance(value, str | int | float | None) or not short:
            raise ValueError(f"its {kind} says {quoted(value)} for {one_line(name, 40)!r}.")
    return values


def valid_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """The untrusted recipe of a run or checkpoint, validated as far as listings rely on it.

    Raises:
        ValueError: a value is not a short text or a number, or is out of range.
    """
    _small_values(recipe, "recipe")
    whole = {"steps": (1, MOST_STEPS), "batch_size": (1, MOST_STEPS), "image_size": (1, 10**6)}
    for name, (least, most) in whole.items():
        value = recipe.get(name)
        missing = name not in recipe or (value is None and name == "image_size")
        if not missing and (type(value) is not int or not least <= value <= most):
            raise ValueError(f"its recipe has no valid number for `{name}` (={quoted(value)}).")
    known_normalisation(recipe.get("normalisation", "channel"))
    return recipe


def known_normalisation(kind: object) -> str:
    """A kind of normalisation, see `data.normalisations`; raises ValueError if unknown."""
    if not isinstance(kind, str) or len(kind) > 100 or not kind.isprintable():
        raise ValueError(f"{quoted(kind)} is no normalisation.")
    normalisation_row(kind)
    return kind


class WorkerProcess(Settings):
    """The training process, identified by its number and start time."""

    pid: int = Field(ge=1, lt=2**31)
    started: float  # seconds since 1970, from psutil


class Where(Settings):
    """Where an experiment trains, which changes nothing in its results.

    Attributes:
        engine: name in `training.engines.catalogue`.
        lanes: worker processes that train its runs at the same time; 0 chooses their number.
        gpus_per_run: GPUs that a run asks a cluster for, such as 0.25.
    """

    engine: str = Field(default="local", pattern=r"^[a-z]{1,20}$")
    lanes: int = Field(default=0, ge=0, le=MOST_LANES)
    gpus_per_run: float = Field(default=0.0, ge=0, le=64)


HERE = Where()


class Lane(Settings):
    """The worker process of a run among those of its experiment, from 0, and its number of threads."""

    number: int = Field(ge=0, lt=MOST_LANES)
    of: int = Field(ge=1, le=MOST_LANES)
    threads: int = Field(ge=1, le=MOST_THREADS)


class Origin(Settings):
    """Where a run was imported from at first.

    Attributes:
        file: name of the zip.
        run: the id it had there.
        batch: id of the last import, by which it can be taken back.
    """

    file: Line = Field(default="", max_length=200)
    run: Line = Field(default="", max_length=200)
    batch: Annotated[str, Field(pattern=rf"^({ID.pattern})?$")] = ""


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
        created: time of creation; None if implausible.
        number: consecutive number of the experiment on this machine, for sorting; 0 in runs of earlier versions.
        queued: place in the queue, larger than those of all runs that were waiting.
        assignment: name of the assignment whose plan file it was trained from, by which imports join; empty for none.
        origin: where it was imported from; None for a run of this machine.
        snapshots: whether its weights are kept at some steps: true for the first seed of each network.
        note: the user's text about the experiment.
        reason: why it failed or was paused, for the user.
        notice: further remarks for the user, such as that a damaged state was skipped.
        where: where the user wants it to be trained.
        lane: the worker process that trains it, or did so last; None before the first.
        environment: software versions, device, threads and precision it ran with.
        data_fingerprint: sha256 of the pixels and labels it was trained on.
        checkpoint_sha256: of checkpoint.safetensors, once finished.
        initial: the checkpoint it started from, as given by the user; empty for random initialisation.
        initial_sha256: of initial.safetensors, which holds those weights.
        settings_sha256: of the settings that determine the result, see `settings_digest`; empty before the first step.
        metrics_sha256: of metrics.db; empty while it is being written.
    """

    schema_version: int = SCHEMA_VERSION
    id: Annotated[str, Field(pattern=rf"^{ID.pattern}$")]
    experiment: Annotated[str, Field(pattern=rf"^{ID.pattern}$")]
    title: Line = Field(default="", max_length=400)
    order: int = Field(default=0, ge=0, le=10**6)
    created: Annotated[datetime | None, AfterValidator(_plausible)]
    network: NetworkConfig
    data: Line = Field(max_length=4096)
    recipe: dict[str, Any]
    seed: int = Field(default=0, ge=0)
    state: StoredState = "queued"
    number: int = Field(default=0, ge=0, le=MOST_NUMBER)
    queued: float = Field(default=0.0, ge=0, le=MOST_NUMBER)
    assignment: Line = Field(default="", max_length=LONGEST_ASSIGNMENT)
    origin: Origin | None = None
    snapshots: bool = True
    note: Annotated[str, AfterValidator(_printable_lines)] = Field(default="", max_length=MOST_NOTE)
    reason: Annotated[str, AfterValidator(_printable_lines)] = Field(default="", max_length=MOST_TEXT)
    notice: Annotated[str, AfterValidator(_printable_lines)] = Field(default="", max_length=MOST_TEXT)
    worker: WorkerProcess | None = None
    where: Where = HERE
    lane: Lane | None = None
    environment: Annotated[dict[str, Any], AfterValidator(_small_values)] = Field(default_factory=dict)
    data_fingerprint: Line = Field(default="", max_length=200)
    checkpoint_sha256: Digest = ""
    initial: Line = Field(default="", max_length=4096)
    initial_sha256: Digest = ""
    settings_sha256: Digest = ""
    metrics_sha256: Digest = ""

    @field_validator("recipe")
    @classmethod
    def _valid_recipe(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        for name in ("steps", "batch_size"):
            if name not in recipe:
                raise ValueError(f"its recipe does not say how many `{name}`.")
        return valid_recipe(recipe)

    @model_validator(mode="after")
    def _settings_unchanged(self) -> Self:
        if self.settings_sha256 not in ("", settings_digest(self)):
            raise ValueError("its settings differ from those the run was trained with. Restore it from a copy.")
        return self


def training_settings(facts: RunFacts) -> dict[str, Any]:
    """All settings that determine the result of a training; its states are valid only with these."""
    names = {"network", "data", "recipe", "seed", "initial_sha256", "data_fingerprint"}
    # without defaults, so that a setting added by a later version changes nothing
    return facts.model_dump(mode="json", include=names, exclude_defaults=True)


def settings_digest(facts: RunFacts) -> str:
    """The sha256 of `training_settings`."""
    return digest(training_settings(facts))


def with_notice(facts: RunFacts, sentence: str) -> str:
    """The notice of a run with a sentence appended, without duplicates; the oldest sentences are dropped."""
    lines = [line for line in facts.notice.split("\n") if line not in ("", sentence)]
    return "\n".join([*lines, sentence][-_MOST_NOTICES:])[-MOST_TEXT:]
