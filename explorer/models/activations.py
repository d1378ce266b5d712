"""Values that a training step keeps for its backward pass, from the configuration alone; imports no torch.

Convolutions and batch norms keep their input, ReLUs their output, sums and concatenations nothing; a tensor kept by two
modules is counted once. Weights and batch statistics (a few values per channel) are not counted.
"""

from math import ceil, sqrt

from explorer.models.config import CHANNEL_NORMS, NetworkConfig
from explorer.models.structure import (
    BlockShape,
    LayerShape,
    block_shapes,
    branch,
    ends_with_norm,
    layer_shapes,
    pooled_side,
)

TRANSIENT = 3  # tensors of the largest layer's size that exist together while it is computed


def kept_values(config: NetworkConfig, image_size: int | None = None) -> dict[str, int]:
    """Values kept for one image, by the name of the convolution or linear layer that they belong to.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    shapes = {(shape.stage, shape.block): shape for shape in block_shapes(config)}
    layers = list(layer_shapes(config, image_size))
    stem = [each.name for each in layers if each.stage == 0]
    found: dict[str, int] = {}
    entering = block_entering = config.enlarged or (config.image_size if image_size is None else image_size)
    block = (0, 0)
    for each in layers:
        if (each.stage, each.block) != block:
            block, block_entering = (each.stage, each.block), entering
        shape = shapes.get(block)
        if shape is None:
            found[each.name] = _stem(config, each, entering, stem) if each.kernel else _end(config, each, entering)
        elif each.off_main_path:
            found[each.name] = _off_main_path(shape, each, block_entering)
            continue
        else:
            found[each.name] = _inside(shape, each, entering)
        entering = each.side
        if shape is not None and shape.kind == "transition":
            entering = each.side // 2
        elif each.name == stem[-1] and config.pooled_stem:
            entering = pooled_side(config, each.side)
    return found


def segments(count: int) -> list[range]:
    """The segments of `count` blocks that are recomputed together, see `models.recomputation`."""
    size = ceil(sqrt(count))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _stem(config: NetworkConfig, layer: LayerShape, entering: int, stem: list[str]) -> int:
    """Values kept for a convolution of the stem; the first one keeps the images."""
    open_end = config.order == "pre" or config.dense
    given = layer.width * layer.side**2
    count = layer.in_width * entering**2 if layer.name == stem[0] else 0
    if config.bare_stem:
        return count  # norm and ReLU belong to the first block
    count += given * (2 if config.norm in CHANNEL_NORMS else 1)
    if layer.name == stem[-1] and config.pooled_stem:
        pooled = layer.width * pooled_side(config, layer.side) ** 2
        count += _maxima(config, given, pooled)
        if not open_end and config.norm != "fixup":
            count += pooled  # the input of the first block; else a norm or a sum keeps it
    return count


def _maxima(config: NetworkConfig, given: int, pooled: int) -> int:
    """Values kept for the pooling of the stem: indices of the maxima, in 64 bits; blurred, there is one per input."""
    return {"none": 2 * pooled, "blur": 2 * given, "average": 0}[config.antialias]


def _end(config: NetworkConfig, layer: LayerShape, entering: int) -> int:
    """Values kept for the classifier: its input, and norm and ReLU where blocks do not end with them."""
    if not ends_with_norm(config):
        return layer.in_width
    return layer.in_width + layer.in_width * entering**2 * (2 if config.norm in CHANNEL_NORMS else 1)


def _inside(shape: BlockShape, layer: LayerShape, entering: int) -> int:
    """Values kept for a convolution of a branch."""
    taken, given = layer.in_width * entering**2, layer.width * layer.side**2
    has_norm = shape.norm in CHANNEL_NORMS
    if shape.kind == "transition":
        return 2 * taken + given  # norm and ReLU before it, pooling after it
    last = layer.name.endswith(f"conv{len(branch(shape))}")
    before = shape.order == "pre" or shape.kind.startswith("dense")
    count = (1 + has_norm) * (taken if before else given)
    if shape.norm == "fixup":
        count += taken  # the input plus a scalar
    if last and not has_norm:
        count += given  # to be multiplied by a scalar
    if last and shape.excitation:
        count += given  # to be multiplied by the excitation
    return count


def _off_main_path(shape: BlockShape, layer: LayerShape, entering: int) -> int:
    """Values kept for a projection or a convolution of an excitation."""
    if ".excitation." in layer.name:  # channel means, or a ReLU's outputs and the gates
        if layer.name.endswith("conv"):  # ECA: means of the channels, and the gates
            return 2 * layer.width
        return layer.in_width if layer.name.endswith("reduce") else layer.in_width + layer.width
    count = layer.width * layer.side**2 if shape.norm in CHANNEL_NORMS and shape.order == "post" else 0
    if shape.shortcut == "pooled":
        return count + layer.in_width * layer.side**2
    shared = shape.shares_activation or shape.norm in CHANNEL_NORMS  # a ReLU or norm of the branch keeps it already
    own = shape.norm == "fixup" or (shape.order == "pre" and not shared)
    return count + own * layer.in_width * entering**2
