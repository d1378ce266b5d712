"""How long an experiment will take here, from a short measurement of its own networks."""

import time
from dataclasses import dataclass
from threading import Lock

import torch
from torch import nn
from torch.nn import functional

from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.training.devices import Precision, best_device, best_precision, threads, training_threads
from explorer.training.plan import Plan
from explorer.training.recipe import LAST_TRAIN_IMAGES

MEASURE_SECONDS = 2.0  # for all networks of a plan together
MEASURE_PIXELS = 32 * 32 * 32  # from about here on a step's time grows in proportion to its images
_MEASURING = Lock()  # two measurements at once would slow each other


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected time of an experiment; start-up (a few seconds) and other work on the machine not counted.

    Attributes:
        seconds: all networks and seeds, with evaluations and looks at the layers.
        step_seconds: one training step, by network name.
        precision: that was measured.
    """

    seconds: float
    step_seconds: dict[str, float]
    precision: Precision


def time_estimate(plan: Plan) -> Estimate:
    """Time a few steps of each network of `plan` on random images of the right size.

    Networks that differ in nothing but their shortcuts are timed once.
    """
    recipe, row = plan.recipe, plan.dataset
    size = recipe.image_size or row.sizes[0]
    device = best_device()
    precision = best_precision(device, size) if recipe.precision == "auto" else recipe.precision
    configs = plan.network_configs()
    costs: dict[tuple[int, int], tuple[float, float]] = {}
    with _MEASURING, threads(training_threads(device)):
        shapes = {(config.depth, config.width): config for config in configs}
        for shape, config in shapes.items():
            images = torch.randn(
                min(recipe.batch_size, MEASURE_PIXELS // size**2), config.channels, size, size, device=device
            )
            costs[shape] = _seconds_per_image(config, images, precision, MEASURE_SECONDS / len(shapes))
    evaluations = sum(recipe.evaluates_at(step) for step in range(recipe.steps + 1))
    evaluated = (evaluations - 1) * 2 * min(recipe.evaluate_images, row.test_images)
    evaluated += min(recipe.last_images or row.test_images, row.test_images)
    evaluated += min(recipe.last_images or LAST_TRAIN_IMAGES, recipe.train_images or row.train_images)
    accelerated = device.type != "cpu"
    probes = sum(recipe.probes_at(step, accelerated=accelerated) for step in range(recipe.steps + 1))
    steps = recipe.steps + probes * recipe.probe_cost(accelerated=accelerated)
    total, step_seconds = 0.0, {}
    for config in configs:
        training, evaluation = costs[config.depth, config.width]
        step_seconds[config.name] = training * recipe.batch_size
        total += step_seconds[config.name] * steps + evaluation * evaluated
    return Estimate(total * len(plan.seeds), step_seconds, precision)


def _seconds_per_image(
    config: NetworkConfig, images: torch.Tensor, precision: Precision, budget: float
) -> tuple[float, float]:
    """Seconds an image takes in training and in evaluation: the quickest of the steps that fit into `budget`."""
    network = build(config).to(device=images.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, fused=True)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    end = time.perf_counter() + budget
    _timed_step(network, images, labels, precision, optimiser)  # the first is slower: kernels are chosen
    training = [_timed_step(network, images, labels, precision, optimiser)]
    while time.perf_counter() < end:
        training.append(_timed_step(network, images, labels, precision, optimiser))
    with torch.inference_mode():
        evaluation = _timed_step(network.eval(), images, labels, precision, None)
    return min(training) / len(images), evaluation / len(images)


def _timed_step(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    precision: Precision,
    optimiser: torch.optim.Optimizer | None,
) -> float:
    start = time.perf_counter()
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
        scores = network(images)
    loss = functional.cross_entropy(scores.float(), labels)
    if optimiser is not None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    loss.item()  # waits for an accelerator
    return time.perf_counter() - start
