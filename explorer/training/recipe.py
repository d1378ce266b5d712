"""Training recipes; importing this does not import torch."""

from functools import cache
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from explorer.data.catalogue import MOST_IMAGES
from explorer.labels import value
from explorer.models.config import LARGEST_IMAGE
from explorer.registry import lookup
from explorer.settings import Settings
from explorer.training.schedules import GENTLE_START_FACTOR, SCHEDULES

MOST_STEPS = 10_000_000  # ImageNet's longest recipes have some hundred thousand

LAST_TRAIN_IMAGES = 2000  # a standard error of at most 1.1 points

# Cost of probes, measured with ResNet-20 and -56 on one CPU thread: as much as training on 90 to 120 images, or 3 to 4
# steps with images so small that only the number of operations counts, which is assumed for accelerators too. Automatic
# probes take about 3 % of the training time.
PROBE_IMAGES = 64
PROBE_COST_IMAGES = 96
PROBE_COST_STEPS = 4  # on an accelerator
IMAGES_PER_PROBE = 3200
STEPS_PER_PROBE = 150  # on an accelerator
MOST_PROBES = 200  # enough for any picture; 1 MB on disk for 56 layers

_PAPER = "in He et al. 2015, section 4.2"


class Recipe(Settings):
    """Settings of a training; the same recipe and seed give the same curve on one machine.

    In forms and in a shell, the `description` of a field is its help; labels are in `explorer.labels`.
    `json_schema_extra` has what else a form needs: the "step" of a number, the "choices" of a text by label, what an
    "empty" field means.
    """

    steps: int = Field(
        default=300, ge=1, le=MOST_STEPS, description="Optimiser steps, the paper's iterations.",
        json_schema_extra={"step": 50},
    )  # fmt: skip
    batch_size: int = Field(  # batch norm needs two
        default=128, ge=2, le=65_536, description=f"Images per step; 128 {_PAPER}.",
        json_schema_extra={"step": 16},
    )  # fmt: skip
    learning_rate: float = Field(
        default=0.1, gt=0, le=1000, description=f"Its highest value during training; 0.1 {_PAPER}.",
        json_schema_extra={"step": 0.01},
    )  # fmt: skip
    schedule: str = Field(
        default="he2015", json_schema_extra={"choices": {value(name): name for name in SCHEDULES}},
        description="How the learning rate changes; he2015 has the paper's gentle start for 110 layers and more. "
        + " ".join(f"{name}: {(rule.__doc__ or '').splitlines()[0]}" for name, rule in SCHEDULES.items()),
    )  # fmt: skip
    warmup_steps: int = Field(
        default=0, ge=0, le=MOST_STEPS, json_schema_extra={"step": 10},
        description=f"Steps over which the rate grows linearly to the schedule's; 0 {_PAPER}.",
    )  # fmt: skip
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description=f"Weight of the earlier gradients in a step; 0.9 {_PAPER}.",
        json_schema_extra={"step": 0.05},
    )  # fmt: skip
    weight_decay: float = Field(
        default=1e-4, ge=0, le=100, description=f"On all parameters; 1e-4 {_PAPER}.",
        json_schema_extra={"step": 0.0001},
    )  # fmt: skip
    train_images: int | None = Field(
        default=None, ge=1, le=MOST_IMAGES, json_schema_extra={"empty": "all"},
        description="Size of the class-balanced training subset, drawn by the seed; by default all.",
    )  # fmt: skip
    image_size: int | None = Field(
        default=None, ge=8, le=LARGEST_IMAGE, json_schema_extra={"empty": "that of the data set"},
        description="Side in pixels; by default the data set's own; 16 averages CIFAR down by 2×2. Half the side "
        "trains about four times as fast.",
    )  # fmt: skip
    normalisation: Literal["channel", "pixel"] = Field(
        default="channel",
        description="channel: by the mean and deviation of each channel; pixel: by the mean image, as in the paper.",
    )  # fmt: skip
    stochastic_depth: float = Field(
        default=0, ge=0, lt=1, json_schema_extra={"step": 0.1},
        description="For residual networks: probability that a step drops the branch of the last block, decreasing "
        "linearly to almost 0 at the first; 0 never, 0.5 in Huang et al. 2016.",
    )  # fmt: skip
    augment: bool | None = Field(
        default=None,
        description="Pad 4, random crop, mirror; by default as the data set does (CIFAR yes, digits no).",
        json_schema_extra={
            "choices": {"as the data set does": None, "yes": True, "no": False}, "empty": "as the data set does",
        },
    )  # fmt: skip
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="auto: bf16 autocast where the device gains from it, else fp32.",
    )  # fmt: skip
    evaluate_every: int | None = Field(
        default=None, ge=1, le=MOST_STEPS, json_schema_extra={"empty": "automatic"},
        description="Steps between evaluations; by default 1.5 times the square root of the steps, at least 10, so "
        "that short runs have some points and long runs spend little on them.",
    )  # fmt: skip
    evaluate_images: int = Field(
        default=250, ge=10, le=MOST_IMAGES, json_schema_extra={"step": 50},
        description="Size of the fixed training sample and of the fixed test sample of an evaluation.",
    )  # fmt: skip
    last_images: int | None = Field(
        default=None, ge=10, le=MOST_IMAGES,
        json_schema_extra={"empty": "2,000 and all test images"},
        description="The same for the last evaluation; by default 2,000 training images and the whole test set.",
    )  # fmt: skip
    probe_every: int | None = Field(
        default=None, ge=0, le=MOST_STEPS,
        json_schema_extra={"step": 10, "empty": "automatic"},
        description="Steps between measurements of all layers and blocks (responses, gradients, residual ledger) on a "
        "fixed batch of 64 training images; 0 never. By default more often at the beginning, for about 3 % of the "
        "training time, and not at all in very short trainings.",
    )  # fmt: skip

    @field_validator("schedule")
    @classmethod
    def _stored(cls, schedule: str) -> str:
        """The stored name of "one-cycle", as pages write it."""
        name = schedule.replace("-", "_")
        return name if name in SCHEDULES else schedule

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        lookup(SCHEDULES, self.schedule, "schedule")
        if self.train_images is not None and self.batch_size > self.train_images:
            raise ValueError(
                f"`batch_size` (={self.batch_size}) is larger than `train_images` (={self.train_images}), "
                "so an epoch has no full batch. Lower `batch_size` or use more images."
            )
        if self.warmup_steps > self.steps:
            raise ValueError(
                f"`warmup_steps` (={self.warmup_steps}) is more than `steps` (={self.steps}), so the peak rate is "
                "never reached. Lower `warmup_steps` or train longer."
            )
        return self

    def learning_rate_at(self, step: int, *, gentle: bool = False) -> float:
        """The rate of the update from `step` to `step + 1`; `gentle`: in the paper's warm-up of very deep networks."""
        rate = self.learning_rate * SCHEDULES[self.schedule](step / self.steps)
        if step < self.warmup_steps:
            rate *= (step + 1) / self.warmup_steps
        return rate * GENTLE_START_FACTOR if gentle else rate

    @property
    def evaluation_interval(self) -> int:
        """Steps between two evaluations."""
        return self.evaluate_every or max(10, round(1.5 * self.steps**0.5))

    def evaluates_at(self, step: int) -> bool:
        """Whether the network is evaluated after `step` updates: at 0, at the end, and at regular intervals."""
        return step % self.evaluation_interval == 0 or step == self.steps

    def probes_at(self, step: int, *, accelerated: bool = False) -> bool:
        """Whether there is a probe after `step` updates; `accelerated`: not on a CPU."""
        if self.probe_every is not None:
            return self.probe_every > 0 and (step % self.probe_every == 0 or step == self.steps)
        images = self.steps * self.batch_size
        affordable = self.steps // STEPS_PER_PROBE if accelerated else images // IMAGES_PER_PROBE
        return step in _quadratic_steps(self.steps, min(affordable, MOST_PROBES))

    def probe_cost(self, *, accelerated: bool = False) -> float:
        """The time of a probe, in training steps."""
        return PROBE_COST_STEPS if accelerated else PROBE_COST_IMAGES / self.batch_size


@cache
def _quadratic_steps(steps: int, count: int) -> frozenset[int]:
    """At most `count` steps from 0 to `steps` with linearly increasing distances; a single one is the last."""
    if count < 2:
        return frozenset([steps][:count])
    return frozenset(round(steps * (place / (count - 1)) ** 2) for place in range(count))
