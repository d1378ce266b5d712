"""SVHN: cropped house numbers, in the MATLAB files that torchvision reads."""

from io import BytesIO
from pathlib import Path

import numpy as np

from explorer.data.cifar import halved
from explorer.data.file_set import FileSet
from explorer.data.splits import Split, SplitName

SIDE = 32  # pixels
CLASSES = tuple("0123456789")

# The checksums are torchvision's; a test compares them.
FILES = FileSet(
    title="SVHN",
    url="http://ufldl.stanford.edu/housenumbers/",
    folder="SVHN",
    elsewhere=(".", "svhn"),  # torchvision keeps them directly in the folder that it is given
    files={
        "train_32x32.mat": (182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
        "test_32x32.mat": (64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
    },
)


def read(data_folder: Path, split: SplitName, side: int = SIDE) -> Split:
    """The 73,257 training or the 26,032 test images; files are checked before they are read.

    The published label of the digit 0 is 10; here it is 0, as in torchvision.

    Args:
        side: 32 pixels, or 16 for halved images.

    Raises:
        ValueError: a file is not the published one.
        OSError: a file cannot be read.
    """
    from scipy.io import loadmat  # takes a second

    found = loadmat(BytesIO(FILES.content(data_folder, f"{split}_32x32.mat")), variable_names=("X", "y"))
    images, labels = found["X"], found["y"].reshape(-1).astype(np.int64)
    if images.ndim != 4 or images.shape[:3] != (SIDE, SIDE, 3) or images.shape[3] != len(labels):
        raise ValueError(f"images of {images.shape} and {len(labels)} labels do not fit together")
    pixels = np.ascontiguousarray(images.transpose(3, 0, 1, 2))  # contiguous as (N, H, W, C)
    return Split(pixels if side == SIDE else halved(pixels), labels % 10)
