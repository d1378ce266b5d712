"""Kinds of normalisation: their numbers against what they are said to be."""

import numpy as np
import pytest
import torch

from explorer.data.batches import Batches, Normalisation
from explorer.data.normalisations import NORMALISATIONS, normalisation_row
from explorer.errors import BadSettings, UnknownName

FIXED = [row for row in NORMALISATIONS.values() if not row.measured]


def numbers(kind):
    return NORMALISATIONS[kind].mean, NORMALISATIONS[kind].std


@pytest.mark.parametrize("row", NORMALISATIONS.values(), ids=NORMALISATIONS)
def test_rows_are_consistent(row):
    assert NORMALISATIONS[row.name] is row
    assert len(row.mean) == len(row.std)
    assert bool(row.source) == (not row.measured)
    assert row.users
    assert normalisation_row(row.name) is row


def test_imagenets_are_torchvisions():
    from torchvision.models import get_weight

    transforms = get_weight("ResNet50_Weights.IMAGENET1K_V1").transforms()
    assert numbers("imagenet") == (tuple(transforms.mean), tuple(transforms.std))


def test_cifar10s_are_of_all_images_or_the_mean_of_each(cifar10):
    pixels = cifar10.train_pixels.reshape(50_000, -1, 3)
    total = {"mean": np.zeros(3), "squares": np.zeros(3), "stds": np.zeros(3)}
    for part in np.split(pixels, 50):
        values = part.astype(np.float32)
        mean, squares = (each.astype(float) for each in (values.mean(axis=1), (values * values).mean(axis=1)))
        total["mean"] += mean.mean(axis=0) / 255 / 50
        total["squares"] += squares.mean(axis=0) / 255**2 / 50
        total["stds"] += np.sqrt(squares - mean**2).mean(axis=0) / 255 / 50
    pooled = np.sqrt(total["squares"] - total["mean"] ** 2)
    assert numbers("cifar10-pooled") == (pytest.approx(total["mean"], abs=1e-4), pytest.approx(pooled, abs=5e-5))
    assert numbers("cifar10") == (pytest.approx(total["mean"], abs=1e-4), pytest.approx(total["stds"], abs=2e-4))


@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.name)
def test_fixed_kinds_are_applied_as_torchvision_does(row, colours):
    from torchvision.transforms import functional

    images = Batches(colours, batch_size=8, normalisation=row.name).normalisation(colours.test_pixels)
    scaled = torch.from_numpy(colours.test_pixels).permute(0, 3, 1, 2) / 255
    every = [each * 3 if len(each) == 1 else each for each in (row.mean, row.std)]
    torch.testing.assert_close(images, functional.normalize(scaled, *every), rtol=0, atol=1e-5)


@pytest.mark.parametrize("row", FIXED, ids=lambda row: row.name)
def test_a_kind_of_three_channels_is_refused_for_grey_images(row):
    if len(row.mean) == 1:
        assert Normalisation.known("digits", None, row.name).mean.shape == (1, 1, 1)
        return
    with pytest.raises(BadSettings) as error:
        Normalisation.known("digits", None, row.name)
    assert str(error.value) == (
        f"`normalisation` (={row.name!r}) is of 3 channels; Handwritten digits has 1. Choose 'channel'."
    )


def test_fixed_kinds_read_no_images(monkeypatch):
    monkeypatch.setattr("explorer.data.batches.load_data", lambda *_: pytest.fail("the data set was read"))
    assert Normalisation.known("cifar10", 16, "half").mean.flatten().tolist() == [0.5, 0.5, 0.5]


def test_a_kind_can_be_measured_on_another_data_set(colours):
    elsewhere, there = Normalisation.of(colours, "channel:cifar10"), Normalisation.known("cifar10")
    assert torch.equal(elsewhere.mean, there.mean)
    assert torch.equal(elsewhere.std, there.std)
    halved = Normalisation.known("imagenet", 16, "channel:cifar10")
    assert torch.equal(halved.std, Normalisation.known("cifar10", 16).std)


def test_what_was_measured_elsewhere_has_to_fit(colours):
    with pytest.raises(BadSettings, match=r"\(='channel:digits'\) is of 1 channels; Colours has 3"):
        Normalisation.of(colours, "channel:digits")
    with pytest.raises(BadSettings, match=r"`image_size` \(=6\) is not a size of CIFAR-10"):
        Normalisation.of(colours, "pixel:cifar10")


@pytest.mark.parametrize("kind", ["zca", "imagenet:cifar10", ""])
def test_an_unknown_kind_is_refused(kind):
    with pytest.raises(
        UnknownName, match=f"No normalisation is called '{kind}'.* Known: channel, pixel, imagenet, cifar"
    ):
        Normalisation.known("digits", None, kind)
