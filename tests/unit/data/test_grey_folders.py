"""Networks that take grey images are shown folders of colour pictures, converted."""

import numpy as np
import pytest
from PIL import Image

from explorer.data.batches import Normalisation
from explorer.data.catalogue import data_for_classes, data_status, dataset
from explorer.data.pixels import load_data, load_test
from explorer.models.network import build
from explorer.training.evaluation import evaluate


@pytest.fixture
def pets(tmp_path):
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            for number in range(3):
                file = tmp_path / "pets" / split / name / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(0, 256, (40, 40, 3), np.uint8)).save(file)
    return tmp_path / "pets"


def test_pictures_are_converted_to_grey(pets):
    name = f"grey-folder:{pets}"
    row, test = dataset(name), load_test(name, 40)
    assert (row.channels, row.classes, row.title) == (1, ("cat", "dog"), "The folder pets, in grey")
    assert test.pixels.shape == (6, 40, 40, 1)
    colours = np.array(Image.open(pets / "val" / "cat" / "0.png")) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(test.pixels[0][..., 0], colours, atol=1)
    assert "converted to grey" in data_status(name).detail
    assert Normalisation.known(name, 40).mean.shape == (1, 1, 1)
    assert load_data(name, 40).channels == 1


def test_a_grey_network_takes_the_folder_under_its_grey_name(pets):
    name = f"folder:{pets}"
    assert data_for_classes(name, ("cat", "dog"), 1) == data_for_classes(name, (), 1) == f"grey-{name}"
    assert data_for_classes(f"grey-{name}", ("cat", "dog"), 1) == f"grey-{name}"
    assert data_for_classes(name, ("cat", "dog"), 3) == name
    network = build("resnet8", classes=2, channels=1)
    network.normalisation = "unit"
    assert evaluate(network, name)["images"] == 6


def test_a_grey_network_of_cifar10s_classes_takes_them_too(pets):
    classes = dataset("cifar10").classes
    assert data_for_classes(f"folder:{pets}/train", classes, 1) == f"grey-cifar10:{pets}/train"


def test_a_folder_of_digits_is_grey(tmp_path):
    for name in ("3", "7"):
        (tmp_path / "numbers" / name).mkdir(parents=True)
        Image.new("RGB", (9, 9), "red").save(tmp_path / "numbers" / name / "1.png")
    test = load_test(f"mnist:{tmp_path / 'numbers'}")
    assert test.labels.tolist() == [3, 7]
    assert test.pixels.shape == (2, 28, 28, 1)
    assert data_for_classes(f"folder:{tmp_path / 'numbers'}", dataset("digits").classes, 1).startswith("digits:")
