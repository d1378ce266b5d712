"""How many values a training step keeps for its backward pass, from the configuration alone; imports no torch.

A convolution keeps what it is given, a batch norm too, a ReLU what it gives; sums and concatenations keep nothing, and
what two modules keep alike is counted once. Weights, and batch statistics of a few values a channel, are not counted.
"""

from math import ceil, sqrt

from explorer.models.config import NetworkConfig
from explorer.models.structure import BlockShape, LayerShape, block_shapes, branch, layer_shapes

TRANSIENT = 3  # gradients and results beside each other while the largest layer is computed


def kept_values(config: NetworkConfig, image_size: int | None = None) -> dict[str, int]:
    """Numbers kept for one image, by the name of the convolution or linear map that they stand around.

    Args:
        image_size: side in pixels; None takes that which such networks are made for.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    shapes = {(shape.stage, shape.block): shape for shape in block_shapes(config)}
    layers = list(layer_shapes(config, image_size))
    stem = [each.name for each in layers if each.stage == 0]
    found: dict[str, int] = {}
    entering = block_entering = config.image_size if image_size is None else image_size
    block = (0, 0)
    for each in layers:
        if (each.stage, each.block) != block:
            block, block_entering = (each.stage, each.block), entering
        shape = shapes.get(block)
        if shape is None:
            found[each.name] = _stem(config, each, entering, stem) if each.kernel else _end(config, each, entering)
        elif each.beside:
            found[each.name] = _beside(shape, each, block_entering)
            continue
        else:
            found[each.name] = _inside(shape, each, entering)
        entering = each.side
        if shape is not None and shape.kind == "transition":
            entering = each.side // 2
        elif each.name == stem[-1] and config.stem != "small":
            entering = -(-each.side // 2)
    return found


def segments(count: int) -> list[range]:
    """Which of `count` blocks are computed again together, see `models.recomputation`."""
    size = ceil(sqrt(count))
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _stem(config: NetworkConfig, layer: LayerShape, entering: int, stem: list[str]) -> int:
    """Around one of its convolutions; the first keeps the images."""
    open_end = config.order == "pre" or config.dense
    given = layer.width * layer.side**2
    count = layer.in_width * entering**2 if layer.name == stem[0] else 0
    if config.stem == "small" and open_end:
        return count  # the first block has the norm and the ReLU
    count += given * (2 if config.norm == "batch" else 1)
    if layer.name == stem[-1] and config.stem != "small":
        pooled = layer.width * (-(-layer.side // 2)) ** 2
        count += 2 * pooled  # where the largest values were, in 64 bits
        if not open_end and config.norm != "fixup":
            count += pooled  # which the first block is given; else a norm or a sum keeps it
    return count


def _end(config: NetworkConfig, layer: LayerShape, entering: int) -> int:
    """Around the classifier: its input, and the norm and the ReLU of networks whose blocks end without."""
    if config.order == "post" and not config.dense:
        return layer.in_width
    return layer.in_width + layer.in_width * entering**2 * (2 if config.norm == "batch" else 1)


def _inside(shape: BlockShape, layer: LayerShape, entering: int) -> int:
    """Around a convolution of a branch."""
    taken, given = layer.in_width * entering**2, layer.width * layer.side**2
    normed = shape.norm == "batch"
    if shape.kind == "transition":
        return 2 * taken + given  # norm and ReLU before it, the pooling after it
    last = layer.name.endswith(f"conv{len(branch(shape))}")
    before = shape.order == "pre" or shape.kind.startswith("dense")
    count = (1 + normed) * (taken if before else given)
    if shape.norm == "fixup":
        count += taken  # with a scalar added
    if last and not normed:
        count += given  # which a scalar is multiplied with
    if last and shape.excitation:
        count += given  # which the excitation is multiplied with
    return count


def _beside(shape: BlockShape, layer: LayerShape, entering: int) -> int:
    """Around a projection or a convolution of an excitation."""
    if ".excitation." in layer.name:  # means, or a ReLU's numbers and the weights of the channels
        return layer.in_width if layer.name.endswith("reduce") else layer.in_width + layer.width
    count = layer.width * layer.side**2 if shape.norm == "batch" and shape.order == "post" else 0
    if shape.shortcut == "pooled":
        return count + layer.in_width * layer.side**2
    shared = shape.shares_activation or shape.norm == "batch"  # a ReLU or a norm of the branch keeps it already
    own = shape.norm == "fixup" or (shape.order == "pre" and not shared)
    return count + own * layer.in_width * entering**2
