"""MNIST and FashionMNIST: files in the IDX format, in torchvision's folder layout."""

import gzip
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.data.file_set import FileSet
from explorer.data.splits import Split, SplitName

SIDE = 28  # pixels
DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
NAMES: dict[SplitName, str] = {"train": "train", "test": "t10k"}

_UNSIGNED_BYTE = 8  # type of the values in the third byte of a file
_BYTES = {"train": (47_040_016, 60_008), "t10k": (7_840_016, 10_008)}  # of images and labels, unpacked


def _unpacked(*checksums: str) -> dict[str, tuple[str, int, str]]:
    """The files without compression, given the md5 of training images and labels, test images and labels."""
    names = [f"{split}-{what}" for split in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    sizes = [size for split in ("train", "t10k") for size in _BYTES[split]]
    return {f"{name}.gz": (name, *facts) for name, *facts in zip(names, sizes, checksums, strict=True)}  # type: ignore[misc]


# The checksums of the compressed files are torchvision's; a test compares them. Those of the unpacked ones of MNIST
# were found alike in several projects on GitHub, such as secml's loader, those of FashionMNIST in one.
MNIST_FILES = FileSet(
    title="MNIST",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    folder="MNIST/raw",
    elsewhere=("mnist/raw", "MNIST", "mnist"),
    files={
        "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    },
    unpacked=_unpacked(
        "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637",
    ),
)  # fmt: skip

FASHION_FILES = FileSet(
    title="FashionMNIST",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    folder="FashionMNIST/raw",
    elsewhere=("fashion-mnist", "FashionMNIST"),
    files={
        "train-images-idx3-ubyte.gz": (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        "train-labels-idx1-ubyte.gz": (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        "t10k-images-idx3-ubyte.gz": (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        "t10k-labels-idx1-ubyte.gz": (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    },
    unpacked=_unpacked(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965",
    ),
)  # fmt: skip


def read(files: FileSet, data_folder: Path, split: SplitName, side: int = SIDE) -> Split:
    """The 60,000 training or the 10,000 test images.

    Raises:
        ValueError: a file is not the published one.
        OSError: a file cannot be read.
    """
    name = NAMES[split]
    images, labels = (
        idx(files.content(data_folder, f"{name}-{what}.gz")) for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    if images.ndim != 3 or images.shape[1:] != (side, side) or labels.shape != images.shape[:1]:
        raise ValueError(f"images of {images.shape} and labels of {labels.shape} do not fit together")
    return Split(np.ascontiguousarray(images[..., None]), labels.astype(np.int64))


read_mnist = partial(read, MNIST_FILES)
read_fashion = partial(read, FASHION_FILES)


def idx(content: bytes) -> NDArray[np.uint8]:
    """The array in a file of the IDX format, compressed or not: type, number of dimensions, sizes, values.

    Raises:
        ValueError: it is not such a file of unsigned bytes.

    Source: LeCun, Cortes and Burges, The MNIST Database of Handwritten Digits.
    """
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise ValueError(f"it cannot be decompressed ({error})") from None
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:2] != b"\0\0" or content[2:3] != bytes([_UNSIGNED_BYTE]) or not dimensions or len(content) < start:
        raise ValueError("it is not an IDX file of bytes")
    shape = tuple(np.frombuffer(content, ">u4", dimensions, 4).tolist())
    values = np.frombuffer(content, np.uint8, offset=start)
    if len(values) != np.prod(shape, dtype=object):
        raise ValueError(f"it has {len(values):,} values, not those of an array of {shape}")
    return values.reshape(shape)
