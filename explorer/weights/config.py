"""Infer the architecture of third-party weights from tensor shapes."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

from explorer.errors import BadSettings
from explorer.models.config import (
    DENSE_BOTTLENECK,
    EXCITATION_REDUCTION,
    EXPANSION,
    NORM_GROUPS,
    NetworkConfig,
    depth_of,
)
from explorer.models.names import DEEP_STEMS
from explorer.weights.layers import Part, Parts, paths_start_alike, place_on_shortcut


def config_of_parts(parts: Parts) -> NetworkConfig:
    """The network of a state dict; if several have the same weights, see `weights.choices.alternatives`.

    Args:
        parts: the layers of the state dict, see `weights.layers.parts_of`.

    Raises:
        BadSettings: the weights are of no network that can be built here; the message says what does not fit.
    """
    stem, body = _stem(parts.convolutions)
    if not body:
        raise BadSettings("These weights are of no network of the ResNet family: no convolution follows the stem.")
    settings = {
        "classes": parts.classifier.width,
        "channels": parts.convolutions[0].shape[1],
        "stem": stem,
        "norm": _norm(parts),
    }
    width = parts.convolutions[2 if stem in DEEP_STEMS else 0].width
    if _is_dense(body):
        settings |= _dense(body, parts.norms, width, stem)
    else:
        settings |= _residual(parts, body, width, stem)
    return NetworkConfig(**settings)


def _stem(convolutions: Sequence[Part]) -> tuple[str, Sequence[Part]]:
    """Kind of the stem, and the convolutions after it."""
    kernels = [part.kernel for part in convolutions[:3]]
    if kernels[0] == 7:
        return "large", convolutions[1:]
    if kernels == [3, 3, 3]:
        first, second, third = (part.width for part in convolutions[:3])
        if third == 2 * second and first in (second, 3 * third // 8):  # a block's second convolution keeps its width
            return "deep" if first == second else "tiered", convolutions[3:]
    return "small", convolutions[1:]


def _norm(parts: Parts) -> str:
    if not parts.norms or any("running_mean" in part.tensors for part in parts.norms):
        return "batch"
    odd = next((part for part in parts.norms if part.width % NORM_GROUPS), None)
    if odd is None:
        return "group"
    raise BadSettings(
        f"The norms of these weights, such as {parts.norms[0].name}, have no running statistics (running_mean and "
        f"running_var). They are not those of batch norm; nor of group norm with {NORM_GROUPS} groups, since "
        f"{odd.name} has {odd.width} channels. Save `model.state_dict()`, which has the statistics, rather than "
        "`named_parameters()`, which has not."
    )


def _is_dense(body: Sequence[Part]) -> bool:
    """Whether layers concatenate their outputs to their inputs."""
    if body[0].kernel == 3:
        return len(body) > 1 and body[1].shape[1] == body[0].shape[1] + body[0].width != body[0].width
    return len(body) > 2 and body[2].shape[1] == body[0].shape[1] + body[1].width


def _dense(body: Sequence[Part], norms: Sequence[Part], width: int, stem: str) -> dict[str, Any]:
    if stem in DEEP_STEMS:
        raise BadSettings(
            "The stem of these dense layers has three convolutions; dense networks here have one, of 3×3 or 7×7, as in "
            "Huang et al. 2017."
        )
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
    _require_relu_in_transitions(norms, body)
    return {
        "depth": depth_of(block, tuple(stages), "small"),  # type: ignore[arg-type]
        "block": block,
        "shortcut": "none",
        "growth": growth,
        "stages": tuple(stages),
        "width": width,
    }


def _require_relu_in_transitions(norms: Sequence[Part], body: Sequence[Part]) -> None:
    """Raise BadSettings if a norm is right before a 1x1 convolution in one sequence, as in weiaicunzai's DenseNet."""
    for norm in norms:
        place = norm.name.rpartition(".")[2]
        if place.isdecimal() and any(
            part.kernel == 1 and part.name == f"{norm.parent}.{int(place) + 1}" for part in body
        ):
            raise BadSettings(
                f"Norm {norm.name} and the 1×1 convolution after it are next to each other in one sequence, so no ReLU "
                "is between them, as there is in the dense networks here. Train one with a ReLU in its transitions, as "
                "in Huang et al. 2017."
            )


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
    blocks = [body[place : place + layers] for place in range(0, len(body), layers)]
    projecting = _projecting(parts, blocks)
    widths = [each[-1].width for each in blocks]
    changes = [before != after for before, after in pairwise([width, *widths])]
    everywhere = sorted(projecting) == list(range(len(blocks))) and not all(changes)
    # a stage starts where the width changes, or where a projection tells that the image size does
    told = set() if everywhere else set(projecting)
    starts = [place for place in range(1, len(blocks)) if changes[place] or place in told]
    stages = tuple(end - start for start, end in pairwise([0, *starts, len(blocks)]))
    settings: dict[str, Any] = {
        "depth": depth_of(block, stages, stem),  # type: ignore[arg-type]
        "block": block,
        "stages": stages,
        "width": width,
        "shortcut": _shortcut(parts, blocks, projecting, stem, everywhere=everywhere),
    }
    order = _order(parts, body)
    expansion = EXPANSION if block == "bottleneck" else 1
    settings |= order | _widths([widths[place] // expansion for place in (0, *starts)], width, order, block)
    if block == "bottleneck":
        settings |= _groups([blocks[place][1] for place in (0, *starts)], settings)
    elif 0 in told and widths[0] == width:
        settings["first_projection"] = True
    elif settings.get("end_norm") is False and stem == "small" and "stem_norm" not in settings and widths[0] == width:
        settings["shortcut_start"] = "projection"  # as in kuangliu's, the usual network without a norm at the end
    return settings | _excitation(parts)


def _projecting(parts: Parts, blocks: Sequence[Sequence[Part]]) -> list[int]:
    """The block of each projection: that whose convolutions have the most of its name."""
    return [
        max(range(len(blocks)), key=lambda place: paths_start_alike(side.name, blocks[place][0].name))
        for side in parts.side_convolutions
    ]


def _shortcut(
    parts: Parts, blocks: Sequence[Sequence[Part]], projecting: Sequence[int], stem: str, *, everywhere: bool
) -> str:
    if not projecting:
        return "A"
    if everywhere:
        return "C"
    # A projection is the second module of a sequence if it follows a pooling, else the first; in the first block
    # nothing is pooled
    places = {
        place_on_shortcut(part.name)
        for part, block in zip(parts.side_convolutions, projecting, strict=True)
        if block > 0 or len(projecting) == 1
    }
    return "D" if places == {"1"} or (stem in DEEP_STEMS and places != {"0"}) else "B"


def _order(parts: Parts, body: Sequence[Part]) -> dict[str, Any]:
    """Whether norms come before or after the convolutions of a block, from their widths.

    In pre-activation networks they have the widths of the convolutions' inputs; the stem and the end may have one too.
    """
    norms = [part.width for part in parts.norms]
    stem = [part.width for part in parts.convolutions[: -len(body)]]
    after = [part.width for part in body]
    before = [stem[-1], *after[:-1]]
    fitting = [("post", True, True)] if norms == [*stem, *after] else []
    fitting += [
        ("pre", stem_norm, end_norm)
        for stem_norm, end_norm in product((False, True), (True, False))
        if norms == [*(stem if stem_norm else []), *before, *(after[-1:] if end_norm else [])]
    ]
    if not norms:
        return {"order": "post"}
    if len(fitting) != 1:  # where all widths are the same, or none fits: a norm after the last block is not inside it
        pre = parts.norms[-1].parent != parts.convolutions[-1].parent
        fitting = [each for each in fitting if (each[0] == "pre") == pre] or [("pre" if pre else "post", False, True)]
    order, stem_norm, end_norm = fitting[0]
    settings: dict[str, Any] = {"order": order}
    if order == "pre" and not end_norm:
        settings["end_norm"] = False
    if order == "pre" and stem_norm and len(stem) == 1 and parts.convolutions[0].kernel < 7:
        settings["stem_norm"] = True
    return settings


def _widths(stages: list[int], stem: int, order: dict[str, Any], block: str) -> dict[str, Any]:
    """Settings of the widths of the stages, before the expansion of bottlenecks."""
    times, rest = divmod(stages[0], stem)
    if stages != [stages[0] << stage for stage in range(len(stages))] or rest or times == 0:
        return {"widths": tuple(stages)}
    if times == 1:
        return {}
    if block == "basic" and order["order"] == "pre":
        return {"widen": times}
    return {"widths": tuple(stages)}


def _groups(middle: Sequence[Part], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of the 3x3 convolutions of bottlenecks, from the first of each stage."""
    inner = middle[0].width
    groups = max(1, inner // middle[0].shape[1])
    widths = settings.get("widths", ())
    own = widths[0] if widths else settings["width"]
    for stage, part in enumerate(middle):
        if part.width != inner << stage and (groups > 1 or not widths or part.width != widths[stage]):
            raise BadSettings(
                f"{part.name} has {part.width} channels, {middle[0].name} has {inner}: from stage to stage they do not "
                "double, as those inside the bottlenecks here do. A pruned network has to be imported before pruning."
            )
    if groups == 1 and own and inner % own:
        raise BadSettings(
            f"{middle[0].name} has {inner} channels in a bottleneck of {EXPANSION * own}; here they are a multiple of "
            f"{own}, a quarter. A pruned network has to be imported before pruning."
        )
    return {"groups": groups, "group_width": inner // groups if groups > 1 or inner != own else 0}


def _excitation(parts: Parts) -> dict[str, Any]:
    if not parts.excitations:
        return {}
    if all(len(part.shape) == 3 for part in parts.excitations):
        return {"excitation": True, "excitation_by": "eca"}
    for one, two in zip(parts.excitations[::2], parts.excitations[1::2], strict=False):
        if one.shape[:2] != two.shape[1::-1] or one.width > one.shape[1]:
            raise BadSettings(
                f"{one.name} {one.shape} and {two.name} {two.shape} are not the two layers of squeeze-and-excitation, "
                "which reduce the channels and expand them again; other linear maps before the classifier, or 1×1 "
                "convolutions with biases, are in no network here."
            )
    pairs = [(part.shape[1], part.width) for part in parts.excitations[::2]]
    least = [reduced for width, reduced in pairs if reduced > max(1, width // EXCITATION_REDUCTION)]
    return {"excitation": True} | ({"excitation_least": max(least)} if least else {})
