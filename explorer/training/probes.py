"""Probes: measurements of all layers and blocks during training, by a forward and backward pass over a fixed batch."""

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.recording import (
    BlockFlow,
    Response,
    record_block_flows,
    record_response_gradients,
    record_responses,
    working_copy,
)
from explorer.results import Precision


@dataclass(frozen=True, slots=True)
class LiveLayer:
    """One layer at a step, with the columns of `tables.LIVE_LAYERS`; None if not finite."""

    step: int
    layer: int
    name: str
    stage: int
    block: int
    response_std: float | None
    response_mean: float | None
    zeros: float | None
    gradient_norm: float | None
    response_gradient: float | None


@dataclass(frozen=True, slots=True)
class LiveBlock:
    """One block at a step, with the columns of `tables.LIVE_BLOCKS`; None if not finite."""

    step: int
    stage: int
    block: int
    branch_ratio: float | None
    cosine: float | None
    gamma: float | None
    shortcut_share: float | None


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a probe, in order of depth; no blocks if they have no attribute `shortcut`."""

    layers: list[LiveLayer]
    blocks: list[LiveBlock]


def probe(network: nn.Module, images: Tensor, labels: Tensor, *, step: int, precision: Precision = "fp32") -> Probe:
    """Measure a network as in a training step on these images.

    The loss is the mean cross-entropy of the batch; batch norm takes its statistics from the batch. Computed on a copy,
    and the state of the random number generators is restored, so that the training is not affected.

    Args:
        network: one of this program or another convolutional one.
        images: (N, C, H, W), at least two, normalised for `network`, on its device.
        labels: (N,), classes.
        step: updates made so far, for the rows.
        precision: that of the training.
    """
    copy = working_copy(network, "batch")
    with (
        torch.random.fork_rng([images.device] if images.is_cuda else []),
        torch.enable_grad(),
        record_responses(copy) as responses,
        record_block_flows(copy) as flows,
        record_response_gradients(copy) as gradients,
    ):
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
            scores = copy(images)
        functional.cross_entropy(scores.float(), labels).backward()  # type: ignore[no-untyped-call]
    return Probe(
        layers=[_layer(step, response, gradients.get(response.layer.number)) for response in responses],
        blocks=[_block(step, flow) for flow in flows],
    )


def _layer(step: int, response: Response, response_gradient: float | None) -> LiveLayer:
    layer = response.layer
    gradient = layer.module.weight.grad
    return LiveLayer(
        step,
        layer.number,
        layer.name,
        layer.stage,
        layer.block,
        _finite(response.moments.std),
        _finite(response.moments.mean),
        _finite(response.zeros),
        None if gradient is None else _finite(torch.linalg.vector_norm(gradient.float()).item()),
        _finite(response_gradient),
    )


def _block(step: int, flow: BlockFlow) -> LiveBlock:
    block = flow.block
    values = (flow.ratio, flow.cosine, flow.gamma, flow.shares[0])
    return LiveBlock(step, block.stage, block.block, *map(_finite, values))


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
