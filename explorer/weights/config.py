"""Infer the architecture of third-party weights from tensor shapes."""

from collections.abc import Sequence
from typing import Any

from explorer.errors import BadSettings
from explorer.models.config import DENSE_BOTTLENECK, EXPANSION, NetworkConfig, depth_of
from explorer.weights.layers import Part, Parts, runs


def config_of_parts(parts: Parts) -> NetworkConfig:
    """The network of a state dict; if several have the same weights, the one that `assumptions` describes.

    Args:
        parts: the layers of the state dict, see `weights.layers.parts_of`.

    Raises:
        BadSettings: the weights are of no network that can be built here; the message says what does not fit.
    """
    stem, body = _stem(parts.convolutions)
    if not body:
        raise BadSettings("These weights are of no network of the ResNet family: no convolution follows the stem.")
    first = parts.convolutions[0]
    settings = {
        **end_of(parts),
        "channels": first.shape[1],
        "stem": stem,
        "excitation": bool(parts.excitations),
    }
    width = parts.convolutions[2 if stem == "deep" else 0].width
    settings |= _dense(body, width) if _is_dense(body) else _residual(parts, body, width, stem)
    return NetworkConfig(**settings)


def end_of(parts: Parts) -> dict[str, Any]:
    """Settings of what follows the average pooling; one output tells two classes apart."""
    outputs = parts.classifier.width
    return {
        "classes": 2 if outputs == 1 else outputs,
        "sigmoid": outputs == 1,
        "head": tuple(part.width for part in parts.hidden),
    }


def assumptions(config: NetworkConfig) -> list[str]:
    """What was assumed about a network because weights do not show it, one sentence each, with the alternative."""
    found = []
    if config.shortcut == "A" and not config.dense:
        sentence = (
            f"Shortcuts without parameters have no weights: assumed {config.name}, with zero-padding where the shape "
            "changes (option A)."
        )
        if config.order == "post" and config.norm == "batch":  # all others need shortcuts
            plain = NetworkConfig(**(config.model_dump() | {"shortcut": "none"})).name
            sentence += f" If it has no shortcuts, name the network: {plain}."
        found.append(sentence)
    if config.block == "bottleneck" and config.stride_on == "3x3":
        first = NetworkConfig(**(config.model_dump() | {"stride_on": "1x1"})).name
        found.append(
            "Weights do not show strides: assumed on the 3×3 convolutions, as in torchvision. If they are on the "
            f"first 1×1, name the network: {first}."
        )
    if config.order == "pre" and config.shortcut in ("B", "D"):
        found.append(
            "Weights do not show where projections start: assumed after the block's first norm and ReLU, as in He et "
            "al. 2016."
        )
    return found


def _stem(convolutions: Sequence[Part]) -> tuple[str, Sequence[Part]]:
    """Kind of the stem, and the convolutions after it."""
    kernels = [part.kernel for part in convolutions[:3]]
    if kernels[0] == 7:
        return "large", convolutions[1:]
    if kernels == [3, 3, 3]:
        first, second, third = (part.width for part in convolutions[:3])
        if first == second and third == 2 * second:  # the second of two convolutions in a block keeps its width
            return "deep", convolutions[3:]
    return "small", convolutions[1:]


def _is_dense(body: Sequence[Part]) -> bool:
    """Whether layers concatenate their outputs to their inputs."""
    if body[0].kernel == 3:
        return len(body) > 1 and body[1].shape[1] == body[0].shape[1] + body[0].width != body[0].width
    return len(body) > 2 and body[2].shape[1] == body[0].shape[1] + body[1].width


def _dense(body: Sequence[Part], width: int) -> dict[str, Any]:
    block = "dense" if body[0].kernel == 3 else "dense-bottleneck"
    layers = 1 if block == "dense" else 2
    growth = body[layers - 1].width
    if block == "dense-bottleneck" and body[0].width != DENSE_BOTTLENECK * growth:
        raise BadSettings(
            f"The 1×1 convolutions of these dense layers give {body[0].width} channels for a growth of {growth}; here "
            f"they give {DENSE_BOTTLENECK} times the growth."
        )
    stages, place = [0], 0
    while place < len(body):
        if body[place].kernel == 1 and (block == "dense" or body[place].width != DENSE_BOTTLENECK * growth):
            stages.append(0)
            place += 1
        elif block == "dense-bottleneck" and place + 1 < len(body) and body[place + 1].kernel == 1:
            stages.append(0)  # a transition as wide as the 1x1 convolution of a layer
            place += 1
        else:
            stages[-1] += 1
            place += layers
    return {
        "depth": depth_of(block, tuple(stages), "small"),  # type: ignore[arg-type]
        "block": block,
        "shortcut": "none",
        "growth": growth,
        "stages": tuple(stages),
        "width": width,
    }


def _residual(parts: Parts, body: Sequence[Part], width: int, stem: str) -> dict[str, Any]:
    kernels = tuple(part.kernel for part in body)
    if set(kernels) == {3} and len(body) % 2 == 0:
        block, layers = "basic", 2
    elif kernels == (1, 3, 1) * (len(body) // 3):
        block, layers = "bottleneck", 3
    else:
        first = ", ".join(f"{kernel}x{kernel}" for kernel in kernels[:6])
        raise BadSettings(
            f"The {len(body)} convolutions after the stem form no blocks: these have two of 3×3, or 1×1, 3×3 and 1×1; "
            f"the first ones here are {first}."
        )
    widths = [part.width for part in body[layers - 1 :: layers]]
    stages = tuple(count for _, count in runs(widths))
    pre = parts.norms[-1].parent != parts.convolutions[-1].parent if parts.norms else False
    settings: dict[str, Any] = {
        "depth": depth_of(block, stages, stem),  # type: ignore[arg-type]
        "block": block,
        "stages": stages,
        "order": "pre" if pre else "post",
        "shortcut": _shortcut(parts, widths, width, stem),
    }
    if block == "basic":
        if not pre:
            return settings | {"width": widths[0]}
        return settings | {"width": width, "widen": max(1, widths[0] // width)}
    stage_width, inner = widths[0] // EXPANSION, body[1].width
    groups = max(1, inner // body[1].shape[1])
    return settings | {
        "width": stage_width,
        "groups": groups,
        "group_width": inner // groups if groups > 1 or inner != stage_width else 0,
    }


def _shortcut(parts: Parts, widths: Sequence[int], stem_width: int, stem: str) -> str:
    changing = sum(1 for before, after in zip([stem_width, *widths], widths, strict=False) if before != after)
    projections = len(parts.side_convolutions)
    if not projections:
        return "A"
    if projections == len(widths) > changing:
        return "C"
    # In timm a projection is the second module of a sequence if it follows a pooling, else the first
    places = {part.name.rpartition(".")[2] for part in parts.side_convolutions}
    return "D" if places == {"1"} or (stem == "deep" and places != {"0"}) else "B"
