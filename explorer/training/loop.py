"""The training loop, as an iterator of records."""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.data.batches import Batches
from explorer.data.pixels import Data, load_data
from explorer.errors import BadSettings, TrainingFailed
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build
from explorer.results import Precision
from explorer.runs.snapshots import is_snapshot_step
from explorer.training.captured import CapturedStep
from explorer.training.descent import Descent
from explorer.training.devices import best_device, best_precision, memory_format
from explorer.training.evaluation import error_and_loss, require_channels
from explorer.training.memory import recomputes, require_step_memory
from explorer.training.plan import require_trainable
from explorer.training.probes import Probe, probe
from explorer.training.recipe import LAST_TRAIN_IMAGES, PROBE_IMAGES, Recipe
from explorer.training.schedules import GENTLE_START_DEPTH, GENTLE_START_ERROR
from explorer.training.stochastic_depth import branch_factors, branches_left_out

ERROR_MEMORY = 0.95  # of the running mean of batch errors that ends the gentle start: about 20 steps
BLOCK_STEPS = 16  # on an accelerator
BLOCK_SECONDS = 0.5  # of a longer block of large networks, since requests to pause are followed after a block


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
    """An iterator that trains a network: `next` gives the record of the next step.

    The first record is that of the untrained network (step 0, evaluated), the last that of step `recipe.steps`.
    The batch of a step depends on the seed and the step alone, so `state` and `restore` are sufficient to resume
    exactly, bit-identical on a CPU with the same number of threads.

    Steps are made in blocks, whose losses and errors are fetched together, since waiting for an accelerator after every
    step would take longer than the step. A block ends where the recipe evaluates or probes and where snapshots are
    kept, so there the network is that of `step`; on a CPU a block is one step.

    Attributes:
        network: the network on `device`, in training mode between steps; inside a block it is ahead of `step`.
        seconds: spent on the steps made so far.
        started: whether the record of step 0 was given.

    Raises:
        TrainingFailed: from `next`, if the loss is not finite. In a block of one step, the weights are those before
            that step; in longer ones they are past it and of no use, and `state` raises too.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        recipe: Recipe,
        *,
        device: torch.device,
        precision: Precision,
        block_steps: int | None = None,
    ) -> None:
        self.network = network.to(device=device, memory_format=memory_format(network)).train()  # type: ignore[call-overload]
        self.batches = batches
        self.recipe = recipe
        self.precision = precision
        self.seconds = 0.0
        self.block_steps = block_steps or (1 if device.type == "cpu" else BLOCK_STEPS)
        self._step_seconds = BLOCK_SECONDS  # in the last block; the first one is a single step
        self._updates = 0
        self._ready: deque[Record] = deque()  # of updates made whose records were not given yet
        # A captured step reads its learning rate from the device's memory.
        self._rate = torch.tensor(recipe.learning_rate, device=device) if device.type == "cuda" else None
        self._descent = Descent(self.network.parameters(), momentum=recipe.momentum, weight_decay=recipe.weight_decay)
        depth = getattr(getattr(network, "config", None), "depth", 0)
        self._gentle = recipe.schedule == "he2015" and depth >= GENTLE_START_DEPTH
        self._mean_error = 1.0
        self.started = False
        self._marker = (0, 0.0)  # step and seconds at the last evaluation
        self._train_sample = batches.train_sample(recipe.evaluate_images)
        self._test_sample = batches.test_sample(recipe.evaluate_images)
        self._probe_sample = batches.train_sample(PROBE_IMAGES)
        self._captured = self._to_capture()

    def __next__(self) -> Record:
        if self._updates == 0 and not self.started:
            self.started = True
            train_error, test_error = self._evaluation()
            return Record(0, train_error=train_error, test_error=test_error)
        if not self._ready:
            if self._updates >= self.recipe.steps:
                raise StopIteration
            self._make_block()
        _require_finite(self._ready[0].step, self._ready[0].loss)
        return self._ready.popleft()

    @property
    def step(self) -> int:
        """The step of the last record given."""
        return self._updates - len(self._ready)

    @property
    def capture_failure(self) -> str:
        """Why the step could not be captured in a CUDA graph, which makes it slower; empty if it was, or is not to."""
        return self._captured.failure if self._captured else ""

    @property
    def recomputes(self) -> bool:
        """Whether activation checkpointing is used, to save memory."""
        return isinstance(self.network, Network) and self.network.recompute

    @property
    def probe_due(self) -> bool:
        """Whether the recipe has a `probe` at this step."""
        return self._probes_at(self.step)

    def probe(self) -> Probe:
        """Measure layers and blocks on a fixed class-balanced batch of training images, not augmented.

        Possible at any step, whatever the recipe, inside a block at its end; the training is not affected.
        """
        images, labels = next(iter(self._probe_sample))
        return probe(self.network, images, labels, step=self._updates, precision=self.precision)

    def state(self) -> dict[str, Any]:
        """The complete state of the training: step, weights and buffers, optimiser, gentle start, time.

        Inside a block, also the records of the steps until its end.

        Raises:
            TrainingFailed: the loss of one of these steps is not finite.
        """
        for record in self._ready:
            _require_finite(record.step, record.loss)
        return {
            "step": self.step,
            "network": {name: tensor.detach().cpu() for name, tensor in self.network.state_dict().items()},
            "optimiser": self._descent.state(),
            "gentle": self._gentle,
            "mean_error": self._mean_error,
            "seconds": self.seconds,
            "ready": [astuple(record) for record in self._ready],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a `state`."""
        self.network.load_state_dict(state["network"])
        self._descent.restore(state["optimiser"])
        self._captured = self._to_capture()  # momenta have moved
        self._ready = deque(Record(*each) for each in state.get("ready", ()))  # states of earlier versions have none
        self._updates = state["step"] + len(self._ready)
        self.seconds = state["seconds"]
        self._gentle = state["gentle"]
        self._mean_error = state["mean_error"]
        self._marker = self._updates, self.seconds
        self.started = True

    def _make_block(self) -> None:
        """Make the steps of a block, and then fetch their values: the only time that it waits for the device."""
        start, first = time.perf_counter(), self._updates
        rates, values = [], []
        for step in range(first, self._block_end()):
            rates.append(self.recipe.learning_rate_at(step, gentle=self._gentle))
            values.append(self._update(rates[-1]))
            self._updates += 1
        fetched = torch.stack(values).tolist()
        self._step_seconds = (time.perf_counter() - start) / len(values)
        for step, (rate, (loss, batch_error)) in enumerate(zip(rates, fetched, strict=True), start=first + 1):
            self.seconds += self._step_seconds
            self._mean_error = ERROR_MEMORY * self._mean_error + (1 - ERROR_MEMORY) * batch_error
            self._gentle = self._gentle and self._mean_error >= GENTLE_START_ERROR
            self._ready.append(Record(step, loss, batch_error, rate, self.seconds))
        if self.recipe.evaluates_at(self._updates) and all(math.isfinite(loss) for loss, _ in fetched):
            steps, seconds = self._updates - self._marker[0], self.seconds - self._marker[1]
            self._marker = self._updates, self.seconds
            train_error, test_error = self._evaluation()
            speed = steps * self.batches.batch_size / seconds
            self._ready[-1] = replace(
                self._ready[-1], train_error=train_error, test_error=test_error, images_per_second=speed
            )

    def _block_end(self) -> int:
        """The step after which the values of the next block are fetched."""
        if self._gentle:  # the rate of a step depends on the error of the one before
            return self._updates + 1
        count = min(self.block_steps, max(1, int(BLOCK_SECONDS / self._step_seconds)))
        last = min(self._updates + count, self.recipe.steps)
        return next((step for step in range(self._updates + 1, last) if self._stops_at(step)), last)

    def _stops_at(self, step: int) -> bool:
        """Whether the weights after `step` updates are needed."""
        return self.recipe.evaluates_at(step) or self._probes_at(step) or is_snapshot_step(step, self.recipe.steps)

    def _probes_at(self, step: int) -> bool:
        return self.recipe.probes_at(step, accelerated=self.batches.device.type != "cpu")

    def _update(self, rate: float) -> Tensor:
        """Update the network; gives the loss and the batch error, on the device."""
        images, labels = self.batches.batch(self._updates)
        if self._captured and self._rate is not None:
            self._rate.fill_(rate)
            return self._captured(images, labels)
        with self._stochastic_depth():
            return self._update_by(images, labels, rate)

    def _update_by(self, images: Tensor, labels: Tensor, rate: float | Tensor) -> Tensor:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            scores = self.network(images)
        loss = functional.cross_entropy(scores.float(), labels)
        values = torch.stack([loss.detach(), (scores.argmax(1) != labels).float().mean()])
        if self.block_steps == 1:
            values = values.cpu()
            _require_finite(self._updates + 1, values[0].item())
        self._descent.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        self._descent.step(rate)
        return values

    def _to_capture(self) -> CapturedStep | None:
        """The step as a CUDA graph; None where it differs from step to step, or waits for the device."""
        changes = self.recipe.stochastic_depth or self.block_steps == 1
        if self._rate is None or changes:
            return None
        return CapturedStep(partial(self._update_by, rate=self._rate))

    def _stochastic_depth(self) -> AbstractContextManager[None]:
        """Drops branches in the forward and the backward pass of a step, if the recipe has stochastic depth."""
        last = self.recipe.stochastic_depth
        if not last or not isinstance(self.network, Network):
            return nullcontext()
        blocks = self.network.blocks
        return branches_left_out(blocks, branch_factors(len(blocks), last, self.batches.seed, self._updates))

    def _evaluation(self) -> tuple[float, float]:
        """Training and test error on the fixed samples, at the end on larger ones."""
        seen, unseen = self._train_sample, self._test_sample
        if self._updates == self.recipe.steps:
            last = self.recipe.last_images
            seen = self.batches.train_sample(last or LAST_TRAIN_IMAGES)
            unseen = self.batches.test_sample(last) if last else self.batches.test_set()
        train_error, _ = error_and_loss(self.network, seen, self.precision)
        test_error, _ = error_and_loss(self.network, unseen, self.precision)
        return train_error, test_error


def _require_finite(step: int, loss: float | None) -> None:
    """Raise TrainingFailed if the loss of a step is not finite."""
    if loss is not None and not math.isfinite(loss):
        raise TrainingFailed(
            f"The loss is not finite (={loss}) at step {step}. Try a lower learning rate or a warm-up."
        )


def train(
    network: str | NetworkConfig | nn.Module,
    data: str | Data = "digits",
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    device: torch.device | str | None = None,
    batches: Batches | None = None,
    block_steps: int | None = None,
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
        block_steps: steps whose losses and errors are fetched together; None: 1 on a CPU, 16 on an accelerator.

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
    return Training(network, batches, recipe, device=chosen, precision=precision, block_steps=block_steps)


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
