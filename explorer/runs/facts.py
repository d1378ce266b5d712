"""What run.json says of a run: its settings, its state, how it came about; checked, since it may be anybody's."""

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
State = Literal[StoredState, "crashed", "damaged", "shipped"]  # the last three are found out, never written

ACTIVE: tuple[State, ...] = ("queued", "starting", "running")
RESUMABLE: tuple[State, ...] = ("paused", "stopped", "crashed")

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
MOST_STEPS = 10**9
MOST_NUMBER = 10**12  # that counts experiments and places in the queue
MOST_TEXT = 20_000  # characters of a reason or a notice
_MOST_NOTICES = 10
LARGEST_EXPERIMENT = 100  # runs
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


def _few_plain_values(values: dict[str, Any], kind: str = "environment") -> dict[str, Any]:
    """Lists keep them of all runs: what takes little room in a file must take little memory too."""
    if len(values) > 100:
        raise ValueError(f"its {kind} says {len(values):,} things.")
    for name, value in values.items():
        short = len(value) <= 300 and value.isprintable() if isinstance(value, str) else True
        if len(name) > 100 or not isinstance(value, str | int | float | None) or not short:
            raise ValueError(f"its {kind} says {quoted(value)} for {one_line(name, 40)!r}.")
    return values


def sound_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a run or checkpoint, which may be anybody's, as far as lists rely on it.

    Raises:
        ValueError: a value is not a short text or a number, or one that is relied on cannot be.
    """
    _few_plain_values(recipe, "recipe")
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
    id: Annotated[str, Field(pattern=rf"^{ID.pattern}$")]
    experiment: Annotated[str, Field(pattern=rf"^{ID.pattern}$")]
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
    environment: Annotated[dict[str, Any], AfterValidator(_few_plain_values)] = Field(default_factory=dict)
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


def training_settings(facts: RunFacts) -> dict[str, Any]:
    """All that the result of a training depends on: what its states belong to."""
    names = {"network", "data", "recipe", "seed", "initial_sha256", "data_fingerprint"}
    # without defaults: a setting that a later version adds is no other setting
    return facts.model_dump(mode="json", include=names, exclude_defaults=True)


def settings_digest(facts: RunFacts) -> str:
    """The sha256 of `training_settings`."""
    return digest(training_settings(facts))


def with_notice(facts: RunFacts, sentence: str) -> str:
    """The notice of a run with one more sentence, which stands in it once; the oldest ones make room."""
    lines = [line for line in facts.notice.split("\n") if line not in ("", sentence)]
    return "\n".join([*lines, sentence][-_MOST_NOTICES:])[-MOST_TEXT:]
