"""Receptive field of each layer, from the configuration alone; imports no torch."""

from typing import NamedTuple

from explorer.models.config import NetworkConfig
from explorer.models.structure import block_shapes, layer_shapes

STEM_POOLING = (3, 2)  # kernel and stride of the max pooling after a large or deep stem
TRANSITION_POOLING = (2, 2)  # of the average pooling of a dense network's transition


class Field(NamedTuple):
    """Receptive field of a position of a layer.

    Attributes:
        side: of the square of input pixels that the position depends on; padding counts too.
        jump: input pixels between the fields of neighbouring positions.
        first: centre of the field of the first position, in pixels from the centre of the first pixel.
    """

    side: int
    jump: int
    first: float = 0.0

    def through(self, kernel: int, stride: int) -> "Field":
        """The field after a convolution or pooling, padded by half of its kernel, rounded down, if that is odd."""
        padding = kernel // 2 if kernel % 2 else 0
        first = self.first + ((kernel - 1) / 2 - padding) * self.jump
        return Field(self.side + (kernel - 1) * self.jump, self.jump * stride, first)

    def corner(self, position: int) -> float:
        """First row or column of the field of a position, in pixels; below zero where it reaches beyond the edge."""
        return self.first + position * self.jump - (self.side - 1) / 2


def receptive_fields(config: NetworkConfig, image_size: int | None = None) -> dict[str, Field]:
    """Receptive field of each layer on the main path, by name.

    No other path to a layer has a larger field: shortcuts have the same strides and smaller kernels. The global pooling
    in excitations is not counted, as in the literature; the one before the classifier is.

    Source: Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks, equations 1 and 2.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    transitions = {f"{shape.name}.conv" for shape in block_shapes(config) if shape.kind == "transition"}
    field, found = Field(1, 1), {}
    in_stem, side = True, 0
    for each in layer_shapes(config, image_size):
        if each.off_main_path:
            continue
        if in_stem and each.stage > 0:
            in_stem = False
            field = field.through(*STEM_POOLING) if config.stem != "small" else field
        field = field.through(each.kernel, each.stride) if each.kernel else field.through(side, 1)
        side = each.side
        found[each.name] = field
        if each.name in transitions:
            field = field.through(*TRANSITION_POOLING)
    return found
