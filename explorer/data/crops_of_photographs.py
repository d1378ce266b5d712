"""Random crops of the photographs that come with scikit-learn, where a data set's own images are not known."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.data.pictures import PHOTOGRAPHS, fitted, picture

SMALLEST = 0.25  # side of a crop over the shorter side of the photograph


@lru_cache(maxsize=4)
def crops_of_photographs(count: int, side: int, channels: int) -> NDArray[np.uint8]:
    """Squares of random size and place, always the same; uint8 (count, side, side, channels)."""
    draw = np.random.default_rng(0)
    photographs = [picture(name).pixels for name in PHOTOGRAPHS]
    found = np.empty((count, side, side, channels), np.uint8)
    for number in range(count):
        pixels = photographs[number % len(photographs)]
        length = int(min(pixels.shape[:2]) * draw.uniform(SMALLEST, 1))
        top, left = (int(draw.integers(0, room - length, endpoint=True)) for room in pixels.shape[:2])
        found[number] = fitted(pixels[top : top + length, left : left + length], side, channels)
    found.flags.writeable = False  # all who ask for it are given the same
    return found
