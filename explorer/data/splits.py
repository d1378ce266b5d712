"""Types of the training and test parts of data sets."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.data.file_pixels import FilePixels

Pixels = NDArray[np.uint8]  # (N, H, W, C)
Labels = NDArray[np.int64]  # (N,)

SplitName = Literal["train", "test"]


class Split(NamedTuple):
    """The training or the test images, in published order."""

    pixels: Pixels | FilePixels
    labels: Labels


class ChannelSums(NamedTuple):
    """Exact sums over all training images and positions, one integer per channel."""

    pixels: tuple[int, ...]
    squares: tuple[int, ...]


class Digests(NamedTuple):
    """Fingerprints of the published images with their labels, see `decoded.fingerprint`."""

    train: str
    test: str
    all: str
