"""How a network is trained, as settings; importing this does not import torch."""

from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from explorer.data.catalogue import MOST_IMAGES
from explorer.models.config import LARGEST_IMAGE
from explorer.registry import lookup
from explorer.settings import Settings
from explorer.training.schedules import GENTLE_START_FACTOR, SCHEDULES

MOST_STEPS = 10_000_000  # ImageNet's longest recipes have some hundred thousand

LAST_TRAIN_IMAGES = 2000  # a standard error of at most 1.1 points

# Looks at the layers and blocks while a network trains, measured with ResNet-20 and -56 on one CPU thread: a look takes
# as long as training on 90 to 120 images; with images so small that only the number of operations counts, 3 to 4 steps.
# The second is taken for accelerators too. Automatic looks are so few that they take about 3% of the training time.
PROBE_IMAGES = 64
PROBE_COST_IMAGES = 96
PROBE_COST_STEPS = 4  # on an accelerator
IMAGES_PER_PROBE = 3200
STEPS_PER_PROBE = 150  # on an accelerator
MOST_PROBES = 200  # enough for any picture; 1 MB on disk for 56 layers


class Recipe(Settings):
    """How a network is trained; the same recipe and seed give the same curve on one machine.

    Attributes:
        steps: optimiser steps (the paper's "iterations").
        batch_size: images per step; 128 in He et al. 2015, section 4.2.
        learning_rate: peak step size; 0.1 there.
        schedule: name in `SCHEDULES`; he2015 is the paper's, with its gentle start for 110 layers and more.
        warmup_steps: the rate grows linearly to the schedule's over this many steps; 0 in the paper.
        momentum: 0.9 there.
        weight_decay: 1e-4 there, on all parameters.
        train_images: size of the class-balanced training subset, drawn by the seed; None takes all.
        image_size: side in pixels; None keeps the data set's own, 16 averages CIFAR down by 2x2.
        normalisation: "channel" subtracts a mean and divides by a deviation per channel; "pixel" subtracts the
            mean image, as the paper does.
        stochastic_depth: probability that a step leaves out the branch of the last block, falling evenly to almost none
            at the first; 0.5 in Huang et al. 2016, 0 never. For residual networks alone.
        augment: pad 4, random crop, mirror; None follows the data set (CIFAR yes, digits no).
        precision: "auto" takes bf16 autocast where the device gains from it, else fp32.
        evaluate_every: steps between evaluations; None takes 1.5 times the square root of `steps`, at least 10, so
            that short runs have some points and long runs spend little on them.
        evaluate_images: size of the fixed training sample and of the fixed test sample of an evaluation.
        last_images: the same for the last evaluation; None takes 2,000 training images and the whole test set.
        probe_every: steps between looks at all layers and blocks (responses, gradients, residual ledger) on a fixed
            batch of 64 training images; 0 never looks. None takes about 3% of the training time for it, more often at
            the beginning, and does not look where that is not enough for once.
    """

    steps: int = Field(default=300, ge=1, le=MOST_STEPS)
    batch_size: int = Field(default=128, ge=2, le=65_536)  # batch norm needs two
    learning_rate: float = Field(default=0.1, gt=0, le=1000)
    schedule: str = "he2015"
    warmup_steps: int = Field(default=0, ge=0, le=MOST_STEPS)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0, le=100)
    train_images: int | None = Field(default=None, ge=1, le=MOST_IMAGES)
    image_size: int | None = Field(default=None, ge=8, le=LARGEST_IMAGE)
    normalisation: Literal["channel", "pixel"] = "channel"
    stochastic_depth: float = Field(default=0, ge=0, lt=1)
    augment: bool | None = None
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    evaluate_every: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    evaluate_images: int = Field(default=250, ge=10, le=MOST_IMAGES)
    last_images: int | None = Field(default=None, ge=10, le=MOST_IMAGES)
    probe_every: int | None = Field(default=None, ge=0, le=MOST_STEPS)

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
        """The rate of the update from `step` to `step + 1`; `gentle` is the paper's start of very deep networks."""
        rate = self.learning_rate * SCHEDULES[self.schedule](step / self.steps)
        if step < self.warmup_steps:
            rate *= (step + 1) / self.warmup_steps
        return rate * GENTLE_START_FACTOR if gentle else rate

    def evaluates_at(self, step: int) -> bool:
        """Whether the network is evaluated after `step` updates: at 0, at the end, and every so many."""
        every = self.evaluate_every or max(10, round(1.5 * self.steps**0.5))
        return step % every == 0 or step == self.steps

    def probes_at(self, step: int, *, accelerated: bool = False) -> bool:
        """Whether layers and blocks are looked at after `step` updates; `accelerated`: not on a CPU."""
        if self.probe_every is not None:
            return self.probe_every > 0 and (step % self.probe_every == 0 or step == self.steps)
        images = self.steps * self.batch_size
        affordable = self.steps // STEPS_PER_PROBE if accelerated else images // IMAGES_PER_PROBE
        return step in _ever_wider(self.steps, min(affordable, MOST_PROBES))

    def probe_cost(self, *, accelerated: bool = False) -> float:
        """What a look takes, in training steps."""
        return PROBE_COST_STEPS if accelerated else PROBE_COST_IMAGES / self.batch_size


@cache
def _ever_wider(steps: int, count: int) -> frozenset[int]:
    """At most `count` steps from 0 to `steps` whose distances grow evenly; a single one is the last."""
    if count < 2:
        return frozenset([steps][:count])
    return frozenset(round(steps * (place / (count - 1)) ** 2) for place in range(count))
