"""CIFAR-10: torchvision's folder layout and checksums, read without importing torch."""

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.data.archive import Archive
from explorer.data.splits import ChannelSums, Digests, Pixels, Split, SplitName

SIDE = 32  # pixels
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# The checksums are torchvision's; a test compares them. Written out, so that a download need not import torch.
ARCHIVE = Archive(
    title="CIFAR-10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    size=170_498_071,
    folder="cifar-10-batches-py",
    files={
        "batches.meta": (158, "5ff9c542aee3614f3951f8cda6e48888"),
        "data_batch_1": (31_035_704, "c99cafc152244af753f735de768cd75f"),
        "data_batch_2": (31_035_320, "d4bba439e000b95fd0a9bffe97cbabec"),
        "data_batch_3": (31_035_999, "54ebc095f3ab1f0389bbae665268c751"),
        "data_batch_4": (31_035_696, "634d18415352ddfa80567beed471001a"),
        "data_batch_5": (31_035_623, "482c414d41f54cd18b22e5b47cb7c3cb"),
        "test_batch": (31_035_526, "40351d587109b95175f43aff81a1287e"),
    },
)

FILES: dict[SplitName, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}

# Measured on the published files; tests measure them again.
CHANNEL_SUMS = {
    32: ChannelSums((6415714204, 6295060180, 5829907619), (1007102432534, 971356520230, 891641299129)),
    16: ChannelSums((1605538997, 1575378188, 1459087866), (248565660353, 239736528842, 219849437612)),
}

DIGESTS = {
    32: Digests(
        train="cab55defe72448f28a7403d809d38c6a132caf6fe7a46d2cb57ac0456d959cfa",
        test="fafcb5acb4dca6bd4926a387704ef3bf80c4c6d2ea74b4764c62d930fed8e53f",
        all="5a9028e75030f6fea9083c25a6fb0e2168bcce442abf3547894055a27b9dd75d",
    ),
    16: Digests(
        train="df85e9c33e748d80f596ae6dddf84cacc98f41efb632fa0196b6432d7e8a4d9a",
        test="09639e1e7e16021cc0a17a424d894be00799367e42827e075e090ffbacf69ca8",
        all="266c1d861ab9dcf51207e2d09d84a745fc827f3c22b71d8d3124dc95597221e2",
    ),
}


def read(data_folder: Path, split: SplitName, side: int = SIDE) -> Split:
    """The 50,000 training or the 10,000 test images; files are checked before they are unpickled.

    Args:
        side: 32 pixels, or 16 for halved images.

    Raises:
        ValueError: a file is not the published one.
        OSError: a file cannot be read.
    """
    parts = [pickle.loads(ARCHIVE.content(data_folder, name), encoding="latin1") for name in FILES[split]]
    data, labels = (np.concatenate([part[key] for part in parts]) for key in ("data", "labels"))
    return split_of(data, labels, side)


def split_of(data: NDArray[np.uint8], labels: ArrayLike, side: int) -> Split:
    """Images as their authors keep them, a row each with one channel after the other, and their labels."""
    planes = data.reshape(-1, 3, SIDE, SIDE)
    pixels = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))  # contiguous as (N, H, W, C)
    return Split(pixels if side == SIDE else halved(pixels), np.asarray(labels, np.int64))


def halved(pixels: Pixels) -> Pixels:
    """Pixels at half the side: the mean of each 2x2 pixels, half rounded up."""
    count, height, width, channels = pixels.shape
    total = np.full((count, height // 2, width // 2, channels), 2, np.uint16)
    for row in (0, 1):
        for column in (0, 1):
            total += pixels[:, row::2, column::2]
    return (total // 4).astype(np.uint8)
