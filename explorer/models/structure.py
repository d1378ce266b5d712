"""Shapes of a network's blocks and layers, from its configuration alone; importing this does not import torch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from explorer.errors import BadSettings
from explorer.models.config import (
    CHANNEL_NORMS,
    DENSE_BOTTLENECK,
    EXCITATION_REDUCTION,
    EXPANSION,
    LARGEST_IMAGE,
    Antialias,
    ExcitationBy,
    ExcitationOn,
    NetworkConfig,
    Norm,
    Order,
)
from explorer.models.names import DEEP_STEMS
from explorer.settings import require_between

BlockKind = Literal["basic", "bottleneck", "dense", "dense-bottleneck", "transition"]
ShortcutKind = Literal["none", "identity", "pad", "projection", "pooled", "concatenation"]


@dataclass(frozen=True, slots=True)
class BlockShape:
    """Shape of a block.

    Attributes:
        stage: from 1; block: within its stage, from 1.
        kind: as in `NetworkConfig`, or "transition" between two stages of a dense network.
        in_width: input channels; width: output channels.
        inner_width: channels between the first and the last convolution.
        stride: 2 where the image size is halved.
        groups, stride_on, order, norm, excitation, excitation_by, excitation_on, shortcut_scale, padding, subsampling,
            antialias: as in `NetworkConfig`.
        excitation_width: channels between the two layers of squeeze-and-excitation.
        shortcut: "pooled" projects after 2x2 average pooling; a dense layer has "concatenation".
        shares_activation: the shortcut of a pre-activation block starts after its first norm and ReLU.
    """

    stage: int
    block: int
    kind: BlockKind
    in_width: int
    inner_width: int
    width: int
    stride: int = 1
    groups: int = 1
    stride_on: Literal["3x3", "1x1", "second"] = "3x3"
    shortcut: ShortcutKind = "none"
    order: Order = "post"
    shares_activation: bool = False
    norm: Norm = "batch"
    excitation: bool = False
    excitation_by: ExcitationBy = "se"
    excitation_on: ExcitationOn = "branch"
    excitation_width: int = 0
    shortcut_scale: float = 1.0
    padding: Literal["half", "end"] = "half"
    subsampling: Literal["stride", "average"] = "stride"
    antialias: Antialias = "none"

    @property
    def name(self) -> str:
        """Module name in the network."""
        return f"stages.{self.stage - 1}.{self.block - 1}"


@dataclass(frozen=True, slots=True)
class LayerShape:
    """Shape of a convolution or linear layer.

    Attributes:
        name: of its module in the network.
        stage, block: 0 for the stem; one stage more than there are for the classifier.
        kernel: side in positions; 0 for a linear layer.
        side: of its output, in pixels.
        own_parameters: weights and biases; norm_parameters: of the norm or the scalars that belong to it.
        off_main_path: on a shortcut, in an excitation, or a hidden layer of the head, which the depth does not count.
    """

    name: str
    stage: int
    block: int
    in_width: int
    width: int
    kernel: int
    stride: int
    groups: int
    side: int
    own_parameters: int
    norm_parameters: int
    shortcut: str
    off_main_path: bool = False

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image."""
        return max(1, self.kernel) ** 2 * self.in_width // self.groups * self.width * self.side**2


def block_shapes(config: NetworkConfig) -> list[BlockShape]:
    """All blocks in order."""
    return list(_dense_shapes(config) if config.dense else _residual_shapes(config))


