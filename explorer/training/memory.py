"""Memory of a training step, computed from the configuration alone; importing this does not import torch."""

from itertools import accumulate
from typing import TYPE_CHECKING

from explorer.machine import available_memory
from explorer.models.activations import TRANSIENT, kept_values, segments
from explorer.models.config import NetworkConfig
from explorer.models.size import parameter_count, require_memory
from explorer.models.structure import block_shapes, layer_shapes
from explorer.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from explorer.results import Precision

SHARE = 0.6  # of the free memory that a step may take; the rest is for other programs and what is not counted
VALUE_BYTES = {"fp32": 4, "bf16": 2}
WEIGHT_BYTES = {"fp32": 12, "bf16": 14}  # a weight, its gradient and its momentum; its copy in half precision
# Heap fragmentation: bytes of the process per byte in use, without and with recomputation, for allocations that malloc
# does not return to the system: measured on Linux 1.25 to 1.5 with ResNet-20, -56, -110 and DenseNet-40, and 1.5 to 4.4
# with those and ResNet-1202. Larger allocations, at the latest from 32 MiB on, are returned at once.
HOLES = {False: 1.5, True: 4.5}
GIVEN_BACK = 32 * 2**20


def training_bytes(
    config: NetworkConfig,
    *,
    batch_size: int,
    image_size: int | None = None,
    precision: "Precision" = "fp32",
    recompute: bool = False,
) -> int:
    """Memory of a training step: weights, gradients, momentum, and the activations kept for the backward pass.

    Args:
        batch_size: images per step.
        image_size: side in pixels; None takes the usual one of such networks.
        recompute: with activation checkpointing, see `models.recomputation`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    kept = _kept_when_recomputed(config, image_size) if recompute else sum(kept_values(config, image_size).values())
    largest = max(each.width * each.side**2 for each in layer_shapes(config, image_size))
    value_bytes = batch_size * VALUE_BYTES[precision]
    held = (kept + TRANSIENT * largest) * value_bytes
    if largest * value_bytes < GIVEN_BACK:
        held = round(held * HOLES[recompute])
    return parameter_count(config) * WEIGHT_BYTES[precision] + held


def require_step_memory(config: NetworkConfig, recipe: Recipe, image_size: int) -> None:
    """Raise BadSettings if a training step takes many times the memory of this machine, even with checkpointing."""
    precisions: tuple[Precision, ...] = ("fp32",) if recipe.precision == "fp32" else ("fp32", "bf16")
    needed = min(
        training_bytes(
            config, batch_size=recipe.batch_size, image_size=image_size, precision=precision, recompute=recompute
        )
        for precision in precisions
        for recompute in (False, True)
    )
    require_memory(config, needed, to=f"a training step of {recipe.batch_size:,} images of {image_size} pixels")


def available_bytes(device: "torch.device") -> int:
    """Free memory of the device."""
    if device.type == "cpu":
        return available_memory()
    import torch

    return int(torch.accelerator.get_memory_info(device)[0])


def recomputes(
    config: NetworkConfig, *, batch_size: int, image_size: int, precision: "Precision", device: "torch.device"
) -> bool:
    """Whether training uses activation checkpointing, since a step would take too much of the free memory."""
    once, again = (
        training_bytes(config, batch_size=batch_size, image_size=image_size, precision=precision, recompute=recompute)
        for recompute in (False, True)
    )
    return again < once and once > SHARE * available_bytes(device)


def _kept_when_recomputed(config: NetworkConfig, image_size: int | None) -> int:
    """Values kept per image: outside of blocks, the inputs of segments, and the inside of the largest segment."""
    kept = kept_values(config, image_size)
    shapes = block_shapes(config)
    inside = {shape.name: 0 for shape in shapes}
    for name, count in kept.items():
        if (block := ".".join(name.split(".")[:3])) in inside:
            inside[block] += count
    outside = sum(kept.values()) - sum(inside.values())
    sides = {(each.stage, each.block): each.side for each in layer_shapes(config, image_size) if not each.off_main_path}
    inputs = []
    for shape in shapes:
        stride = 1 if shape.kind == "transition" else shape.stride  # a transition convolves before it pools
        inputs.append(shape.in_width * (sides[shape.stage, shape.block] * stride) ** 2)
    until = [0, *accumulate(inside.values())]
    parts = segments(len(shapes))
    return (
        outside
        + sum(inputs[part.start] for part in parts)
        + max(until[part.stop] - until[part.start] for part in parts)
    )
