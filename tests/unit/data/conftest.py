"""Fixtures for data sets: the genuine CIFAR-10 where a machine has it, and made ones that take no time."""

import numpy as np
import pytest

from explorer.data.catalogue import data_status
from explorer.data.pixels import Data, load_data


@pytest.fixture(scope="session")
def cifar10() -> Data:
    status = data_status("cifar10")
    if not status.available:
        pytest.skip(status.detail)
    return load_data("cifar10")


@pytest.fixture(scope="session")
def digits() -> Data:
    return load_data("digits")


@pytest.fixture(scope="session")
def colours() -> Data:
    """60 training and 20 test images of 6x6 random colours in three classes of unequal size."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    return Data(
        name="colours",
        title="Colours",
        classes=("red", "green", "blue"),
        train_pixels=generator.integers(0, 256, (60, 6, 6, 3), np.uint8),
        train_labels=generator.permutation(labels),
        test_pixels=generator.integers(0, 256, (20, 6, 6, 3), np.uint8),
        test_labels=labels[::3],
        augment=True,
        fingerprint="made",
    )
