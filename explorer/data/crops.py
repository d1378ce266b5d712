"""Ten-crop testing: ten views of an image, whose class probabilities are averaged."""

from collections.abc import Iterator

from torch import Tensor
from torch.nn import functional

from explorer.errors import BadSettings

CROPS = (1, 10)  # views of an image that an evaluation can take
PADDED = 8  # side of a crop divided by the padding at each edge: 32 / 4, He et al. 2015, section 4.2


def ten_crops(images: Tensor, side: int) -> Iterator[Tensor]:
    """The crops at the four corners and in the centre, then the mirror image of each.

    Images of the size of a crop are first padded with zeros (the mean) by an eighth of the side, the 4 of 32 of He et
    al. 2015, so their centre crop is the image itself. Larger images are not padded.

    Args:
        images: (N, C, H, W), normalised.
        side: side of a crop, in pixels.

    Yields:
        Ten times (N, C, side, side), views of `images` or of the padded images.

    Raises:
        BadSettings: the images are smaller than a crop.

    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", section 4.1. He
    et al. 2015, section 3.4, use the same ten.
    """
    height, width = images.shape[2:]
    if min(height, width) < side:
        raise BadSettings(f"A crop of {side} pixels cannot be cut from images of {height}×{width}. Give larger ones.")
    if (height, width) == (side, side):
        images = functional.pad(images, (max(1, round(side / PADDED)),) * 4)
        height, width = images.shape[2:]
    down, across = height - side, width - side
    corners = [(0, 0), (0, across), (down, 0), (down, across), (down // 2, across // 2)]
    crops = [images[:, :, top : top + side, left : left + side] for top, left in corners]
    yield from crops
    yield from (crop.flip(3) for crop in crops)
