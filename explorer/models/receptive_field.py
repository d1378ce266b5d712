"""What part of an image a position of each layer can depend on, from the configuration alone; imports no torch."""

from typing import NamedTuple

from explorer.models.config import NetworkConfig
from explorer.models.structure import block_shapes, layer_shapes

STEM_POOLING = (3, 2)  # kernel and stride of the max pooling after a large or deep stem
TRANSITION_POOLING = (2, 2)  # of the average pooling of a dense network's transition


class Field(NamedTuple):
    """What one position of a layer sees.

    Attributes:
        side: of the square of input pixels that it depends on; what lies beyond the image counts too.
        jump: input pixels between the squares of two neighbours.
    """

    side: int
    jump: int

    def through(self, kernel: int, stride: int) -> "Field":
        """After a convolution or pooling."""
        return Field(self.side + (kernel - 1) * self.jump, self.jump * stride)


def receptive_fields(config: NetworkConfig, image_size: int | None = None) -> dict[str, Field]:
    """The field of each layer of the main path, by name.

    No path to a layer sees more than the main path: shortcuts have the same strides and smaller kernels. The mean over
    the whole image in an excitation is left out, as in the literature; the mean before the classifier is not.

    Source: Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks, equations 1 and 2.

    Args:
        image_size: side in pixels; None takes that which such networks are made for.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    transitions = {f"{shape.name}.conv" for shape in block_shapes(config) if shape.kind == "transition"}
    field, found = Field(1, 1), {}
    in_stem, side = True, 0
    for each in layer_shapes(config, image_size):
        if each.beside:
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
