"""What training costs here: how long an experiment will take, and what one network needs."""

import time
from threading import Lock
from typing import TypedDict

import torch
from torch import nn
from torch.nn import functional

from explorer.models.config import NetworkConfig, depth_of
from explorer.models.network import build
from explorer.models.size import multiply_adds
from explorer.results import Estimate, NetworkCost, Precision
from explorer.training.devices import best_device, best_precision, threads, training_threads
from explorer.training.memory import available_bytes, recomputes, training_bytes
from explorer.training.plan import Plan
from explorer.training.recipe import LAST_TRAIN_IMAGES
from explorer.training.stochastic_depth import computed_share

MEASURE_SECONDS = 2.0  # for all networks of a plan together
STEP_SECONDS = 0.6  # that a measured step may take even where there are many networks
MEASURE_PIXELS = 32 * 32 * 32  # from about here on a step's time grows in proportion to its images
MEASURE_BLOCKS = range(9, 1, -1)  # of a stage, as many as MEASURE_WORK allows; the rest is in proportion to the work
MEASURE_WORK = 2.5e9  # multiply-adds for an image, about two seconds for a step of two images on one CPU thread
FEW = 2  # images: batch norm needs two
RECOMPUTE_COST = 1.45  # measured; a forward pass more beside one and a backward pass of two would be 4/3
_MEASURING = Lock()  # two measurements at once would slow each other


class Step(TypedDict):
    """What the memory of a training step depends on, beside the network."""

    batch_size: int
    image_size: int
    precision: Precision


def time_estimate(plan: Plan) -> Estimate:
    """Time a few steps of each network of `plan` on random images of the right size.

    A plain network and its residual twin with option A are timed once: zeros and sums cost next to nothing.
    """
    recipe, row = plan.recipe, plan.dataset
    size = recipe.image_size or row.sizes[0]
    device = best_device()
    precision = best_precision(device, size) if recipe.precision == "auto" else recipe.precision
    configs = plan.network_configs()
    measured = {_twin(config) for config in configs}
    budget = MEASURE_SECONDS / len(measured)
    with _MEASURING, threads(training_threads(device)):
        costs = {
            config: _seconds_per_image(config, size, recipe.batch_size, precision, device, budget)
            for config in measured
        }
    evaluations = sum(recipe.evaluates_at(step) for step in range(recipe.steps + 1))
    evaluated = (evaluations - 1) * 2 * min(recipe.evaluate_images, row.test_images)
    evaluated += min(recipe.last_images or row.test_images, row.test_images)
    evaluated += min(recipe.last_images or LAST_TRAIN_IMAGES, recipe.train_images or row.train_images)
    accelerated = device.type != "cpu"
    probes = sum(recipe.probes_at(step, accelerated=accelerated) for step in range(recipe.steps + 1))
    steps = recipe.steps + probes * recipe.probe_cost(accelerated=accelerated)
    step = Step(batch_size=recipe.batch_size, image_size=size, precision=precision)
    total, step_seconds = 0.0, {}
    for config in configs:
        training, evaluation = costs[_twin(config)]
        training *= RECOMPUTE_COST if recomputes(config, **step, device=device) else 1
        training *= computed_share(sum(config.stage_blocks), recipe.stochastic_depth)
        step_seconds[config.name] = training * recipe.batch_size
        total += step_seconds[config.name] * steps + evaluation * evaluated
    return Estimate(total * len(plan.seeds), step_seconds, precision)


def network_cost(config: NetworkConfig, *, image_size: int | None = None, batch_size: int = 128) -> NetworkCost:
    """Time a network for some two seconds, and compute the memory that a training step needs.

    Args:
        config: which network.
        image_size: side in pixels; None takes that which such networks are made for.
        batch_size: images a step.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    size = config.image_size if image_size is None else image_size
    device = best_device()
    precision = best_precision(device, size)
    step = Step(batch_size=batch_size, image_size=size, precision=precision)
    twice = recomputes(config, **step, device=device)
    with _MEASURING, threads(training_threads(device)):
        training, evaluation = _seconds_per_image(config, size, batch_size, precision, device, MEASURE_SECONDS)
    return NetworkCost(
        step_seconds=training * batch_size * (RECOMPUTE_COST if twice else 1),
        evaluation_seconds=evaluation,
        training_bytes=training_bytes(config, **step),
        recomputed_bytes=training_bytes(config, **step, recompute=True),
        recomputes=twice,
        available_bytes=available_bytes(device),
        device=device.type,
        precision=precision,
    )


def _twin(config: NetworkConfig) -> NetworkConfig:
    """The network whose time stands for this one's."""
    return config.model_copy(update={"shortcut": "A"}) if config.kind == "plain" else config


def _shortened(config: NetworkConfig, image_size: int) -> NetworkConfig:
    """The network that is measured: with fewer blocks where a stage has many, or they cost much.

    Blocks of a stage cost the same; not those of dense networks, which become wider and wider.
    """
    if config.dense:
        return config
    for most in MEASURE_BLOCKS:
        stages = tuple(min(count, most) for count in config.stage_blocks)
        changes = {"stages": stages, "depth": depth_of(config.block, stages, config.stem)}
        shorter = NetworkConfig(**(config.model_dump() | changes))
        if multiply_adds(shorter, image_size) <= MEASURE_WORK:
            break
    return shorter


def _seconds_per_image(
    config: NetworkConfig, image_size: int, batch_size: int, precision: Precision, device: torch.device, budget: float
) -> tuple[float, float]:
    """Seconds an image takes in training and in evaluation: the quickest of the steps that fit into `budget`.

    A step of two images tells how many can be afforded; where those take all the time, they have to do.
    """
    measured = _shortened(config, image_size)
    longer = multiply_adds(config, image_size) / multiply_adds(measured, image_size)
    network = build(measured).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, fused=True)
    most = max(FEW, min(batch_size, MEASURE_PIXELS // image_size**2))
    images = torch.randn(most, config.channels, image_size, image_size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(most, dtype=torch.long, device=device)

    def seconds(count: int, optimiser: torch.optim.Optimizer | None = optimiser) -> float:
        return _timed_step(network, images[:count], labels[:count], precision, optimiser)

    end = time.perf_counter() + budget
    count, training = FEW, [seconds(FEW)]
    if time.perf_counter() < end:  # the first is slower: kernels are chosen
        training = [seconds(FEW)]
        affordable = max(end - time.perf_counter(), STEP_SECONDS) / 2 / training[0]
        if (count := max(FEW, min(most, int(affordable * FEW)))) > FEW:
            seconds(count)
            training = [seconds(count)]
    while time.perf_counter() < end:
        training.append(seconds(count))
    with torch.inference_mode():
        network.eval()
        evaluation = seconds(count, None)
    return min(training) / count * longer, evaluation / count * longer


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
