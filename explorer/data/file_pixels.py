"""Pixels of picture files, decoded on access: a folder of 50,000 pictures would not fit into memory."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from explorer.data.checking import Checked, checked
from explorer.data.picture_files import read_picture_file
from explorer.errors import BadSettings, StorageError

SHOWN = 0.875  # side of the centre crop of ImageNet networks as a fraction of the shorter side: 224 of 256
LONGEST = 50  # aspect ratio at most: resized, a longer picture would take gigabytes
CHECK_SECONDS = 60.0  # spent at most on finding all broken pictures once one is found
SMALL = 64  # side in pixels up to which nothing is cropped, as for CIFAR networks


class FilePixels:
    """A lazy array of uint8 pixels (N, side, side, C), backed by picture files.

    An integer index decodes one picture, `numpy.asarray` all; a slice or index array gives another `FilePixels`.

    A picture is resized so that its shorter side has `resized_side(side)` pixels, then cropped to the square at its
    centre, as by torchvision's transforms for its V1 weights (bilinear with antialiasing, by PIL). Photographs of more
    than 4 megapixels are reduced while they are read, see `read_picture`.

    Args:
        files: paths.
        side: side of the square, in pixels.
        resized: pixels of the shorter side before cropping; None takes `resized_side(side)`.
        channels: 3, or 1 for grey by ITU-R 601.
        folder: the folder of pictures that the files belong to, if any.

    Raises:
        BadSettings: when decoding, a file is not a readable picture; the message names it, and where several are
            decoded all others of the folder's split that are not readable.
        StorageError: when decoding, a file is missing or cannot be read.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        files: Sequence[str] | NDArray[np.object_],
        side: int,
        resized: int | None = None,
        *,
        channels: int = 3,
        folder: str = "",
    ) -> None:
        self.files = np.array(files, dtype=object)
        self.side = side
        self.resized = resized or resized_side(side)
        self.channels = channels
        self.folder = folder
        self._whole = self.files  # of which these may be a part

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.files), self.side, self.side, self.channels

    @property
    def uncut(self) -> "FilePixels":
        """The same pictures at the same scale without the crop: 256 pixels a side instead of 224."""
        return self._part(self.files, self.resized)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, which: int | np.integer) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, which: slice | NDArray[np.int64]) -> "FilePixels": ...

    def __getitem__(self, which: int | np.integer | slice | NDArray[np.int64]) -> "NDArray[np.uint8] | FilePixels":
        if isinstance(which, int | np.integer):
            return self._pixels(self.files[which])
        return self._part(self.files[which], self.side)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> NDArray[np.uint8]:
        pixels = np.empty(self.shape, np.uint8)
        for place, file in enumerate(self.files):
            try:
                pixels[place] = self._pixels(file)
            except BadSettings as error:
                raise BadSettings(self._all_broken() or str(error)) from None
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def listing(self) -> bytes:
        """The names and sizes of the files, for fingerprints; their content is not read."""
        try:
            return "\n".join(f"{file} {Path(file).stat().st_size}" for file in self.files).encode()
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be read: {error.strerror}. Try again.") from None

    def _part(self, files: NDArray[Any], side: int) -> "FilePixels":
        part = FilePixels(files, side, self.resized, channels=self.channels, folder=self.folder)
        part._whole = self._whole
        return part

    def _all_broken(self) -> str:
        """The message that names all pictures of the folder's split that cannot be read; empty outside of folders."""
        found = checked(self._whole.tolist(), until=time.monotonic() + CHECK_SECONDS) if self.folder else Checked(0, 0)
        if len(found.broken) < 2:
            return ""
        return (
            f"{found.sentence(self.folder)} To leave them out: `python -m explorer data check "
            f'{shlex.quote(self.folder)} --leave-out`, or "Check the pictures" on the Data page.'
        )

    def _pixels(self, file: str) -> NDArray[np.uint8]:
        pixels = read_picture_file(Path(file), named=file, shorter=self.resized)
        height, width = pixels.shape[:2]
        if max(height, width) > LONGEST * min(height, width):
            raise BadSettings(
                f"{file}: The picture has {width:,}×{height:,} pixels, more than {LONGEST} times as long as wide. "
                "Cut off what is not needed, or take it out."
            )
        square = shown_square(pixels, self.side, self.resized, self.channels)
        square.flags.writeable = False
        return square


def resized_side(side: int) -> int:
    """Pixels of a picture's shorter side before it is cropped to `side`: 256 for 224; small sides are not cropped."""
    return side if side <= SMALL else round(side / SHOWN)


def shown_square(pixels: NDArray[np.uint8], side: int, resized: int, channels: int = 3) -> NDArray[np.uint8]:
    """The centre crop of a resized picture.

    Args:
        pixels: uint8 (H, W, 3).
        side: side of the crop.
        resized: pixels of the shorter side after resizing, at least `side`.
        channels: 3, or 1 for grey.

    Returns:
        uint8 (side, side, channels).
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    shorter = min(height, width)
    size = int(resized * width / shorter), int(resized * height / shorter)  # truncated, not rounded, as in torchvision
    image = Image.fromarray(pixels)
    if channels == 1:
        image = image.convert("L")
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((long - side) / 2) for long in size)  # half to even, as in torchvision
    return np.array(image.crop((left, top, left + side, top + side))).reshape(side, side, channels)
