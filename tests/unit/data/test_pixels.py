import hashlib

import numpy as np
import pytest

from explorer.data import cifar
from explorer.data.catalogue import DATASETS, data_folder, data_status
from explorer.data.pixels import load_data, load_test
from explorer.errors import BadSettings, DataMissing, UnknownName


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_is_what_its_row_says(name):
    row = DATASETS[name]
    if not data_status(name).available:
        pytest.skip(data_status(name).detail)
    for side in row.sizes:
        data = load_data(name, side)
        assert data.train_pixels.shape == (row.train_images, side, side, row.channels)
        assert data.test_pixels.shape == (row.test_images, side, side, row.channels)
        assert (data.image_size, data.channels) == (side, row.channels)
        for pixels, labels in ((data.train_pixels, data.train_labels), (data.test_pixels, data.test_labels)):
            assert (pixels.dtype, labels.dtype) == (np.uint8, np.int64)
            assert len(pixels) == len(labels)
            assert set(labels) == set(range(len(row.classes)))
            assert not pixels.flags.writeable
        assert data.augment == row.augment


def test_digits_are_scikit_learns_each_image_once_and_split_evenly(digits):
    from sklearn.datasets import load_digits

    published = load_digits()
    ours = np.concatenate([digits.train_pixels, digits.test_pixels])[..., 0]
    assert sorted(map(bytes, ours)) == sorted(map(bytes, np.round(published.images / 16 * 255).astype(np.uint8)))
    for label in range(10):
        count = (published.target == label).sum()
        assert abs((digits.test_labels == label).sum() - count / 5) <= 1


def test_the_digits_split_never_changes(digits):
    labels = hashlib.sha256(digits.test_labels.tobytes()).hexdigest()
    assert labels.startswith("89df99af78ca")
    assert digits.fingerprint.startswith("11dd4dbcd865")


def test_a_data_set_is_read_once(digits):
    assert load_data("digits") is load_data("digits", 8) is digits


def test_test_images_alone_are_those_of_the_data_set(digits):
    alone = load_test("digits")
    assert alone.pixels is digits.test_pixels
    assert alone.labels is digits.test_labels
    with pytest.raises(BadSettings, match="is not a size of Handwritten digits"):
        load_test("digits", 16)


def test_the_test_images_of_cifar10_are_had_without_the_training_images(cifar10, monkeypatch, tmp_path):
    folder = tmp_path / cifar.ARCHIVE.folder
    folder.mkdir()
    for name, (size, _) in cifar.ARCHIVE.files.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    (folder / "test_batch").unlink()
    (folder / "test_batch").symlink_to(data_folder() / cifar.ARCHIVE.folder / "test_batch")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    for side, expected in ((32, cifar10.test_pixels), (16, cifar.halved(cifar10.test_pixels))):
        alone = load_test("cifar10", side)
        np.testing.assert_array_equal(alone.pixels, expected)
        np.testing.assert_array_equal(alone.labels, cifar10.test_labels)
        assert not alone.pixels.flags.writeable
    with pytest.raises(DataMissing):
        load_data("cifar10")


@pytest.mark.slow
def test_cifar10_is_torchvisions(cifar10):
    from torchvision.datasets import CIFAR10

    ours = {True: (cifar10.train_pixels, cifar10.train_labels), False: (cifar10.test_pixels, cifar10.test_labels)}
    for train, (images, labels) in ours.items():
        theirs = CIFAR10(data_folder(), train=train)
        np.testing.assert_array_equal(images, theirs.data)
        assert labels.tolist() == theirs.targets
        assert list(cifar10.classes) == theirs.classes


def test_checksums_of_cifar10_are_torchvisions():
    from torchvision.datasets import CIFAR10

    theirs = dict([*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], CIFAR10.meta["md5"])])
    assert {name: md5 for name, (_, md5) in cifar.ARCHIVE.files.items()} == theirs
    assert (cifar.ARCHIVE.url, cifar.ARCHIVE.md5) == (CIFAR10.url, CIFAR10.tgz_md5)


def test_halving_averages_2x2_pixels_and_rounds():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), np.uint8)
    mean = pixels.reshape(5, 4, 2, 3, 2, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(cifar.halved(pixels), np.floor(mean + 0.5))


def test_cifar10_at_16_pixels_is_the_halved_one(cifar10):
    small = load_data("cifar10", 16)
    mean = cifar10.test_pixels[:50].reshape(50, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    np.testing.assert_array_equal(small.test_pixels[:50], np.floor(mean + 0.5))
    assert small.fingerprint != cifar10.fingerprint


def test_a_size_that_the_data_set_does_not_have_is_an_error():
    with pytest.raises(BadSettings) as error:
        load_data("cifar10", 24)
    assert str(error.value) == "`image_size` (=24) is not a size of CIFAR-10: it comes in 32 or 16 pixels a side."


def test_an_unknown_data_set_is_an_error():
    with pytest.raises(UnknownName, match=r"No data set is called 'cifar'\. Did you mean 'cifar10'\? Known: digits, c"):
        load_data("cifar")


def test_missing_cifar10_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    with pytest.raises(DataMissing) as error:
        load_data("cifar10")
    assert str(error.value) == (
        f"CIFAR-10 is not in {tmp_path}. Download it on the Data page or with "
        "`python -m explorer data download cifar10`, or choose the built-in digits."
    )
