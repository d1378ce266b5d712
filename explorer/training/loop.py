"""The training loop, as an iterator of records."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from explorer.data.batches import Batches
from explorer.data.pixels import Data, load_data
from explorer.errors import BadSettings, TrainingFailed
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build
from explorer.results import Precision
from explorer.training.devices import best_device, best_precision
from explorer.training.evaluation import error_and_loss, require_channels
from explorer.training.memory import recomputes, require_step_memory
from explorer.training.plan import require_trainable
from explorer.training.probes import Probe, probe
from explorer.training.recipe import LAST_TRAIN_IMAGES, PROBE_IMAGES, Recipe
from explorer.training.schedules import GENTLE_START_DEPTH, GENTLE_START_ERROR
from explorer.training.stochastic_depth import branch_factors, branches_left_out

ERROR_MEMORY = 0.95  # of the running mean of batch errors that ends the gentle start: about 20 steps


@dataclass(frozen=True, slots=True)
class Record:
    """One step of a training, with the columns of `tables.METRICS`; None if not measured."""

    step: int
    loss: float | None = None
    batch_error: float | None = None
    learning_rate: float | None = None
    seconds: float = 0.0
    train_error: float | None = None
    test_error: float | None = None
    images_per_second: float | None = None


class Training(Iterator[Record]):
    """An iterator that trains a network: `next` makes one step and gives its record.

    The first record is that of the untrained network (step 0, evaluated), the last that of step `recipe.steps`.
    The batch of a step depends on the seed and the step alone, so `state` and `restore` are sufficient to resume
    exactly, bit-identical on a CPU with the same number of threads.

    Attributes:
        network: the network on `device`, in training mode between steps.
        step: updates made so far; seconds: spent on them.
        started: whether the record of step 0 was given.

    Raises:
        TrainingFailed: from `next`, if the loss is not finite; the weights are those before that step.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        recipe: Recipe,
        *,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.network = network.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.batches = batches
        self.recipe = recipe
        self.precision = precision
        self.step = 0
        self.seconds = 0.0
        self._optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        if recipe.stochastic_depth and recipe.momentum:  # PyTorch needs all momenta or none
            for parameter in self.network.parameters():
                self._optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        depth = getattr(getattr(network, "config", None), "depth", 0)
        self._gentle = recipe.schedule == "he2015" and depth >= GENTLE_START_DEPTH
        self._mean_error = 1.0
        self.started = False
        self._marker = (0, 0.0)  # step and seconds at the last evaluation
        self._train_sample = batches.train_sample(recipe.evaluate_images)
        self._test_sample = batches.test_sample(recipe.evaluate_images)
        self._probe_sample = batches.train_sample(PROBE_IMAGES)

    def __next__(self) -> Record:
        if self.step == 0 and not self.started:
            self.started = True
            train_error, test_error = self._evaluation()
            return Record(0, train_error=train_error, test_error=test_error)
        if self.step >= self.recipe.steps:
            raise StopIteration
        start = time.perf_counter()
        rate = self.recipe.learning_rate_at(self.step, gentle=self._gentle)
        loss, batch_error = self._update(rate)
        self.seconds += time.perf_counter() - start
        self.step += 1
        self._mean_error = ERROR_MEMORY * self._mean_error + (1 - ERROR_MEMORY) * batch_error
        self._gentle = self._gentle and self._mean_error >= GENTLE_START_ERROR
        if not self.recipe.evaluates_at(self.step):
            return Record(self.step, loss, batch_error, rate, self.seconds)
        steps, seconds = self.step - self._marker[0], self.seconds - self._marker[1]
        self._marker = self.step, self.seconds
        train_error, test_error = self._evaluation()
        speed = steps * self.batches.batch_size / seconds
        return Record(self.step, loss, batch_error, rate, self.seconds, train_error, test_error, speed)

    @property
    def recomputes(self) -> bool:
        """Whether activation checkpointing is used, to save memory."""
        return isinstance(self.network, Network) and self.network.recompute

    @property
    def probe_due(self) -> bool:
        """Whether the recipe has a `probe` at this step."""
        return self.recipe.probes_at(self.step, accelerated=self.batches.device.type != "cpu")

    def probe(self) -> Probe:
        """Measure layers and blocks on a fixed class-balanced batch of training images, not augmented.

        Possible at any step, whatever the recipe; the training is not affected.
        """
        images, labels = next(iter(self._probe_sample))
        return probe(self.network, images, labels, step=self.step, precision=self.precision)

    def state(self) -> dict[str, Any]:
        """The complete state of the training: step, weights and buffers, optimiser, gentle start, time."""
        return {
            "step": self.step,
            "network": {name: tensor.detach().cpu() for name, tensor in self.network.state_dict().items()},
            "optimiser": self._optimiser.state_dict(),
            "gentle": self._gentle,
            "mean_error": self._mean_error,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a `state`."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        self.seconds = state["seconds"]
        self._gentle = state["gentle"]
        self._mean_error = state["mean_error"]
        self._marker = self.step, self.seconds
        self.started = True

    def _update(self, rate: float) -> tuple[float, float]:
        images, labels = self.batches.batch(self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        with self._stochastic_depth():
            with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                scores = self.network(images)
            loss = functional.cross_entropy(scores.float(), labels)
            value = loss.item()
            if not math.isfinite(value):
                raise TrainingFailed(
                    f"The loss is not finite (={value}) at step {self.step + 1}. "
                    "Try a lower learning rate or a warm-up."
                )
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return value, (scores.argmax(1) != labels).float().mean().item()

    def _stochastic_depth(self) -> AbstractContextManager[None]:
        """Drops branches in the forward and the backward pass of a step, if the recipe has stochastic depth."""
        last = self.recipe.stochastic_depth
        if not last or not isinstance(self.network, Network):
            return nullcontext()
        blocks = self.network.blocks
        return branches_left_out(blocks, branch_factors(len(blocks), last, self.batches.seed, self.step))

    def _evaluation(self) -> tuple[float, float]:
        """Training and test error on the fixed samples, at the end on larger ones."""
        seen, unseen = self._train_sample, self._test_sample
        if self.step == self.recipe.steps:
            last = self.recipe.last_images
            seen = self.batches.train_sample(last or LAST_TRAIN_IMAGES)
            unseen = self.batches.test_sample(last) if last else self.batches.test_set()
        train_error, _ = error_and_loss(self.network, seen, self.precision)
        test_error, _ = error_and_loss(self.network, unseen, self.precision)
        return train_error, test_error


def train(
    network: str | NetworkConfig | nn.Module,
    data: str | Data = "digits",
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    device: torch.device | str | None = None,
    batches: Batches | None = None,
) -> Training:
    """Train a network, one record per step: `pandas.DataFrame(train("resnet20", "digits"))`.

    The layers at the recipe's probes (likewise `blocks`):

        training = train("resnet20", "digits")
        rows = [row for record in training if training.probe_due for row in training.probe().layers]
        layers = pandas.DataFrame(rows)  # the columns of `tables.LIVE_LAYERS`

    Args:
        network: a name or configuration, built for the data with `seed`; or a network, trained in place.
        data: a name, or the result of `load_data`.
        recipe: None takes the default recipe.
        seed: of initial weights, training subset, data order and augmentation.
        device: None takes the accelerator that PyTorch finds, else the CPU.
        batches: batches shared with another network of the same recipe and seed, trained in lockstep.

    Returns:
        An iterator of `Record`, one per step from 0 to `recipe.steps`; its `network` is the network.

    Raises:
        UnknownName, BadSettings: an unknown name or a setting that does not fit.
        DataMissing: the data set is not on this machine.
        TrainingFailed: while iterating, if the loss is not finite.
    """
    recipe = recipe or Recipe()
    chosen = torch.device(device) if device is not None else best_device()
    if batches is None:
        loaded = load_data(data, recipe.image_size) if isinstance(data, str) else data
        batches = batches_for(loaded, recipe, seed, chosen)
    if not isinstance(network, nn.Module):
        network = build(network, classes=len(batches.data.classes), channels=batches.data.channels, seed=seed)
    require_channels(network, batches.data)
    size = batches.data.image_size
    precision = best_precision(chosen, size) if recipe.precision == "auto" else recipe.precision
    if isinstance(network, Network):
        require_trainable(network.config, recipe, size)
        require_step_memory(network.config, recipe, size)
        network.normalisation = recipe.normalisation
        network.recompute = recomputes(
            network.config, batch_size=batches.batch_size, image_size=size, precision=precision, device=chosen
        )
    elif recipe.stochastic_depth:
        raise BadSettings(
            f"`stochastic_depth` (={recipe.stochastic_depth}) is for the networks of `explorer.build`; `network` is a "
            f"{type(network).__name__}. Set it to 0."
        )
    return Training(network, batches, recipe, device=chosen, precision=precision)


def batches_for(data: Data, recipe: Recipe, seed: int, device: torch.device) -> Batches:
    """The batches of a recipe and seed, to be shared by networks in lockstep."""
    return Batches(
        data,
        batch_size=recipe.batch_size,
        train_images=recipe.train_images,
        augment=recipe.augment,
        normalisation=recipe.normalisation,
        seed=seed,
        device=device,
    )
