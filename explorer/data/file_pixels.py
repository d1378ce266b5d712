"""Pixels of picture files, decoded when they are looked at: a folder of 50,000 pictures would not fit into memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from explorer.data.picture_files import read_picture_file
from explorer.errors import BadSettings, StorageError

SHOWN = 0.875  # side of the square that a network for large images is shown, of the shorter side: 224 of 256
LONGEST = 50  # times as long as wide: resized, a longer picture would take gigabytes
SMALL = 64  # sides up to this are of networks that are shown the whole square, as those for CIFAR are


class FilePixels:
    """What an array of uint8 pixels (N, side, side, 3) would be, of which only files are held.

    A number as index gives the pixels of one picture; a slice or an array of numbers gives fewer of the files, which
    `numpy.asarray` decodes.

    A picture is resized so that its shorter side has `resized_side(side)` pixels, and cut to the square in its middle:
    the numbers are those of torchvision's transforms (bilinear with antialiasing, by PIL) for its first weights.

    Args:
        files: paths.
        side: of the square, in pixels.
        resized: pixels of the shorter side before it is cut; None for the usual.

    Raises:
        BadSettings: when decoding, a file is not a picture that can be read; the message names it.
        StorageError: when decoding, a file is gone or may not be read.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files: Sequence[str] | NDArray[np.object_], side: int, resized: int | None = None) -> None:
        self.files = np.array(files, dtype=object)
        self.side = side
        self.resized = resized or resized_side(side)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.files), self.side, self.side, 3

    @property
    def uncut(self) -> "FilePixels":
        """The same pictures with what is cut away at the edges of the square, at the same scale: 256 for 224."""
        return FilePixels(self.files, self.resized, self.resized)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, which: int | np.integer) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, which: slice | NDArray[np.int64]) -> "FilePixels": ...

    def __getitem__(self, which: int | np.integer | slice | NDArray[np.int64]) -> "NDArray[np.uint8] | FilePixels":
        if isinstance(which, int | np.integer):
            return self._pixels(self.files[which])
        return FilePixels(self.files[which], self.side, self.resized)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> NDArray[np.uint8]:
        found = np.empty(self.shape, np.uint8)
        for place, file in enumerate(self.files):
            found[place] = self._pixels(file)
        return found if dtype is None else found.astype(dtype, copy=False)

    def listing(self) -> bytes:
        """Which files these are and how large, not what is in them: enough to tell one data set from another."""
        try:
            return "\n".join(f"{file} {Path(file).stat().st_size}" for file in self.files).encode()
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be read: {error.strerror}. Try again.") from None

    def _pixels(self, file: str) -> NDArray[np.uint8]:
        pixels = read_picture_file(Path(file), named=file)
        height, width = pixels.shape[:2]
        if max(height, width) > LONGEST * min(height, width):
            raise BadSettings(
                f"{file}: The picture has {width:,} x {height:,} pixels, more than {LONGEST} times as long as wide. "
                "Cut off what is not needed, or take it out."
            )
        found = shown_square(pixels, self.side, self.resized)
        found.flags.writeable = False
        return found


def resized_side(side: int) -> int:
    """Pixels of a picture's shorter side, of which a network takes a square of `side` pixels: 256 for 224.

    Networks for small images take the whole side, as in training.
    """
    return side if side <= SMALL else round(side / SHOWN)


def shown_square(pixels: NDArray[np.uint8], side: int, resized: int) -> NDArray[np.uint8]:
    """The square in the middle of a picture whose shorter side is resized.

    Args:
        pixels: uint8 (H, W, 3).
        side: of the square.
        resized: pixels of the shorter side, at least `side`.

    Returns:
        uint8 (side, side, 3).
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    shorter = min(height, width)
    size = int(resized * width / shorter), int(resized * height / shorter)  # as torchvision: cut off, not rounded
    image = Image.fromarray(pixels)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((long - side) / 2) for long in size)  # a half to the even number, as there
    return np.array(image.crop((left, top, left + side, top + side)))
