"""Receptive field of each layer, from the configuration alone; imports no torch."""

from math import ceil
from typing import NamedTuple

from explorer.models.config import NetworkConfig
from explorer.models.structure import block_shapes, layer_shapes

STEM_POOLING = {  # kernels and strides of the pooling after the stem, by its antialiasing
    "none": [(3, 2)],
    "blur": [(3, 1), (3, 2)],
    "average": [(2, 2)],
}
ANTIALIASING = {"none": [], "blur": [(3, 2)], "average": [(2, 2)]}
TRANSITION_POOLING = (2, 2)  # of the average pooling of a dense network's transition


class Field(NamedTuple):
    """Receptive field of a position of a layer.

    Attributes:
        side: of the square of input pixels that the position depends on; padding counts too.
        jump: input pixels between the fields of neighbouring positions.
        first: centre of the field of the first position, in pixels from the centre of the first pixel.
    """

    side: int
    jump: float
    first: float = 0.0

    def through(self, kernel: int, stride: int) -> "Field":
        """The field after a convolution or pooling, padded by half of its kernel, rounded down, if that is odd."""
        padding = kernel // 2 if kernel % 2 else 0
        first = self.first + ((kernel - 1) / 2 - padding) * self.jump
        return Field(self.side + round((kernel - 1) * self.jump), self.jump * stride, first)

    def seen_in(self, side: int, enlarged: int) -> "Field":
        """The field in pixels of images of `side` that were enlarged to `enlarged` first."""
        pixel = side / enlarged
        return Field(ceil(self.side * pixel), self.jump * pixel, (self.first + 0.5) * pixel - 0.5)

    def corner(self, position: int) -> float:
        """First row or column of the field of a position, in pixels; below zero where it reaches beyond the edge."""
        return self.first + position * self.jump - (self.side - 1) / 2


def receptive_fields(config: NetworkConfig, image_size: int | None = None) -> dict[str, Field]:
    """Receptive field of each layer on the main path, by name.

    No other path to a layer has a larger field: shortcuts have the same strides and smaller kernels. The global pooling
    in excitations is not counted, as in the literature; the one before the classifier is. Where images are enlarged, a
    pixel is one of the enlarged image.

    Source: Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks, equations 1 and 2.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    transitions = {f"{shape.name}.conv" for shape in block_shapes(config) if shape.kind == "transition"}
    antialiased = {
        f"{shape.name}.conv{1 if shape.kind == 'basic' else 2}": ANTIALIASING[shape.antialias]
        for shape in block_shapes(config)
    }
    field, found = Field(1, 1), {}
    in_stem, side = True, 0
    for each in layer_shapes(config, image_size):
        if each.off_main_path:
            continue
        if in_stem and each.stage > 0:
            in_stem = False
            for step in STEM_POOLING[config.antialias] if config.pooled_stem else []:
                field = field.through(*step)
        field = field.through(each.kernel, each.stride) if each.kernel else field.through(side, 1)
        side = each.side
        found[each.name] = field
        for step in [TRANSITION_POOLING] if each.name in transitions else antialiased.get(each.name, []):
            field = field.through(*step)
    return found