def _residual_shapes(config: NetworkConfig) -> Iterator[BlockShape]:
    in_width = config.width
    for stage, (count, width) in enumerate(zip(config.stage_blocks, config.stage_widths, strict=True)):
        out_width = width * EXPANSION if config.block == "bottleneck" else width
        grouped = config.groups * config.group_width << stage
        inner_width = grouped if config.block == "bottleneck" and grouped else width
        for block in range(count):
            stride = 2 if block == 0 and stage > 0 else 1
            changes = stride > 1 or in_width != out_width
            first = (stage, block) == (0, 0)
            yield BlockShape(
                stage=stage + 1,
                block=block + 1,
                kind=config.block,
                in_width=in_width,
                inner_width=inner_width,
                width=out_width,
                stride=stride,
                groups=config.groups,
                stride_on=config.stride_on,
                shortcut=_shortcut(config, changes=changes or (first and config.first_projection), stride=stride),
                order=config.order,
                shares_activation=_shares_activation(config, changes=changes, first=first),
                norm=config.norm,
                excitation=config.excitation,
                excitation_by=config.excitation_by,
                excitation_on=config.excitation_on,
                excitation_width=max(config.excitation_least, out_width // EXCITATION_REDUCTION),
                shortcut_scale=config.shortcut_scale,
                padding=config.padding,
                subsampling=config.subsampling,
                antialias=config.antialias if stride > 1 else "none",
            )
            in_width = out_width


def _shares_activation(config: NetworkConfig, *, changes: bool, first: bool) -> bool:
    """Whether a block's shortcut starts after its first norm and ReLU."""
    if config.order != "pre" or config.shortcut_start == "input":
        return False
    bare = first and config.bare_stem and config.shortcut_start == "activation"
    return changes or bare or (first and config.first_projection)


def _shortcut(config: NetworkConfig, *, changes: bool, stride: int) -> ShortcutKind:
    if config.shortcut == "none":
        return "none"
    if config.shortcut == "C":
        return "projection"
    if not changes:
        return "identity"
    if config.shortcut == "A":
        return "pad"
    return "pooled" if config.shortcut == "D" and stride > 1 else "projection"


def _dense_shapes(config: NetworkConfig) -> Iterator[BlockShape]:
    width = config.width
    inner_width = DENSE_BOTTLENECK * config.growth if config.block == "dense-bottleneck" else config.growth
    for stage, count in enumerate(config.stage_blocks):
        if stage > 0:
            out_width = width // 2 if config.block == "dense-bottleneck" else width
            yield BlockShape(stage + 1, 1, "transition", width, out_width, out_width, stride=2)
            width = out_width
        for layer in range(count):
            block = layer + (1 if stage == 0 else 2)
            grown = width + config.growth
            yield BlockShape(stage + 1, block, config.block, width, inner_width, grown, shortcut="concatenation")
            width = grown


def layer_shapes(config: NetworkConfig, image_size: int | None = None) -> Iterator[LayerShape]:
    """Every convolution and linear layer, in the order of the network's modules.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: images of this size become smaller than one pixel.
    """
    whole = config.image_size if image_size is None else image_size
    require_between("image_size", whole, 1, LARGEST_IMAGE)
    whole = config.enlarged or whole
    side = -(-whole // 2) if config.stem != "small" else whole
    yield from _stem(config, side)
    if config.pooled_stem:
        side = pooled_side(config, side)
    shapes = block_shapes(config)
    for shape in shapes:
        entering = side
        if shape.stride > 1:
            side = side // 2 if shape.kind == "transition" else -(-side // 2)
        if side < 1 or (shape.antialias == "blur" and entering < 2):  # a blur reflects at the edge
            raise BadSettings(
                f"{config.name} cannot take images of {whole} pixels a side: nothing is left of them in stage "
                f"{shape.stage}. Use larger images, or a network made for small ones."
            )
        yield from _block(shape, entering, side)
    width = shapes[-1].width
    last = 2 * width if ends_with_norm(config) and config.norm in CHANNEL_NORMS else 0
    for number, (before, after) in enumerate(pairwise((width, *config.head)), start=1):
        yield LayerShape(
            f"head.linear{number}", len(config.stage_blocks) + 1, 0, before, after, 0, 1, 1, 1,
            own_parameters=(before + 1) * after, norm_parameters=0, shortcut="", off_main_path=True,
        )  # fmt: skip
    width = config.head[-1] if config.head else width
    yield LayerShape(
        "classifier", len(config.stage_blocks) + 1, 0, width, config.outputs, 0, 1, 1, 1,
        own_parameters=(width + 1) * config.outputs, norm_parameters=last, shortcut="",
    )  # fmt: skip


def ends_with_norm(config: NetworkConfig) -> bool:
    """Whether norm and ReLU follow the last block."""
    return config.dense or (config.order == "pre" and config.end_norm)


def pooled_side(config: NetworkConfig, side: int) -> int:
    """Side of the stem's output after its pooling; averages have no padding, and a blur reflects at the edge."""
    if config.antialias == "blur" and side < 2:
        return 0
    if config.pool == "ceil":
        return -(-(side - 3) // 2) + 1
    return side // 2 if config.antialias == "average" else -(-side // 2)


def stem_widths(config: NetworkConfig) -> tuple[int, ...]:
    """Channels before and after each convolution of a deep stem."""
    half = max(1, config.width // 2)
    first = max(1, 3 * config.width // 8) if config.stem == "tiered" else half
    return config.channels, first, half, config.width


def _stem(config: NetworkConfig, side: int) -> Iterator[LayerShape]:
    kernel, stride = (7, 2) if config.stem == "large" else (3, 1)
    convolutions = [("stem.conv", config.channels, config.width, kernel, stride)]
    if config.stem in DEEP_STEMS:
        widths = stem_widths(config)
        convolutions = [(f"stem.conv{n + 1}", widths[n], widths[n + 1], 3, 2 if n == 0 else 1) for n in range(3)]
    for name, in_width, width, kernel_size, step in convolutions:
        own = kernel_size**2 * in_width * width + (width if config.norm == "skipinit" else 0)
        around = (
            0 if config.bare_stem else {"batch": 2 * width, "group": 2 * width, "skipinit": 0, "fixup": 1}[config.norm]
        )
        yield LayerShape(name, 0, 0, in_width, width, kernel_size, step, 1, side, own, around, "")


def _block(shape: BlockShape, entering: int, side: int) -> Iterator[LayerShape]:
    """Convolutions of a block on the main path, then those of excitation and shortcut."""
    convolutions = branch(shape)
    biased = shape.norm == "skipinit"
    strided = shape.stride == 1
    for number, (in_width, width, kernel, stride, groups) in enumerate(convolutions, start=1):
        strided = strided or stride > 1
        yield LayerShape(
            f"{shape.name}.conv" if shape.kind == "transition" else f"{shape.name}.conv{number}",
            shape.stage, shape.block, in_width, width, kernel, stride, groups, side if strided else entering,
            kernel**2 * in_width // groups * width + width * biased,
            _norm_parameters(shape, in_width, width, last=number == len(convolutions)), shape.shortcut,
        )  # fmt: skip
        strided = strided or (shape.antialias != "none" and kernel > 1)  # after its first 3x3
    if shape.excitation and shape.excitation_by == "eca":
        kernel = eca_kernel(shape.width)  # means of so many channels give one weight
        yield LayerShape(
            f"{shape.name}.excitation.conv", shape.stage, shape.block, kernel, shape.width, 1, 1, 1, 1, kernel, 0,
            shape.shortcut, off_main_path=True,
        )  # fmt: skip
    elif shape.excitation:
        reduced = shape.excitation_width
        for part, in_width, width in (("reduce", shape.width, reduced), ("expand", reduced, shape.width)):
            yield LayerShape(
                f"{shape.name}.excitation.{part}", shape.stage, shape.block, in_width, width, 1, 1, 1, 1,
                (in_width + 1) * width, 0, shape.shortcut, off_main_path=True,
            )  # fmt: skip
    if shape.shortcut in ("projection", "pooled"):
        has_norm = shape.norm in CHANNEL_NORMS and shape.order == "post"
        yield LayerShape(
            f"{shape.name}.shortcut.conv", shape.stage, shape.block, shape.in_width, shape.width, 1,
            shape.stride if shape.shortcut == "projection" else 1, 1, side,
            (shape.in_width + biased) * shape.width,
            2 * shape.width if has_norm else 2 if shape.norm == "fixup" else 0, shape.shortcut, off_main_path=True,
        )  # fmt: skip


def branch(shape: BlockShape) -> list[tuple[int, int, int, int, int]]:
    """Input channels, output channels, kernel, stride and groups of each convolution of a branch."""
    inner = shape.inner_width
    if shape.kind == "transition":
        return [(shape.in_width, shape.width, 1, 1, 1)]  # before the pooling
    first, second = convolution_strides(shape)
    if shape.kind == "basic":
        return [(shape.in_width, shape.width, 3, first, 1), (shape.width, shape.width, 3, second, 1)]
    if shape.kind == "bottleneck":
        return [
            (shape.in_width, inner, 1, first, 1),
            (inner, inner, 3, second, shape.groups),
            (inner, shape.width, 1, 1, 1),
        ]
    grown = shape.width - shape.in_width
    if shape.kind == "dense":
        return [(shape.in_width, grown, 3, 1, 1)]
    return [(shape.in_width, inner, 1, 1, 1), (inner, grown, 3, 1, 1)]


def convolution_strides(shape: BlockShape) -> tuple[int, int]:
    """Strides of the first two convolutions of a branch; antialiasing has the stride in their place."""
    if shape.antialias != "none":
        return 1, 1
    on_first = shape.stride_on == ("1x1" if shape.kind == "bottleneck" else "3x3")
    return (shape.stride, 1) if on_first else (1, shape.stride)


def eca_kernel(width: int) -> int:
    """Kernel of the convolution over the means of `width` channels.

    Source: Wang et al. 2020, arXiv 1910.03151, equation 12; at least 3, as in timm.
    """
    nearest = int(abs((math.log2(width) + 1) / 2))
    return max(3, nearest if nearest % 2 else nearest + 1)


def _norm_parameters(shape: BlockShape, in_width: int, width: int, *, last: bool) -> int:
    """Parameters of a convolution's norm, which comes before it in pre-activation and dense blocks; or scalars."""
    if shape.norm == "skipinit":
        return 1 if last else 0
    if shape.norm == "fixup":
        return 1 + (2 if last else 1)  # before it, and after it
    before = shape.order == "pre" or shape.kind not in ("basic", "bottleneck")
    return 2 * (in_width if before else width)
