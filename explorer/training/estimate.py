"""Measured estimates of the time of an experiment, and of the time and memory of one network."""

import time
from threading import Lock
from typing import TypedDict

import torch
from torch import nn
from torch.nn import functional

from explorer.machine import core_count
from explorer.models.config import NetworkConfig, depth_of
from explorer.models.network import build
from explorer.models.size import multiply_adds
from explorer.results import Estimate, NetworkCost, Precision
from explorer.training.descent import Descent
from explorer.training.devices import best_device, best_precision, memory_format, threads
from explorer.training.lanes import lanes_of_plan
from explorer.training.memory import available_bytes, recomputes, training_bytes
from explorer.training.plan import Plan
from explorer.training.recipe import LAST_TRAIN_IMAGES
from explorer.training.stochastic_depth import computed_share

MEASURE_SECONDS = 2.0  # for all networks of a plan together
STEP_SECONDS = 0.6  # of a measured step at most, however many networks there are
MEASURE_PIXELS = 32 * 32 * 32  # pixels of a batch from which the time of a step is proportional to its images
MEASURE_BLOCKS = range(9, 1, -1)  # measured per stage, as many as MEASURE_WORK allows; then scaled by multiply-adds
MEASURE_WORK = 2.5e9  # multiply-adds for an image, about two seconds for a step of two images on one CPU thread
FEW = 2  # images: batch norm needs two
LANE_COST = 1.15  # of a step beside other lanes, which share memory and caches: measured 1.1 to 1.2 with two
RECOMPUTE_COST = 1.45  # measured; 4/3 if the second forward pass cost half of the backward pass
_MEASURING = Lock()  # two measurements at once would slow each other down


class Step(TypedDict):
    """What the memory of a training step depends on, besides the network."""

    batch_size: int
    image_size: int
    precision: Precision


def time_estimate(plan: Plan, lanes: int = 0) -> Estimate:
    """Time a few steps of each network of `plan` on random images of the right size.

    Args:
        lanes: processes that will train at the same time; 0 takes as many as `training.lanes` chooses.

    A plain network and its residual twin with option A are timed once, since padding and sums take almost no time; so
    are networks that are the same when `_shortened`.
    """
    recipe, row = plan.recipe, plan.dataset
    size = recipe.image_size or row.sizes[0]
    device = best_device()
    precision = best_precision(device, size) if recipe.precision == "auto" else recipe.precision
    configs = plan.network_configs()
    timed = {config: _shortened(_twin(config), size) for config in configs}
    measured = set(timed.values())
    budget = MEASURE_SECONDS / len(measured)
    chosen = lanes_of_plan(plan, lanes)
    with _MEASURING, threads(chosen.threads):
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
    run_seconds, step_seconds = [], {}
    for config in configs:
        scale = multiply_adds(config, size) / multiply_adds(timed[config], size)
        training, evaluation = (scale * seconds for seconds in costs[timed[config]])
        training *= RECOMPUTE_COST if recomputes(config, **step, device=device) else 1
        training *= computed_share(sum(config.stage_blocks), recipe.stochastic_depth)
        step_seconds[config.name] = training * recipe.batch_size
        run_seconds.append(step_seconds[config.name] * steps + evaluation * evaluated)
    lane_seconds = [sum(run_seconds[run % len(configs)] for run in share) for share in chosen.shares]
    seconds = max(lane_seconds) * (LANE_COST if len(lane_seconds) > 1 else 1)
    return Estimate(seconds, step_seconds, precision, len(lane_seconds), chosen.threads)


def network_cost(config: NetworkConfig, *, image_size: int | None = None, batch_size: int = 128) -> NetworkCost:
    """Time a network for about two seconds, and compute the memory of a training step.

    Args:
        image_size: side in pixels; None takes the usual one of such networks.
        batch_size: images per step.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    size = config.image_size if image_size is None else image_size
    device = best_device()
    precision = best_precision(device, size)
    step = Step(batch_size=batch_size, image_size=size, precision=precision)
    twice = recomputes(config, **step, device=device)
    with _MEASURING, threads(core_count() if device.type == "cpu" else 1):
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
    """The network that is timed instead: for plain networks, the residual twin."""
    return config.model_copy(update={"shortcut": "A"}) if config.kind == "plain" else config


def _shortened(config: NetworkConfig, image_size: int) -> NetworkConfig:
    """The network with fewer blocks per stage, for timing.

    All blocks of a stage cost the same, except in dense networks, which become wider and are not shortened.
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
    """Seconds per image in training and in evaluation, from the fastest of the steps that fit into `budget`.

    The size of the batch is chosen by timing a step of two images; if that takes the whole budget, it is the result.
    """
    measured = _shortened(config, image_size)
    scale = multiply_adds(config, image_size) / multiply_adds(measured, image_size)
    network = build(measured)
    order = memory_format(network)
    network = network.to(device=device, memory_format=order)  # type: ignore[call-overload]
    descent = Descent(network.parameters(), momentum=0.9, weight_decay=1e-4)
    most = max(FEW, min(batch_size, MEASURE_PIXELS // image_size**2))
    images = torch.randn(most, config.channels, image_size, image_size, device=device)
    images = images.contiguous(memory_format=order)
    labels = torch.zeros(most, dtype=torch.long, device=device)

    def seconds(count: int, descent: Descent | None = descent) -> float:
        return _timed_step(network, images[:count], labels[:count], precision, descent)

    end = time.perf_counter() + budget
    count, training = FEW, [seconds(FEW)]
    if time.perf_counter() < end:  # the first step is slower, since kernels are selected
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
    return min(training) / count * scale, evaluation / count * scale


def _timed_step(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    precision: Precision,
    descent: Descent | None,
) -> float:
    start = time.perf_counter()
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
        scores = network(images)
    loss = functional.cross_entropy(scores.float(), labels)
    if descent is not None:
        descent.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        descent.step(0.0)
    loss.item()  # synchronises with an accelerator
    return time.perf_counter() - start
