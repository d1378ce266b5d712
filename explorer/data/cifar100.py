"""CIFAR-100: torchvision's folder layout and checksums, read without importing torch."""

import pickle
from pathlib import Path

import numpy as np

from explorer.data.archive import Archive
from explorer.data.cifar import SIDE, split_of
from explorer.data.splits import Split, SplitName

CLASSES = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip
COARSE_CLASSES = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
)  # fmt: skip

# The checksums are torchvision's; a test compares them. Sizes that are not published are not compared.
ARCHIVE = Archive(
    title="CIFAR-100",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    size=169_001_437,
    folder="cifar-100-python",
    files={
        "meta": (None, "7973b15100ade9c7d40fb424638fde48"),
        "train": (155_249_918, "16019d7e3df5f24257cddd939b257f8d"),
        "test": (None, "f0ef6b0ae62326f3e7ffdfab6717acfc"),
    },
)


def read(data_folder: Path, split: SplitName, side: int = SIDE) -> Split:
    """The 50,000 training or the 10,000 test images with the 100 fine classes; arguments and errors of `cifar.read`."""
    return _read(data_folder, split, side, "fine_labels")


def read_coarse(data_folder: Path, split: SplitName, side: int = SIDE) -> Split:
    """The same images with the 20 coarse classes."""
    return _read(data_folder, split, side, "coarse_labels")


def _read(data_folder: Path, split: SplitName, side: int, labels: str) -> Split:
    part = pickle.loads(ARCHIVE.content(data_folder, split), encoding="latin1")
    return split_of(np.asarray(part["data"]), part[labels], side)
