"""What a data set's reader gives: pixels and labels of one of its two fixed parts."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.data.file_pixels import FilePixels

Pixels = NDArray[np.uint8]  # (N, H, W, C)
Labels = NDArray[np.int64]  # (N,)

SplitName = Literal["train", "test"]


class Split(NamedTuple):
    """The training or the test images, in the order in which they were published."""

    pixels: Pixels | FilePixels
    labels: Labels


class ChannelSums(NamedTuple):
    """Sums over all training images and positions, one number a channel; exact, since pixels are whole numbers."""

    pixels: tuple[int, ...]
    squares: tuple[int, ...]
