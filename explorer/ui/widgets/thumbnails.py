"""Small versions of pictures for strips of them."""

import numpy as np
from numpy.typing import NDArray

from explorer.data.pictures import Picture, fitted

PHOTOGRAPH_SIDE, MOST_SIDE = 96, 128  # pixels


def thumbnail(found: Picture) -> NDArray[np.uint8]:
    """Pixels of a picture: small test images as they are, larger ones and photographs scaled down."""
    pixels = found.pixels
    if found.label is None:
        return fitted(pixels, PHOTOGRAPH_SIDE, 3)
    return fitted(pixels, MOST_SIDE, pixels.shape[2]) if max(pixels.shape[:2]) > MOST_SIDE else pixels
