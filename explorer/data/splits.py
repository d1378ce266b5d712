"""What a data set's reader gives: pixels and labels of its two fixed parts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (N, H, W, C)
Labels = NDArray[np.int64]  # (N,)


class Splits(NamedTuple):
    """Training and test images as they were published."""

    train_pixels: Pixels
    train_labels: Labels
    test_pixels: Pixels
    test_labels: Labels
