import numpy as np
import pytest
import torch

from explorer.data.batches import (
    AUGMENTATION,
    Batches,
    Normalisation,
    augmented,
    balanced_subset,
    random_numbers,
)
from explorer.data.catalogue import DATASETS, data_status
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, UnknownName


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def statistics(normalisation):
    return normalisation.mean, normalisation.std


def counts(labels):
    return np.bincount(labels).tolist()


def test_a_batch_depends_on_the_seed_and_the_step_alone(colours):
    forwards, backwards = (Batches(colours, batch_size=8, train_images=24, seed=3) for _ in range(2))
    seen = {step: forwards.batch(step) for step in range(20)}
    for step in reversed(range(20)):
        assert same(seen[step], backwards.batch(step))


def test_another_seed_and_another_step_give_other_batches(colours):
    batch = Batches(colours, batch_size=8, seed=0).batch(5)
    assert not same(batch, Batches(colours, batch_size=8, seed=1).batch(5))
    assert not same(batch, Batches(colours, batch_size=8, seed=0).batch(6))


def test_networks_in_lockstep_share_the_last_batch(colours):
    batches = Batches(colours, batch_size=8)
    assert batches.batch(4)[0] is batches.batch(4)[0]


def test_each_epoch_is_a_permutation_of_the_training_subset(colours):
    batches = Batches(colours, batch_size=8, train_images=24)
    epochs = [np.concatenate([batches.indices(3 * epoch + step) for step in range(3)]) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == batches.subset.tolist()
    assert epochs[0].tolist() != epochs[1].tolist()


def test_what_does_not_fill_a_batch_is_left_out_of_the_epoch(colours):
    batches = Batches(colours, batch_size=25)
    assert batches.steps_per_epoch == 2
    assert len({*batches.indices(0), *batches.indices(1)}) == 50


def test_a_batch_holds_the_normalised_images_and_their_labels(colours):
    batches = Batches(colours, batch_size=8, augment=False)
    images, labels = batches.batch(0)
    chosen = batches.indices(0)
    mean, std = (colours.train_pixels / 255).mean(axis=(0, 1, 2)), (colours.train_pixels / 255).std(axis=(0, 1, 2))
    expected = (colours.train_pixels[chosen] / 255 - mean) / std
    assert labels.tolist() == colours.train_labels[chosen].tolist()
    assert labels.dtype == torch.int64
    assert images.dtype == torch.float32
    np.testing.assert_allclose(images.permute(0, 2, 3, 1), expected, atol=1e-5)


def test_images_are_channels_last_in_memory(colours):
    for augment in (False, True):
        images, _ = Batches(colours, batch_size=8, augment=augment).batch(0)
        assert images.shape == (8, 3, 6, 6)
        assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("augment", [False, True])
def test_batches_made_from_images_on_the_device_are_the_same_bits(augment, colours):
    here, there = (Batches(colours, batch_size=8, augment=augment, resident=each) for each in (False, True))
    for step in (0, 9):
        assert same(here.batch(step), there.batch(step))
        assert there.batch(step)[0].is_contiguous(memory_format=torch.channels_last)


def test_augmentation_is_pad_crop_and_mirror_of_each_image():
    images = torch.arange(1.0, 40 * 3 * 5 * 6 + 1).view(40, 3, 5, 6)
    found = augmented(images, random_numbers(7, AUGMENTATION, 11))
    generator = random_numbers(7, AUGMENTATION, 11)
    tops, lefts, coins = generator.integers(0, 9, 40), generator.integers(0, 9, 40), generator.random(40)
    for image, result, top, left, coin in zip(images, found, tops, lefts, coins, strict=True):
        padded = np.pad(image.numpy(), [(0, 0), (4, 4), (4, 4)])
        crop = padded[:, top : top + 5, left : left + 6]
        np.testing.assert_array_equal(result, crop[:, :, ::-1] if coin < 0.5 else crop)


def test_batches_are_augmented_after_normalisation_with_numbers_of_their_step(colours):
    plain, crops = (Batches(colours, batch_size=8, seed=2, augment=augment) for augment in (False, True))
    expected = augmented(plain.batch(9)[0], random_numbers(2, AUGMENTATION, 9))
    assert torch.equal(crops.batch(9)[0], expected)


def test_augmentation_follows_the_data_set_unless_told(colours, digits):
    assert Batches(colours, batch_size=8).augment
    assert not Batches(digits, batch_size=8).augment
    assert Batches(digits, batch_size=8, augment=True).augment


def test_crops_move_an_image_by_up_to_four_pixels_each_way_equally_often():
    images = torch.zeros(8100, 1, 9, 9)
    images[:, :, 4, 4] = 1
    places = augmented(images, np.random.default_rng(0)).reshape(8100, 81).argmax(dim=1)
    assert (torch.bincount(places, minlength=81) - 100).abs().max() < 50


def test_a_balanced_subset_takes_the_classes_equally():
    labels = np.repeat([0, 1, 2], [50, 40, 30])
    for count in (3, 10, 29, 90):
        shares = counts(labels[balanced_subset(labels, count, seed=1)])
        assert sum(shares) == count
        assert max(shares) - min(shares) <= 1


def test_a_class_that_runs_out_gives_all_it_has():
    labels = np.repeat([0, 1, 2], [50, 40, 30])
    assert counts(labels[balanced_subset(labels, 100, seed=0)]) == [35, 35, 30]


def test_a_balanced_subset_has_no_image_twice_and_depends_on_the_seed(digits):
    one, again, other = (balanced_subset(digits.train_labels, 200, seed) for seed in (1, 1, 2))
    assert len(set(one)) == 200
    assert one.tolist() == again.tolist()
    assert one.tolist() != other.tolist()


def test_a_smaller_subset_is_part_of_a_larger_one(digits):
    small, large = (balanced_subset(digits.train_labels, count, seed=4) for count in (100, 300))
    assert set(small) < set(large)


def test_batches_take_their_training_images_from_the_balanced_subset(digits):
    batches = Batches(digits, batch_size=50, train_images=500, seed=3)
    assert set(np.concatenate([batches.indices(step) for step in range(10)])) == set(batches.subset)
    assert counts(digits.train_labels[batches.subset]) == [50] * 10


def test_the_training_sample_is_a_fixed_part_of_the_training_subset(colours):
    batches = Batches(colours, batch_size=8, train_images=24, seed=1)
    sample, again = batches.train_sample(12), batches.train_sample(12)
    assert len(sample) == 12
    assert counts(sample.labels) == [4, 4, 4]
    assert sample.pixels.tolist() == again.pixels.tolist()
    subset = {pixels.tobytes() for pixels in colours.train_pixels[batches.subset]}
    assert {pixels.tobytes() for pixels in sample.pixels} < subset


def test_the_test_sample_is_the_same_for_every_seed(digits):
    one, other = (Batches(digits, batch_size=8, seed=seed).test_sample(100) for seed in (0, 1))
    assert one.pixels.tolist() == other.pixels.tolist()
    assert counts(one.labels) == [10] * 10


def test_a_sample_is_at_most_what_there_is(colours):
    batches = Batches(colours, batch_size=8, train_images=24)
    assert len(batches.train_sample(1000)) == 24
    assert len(batches.test_sample(1000)) == len(batches.test_set()) == 20


def test_a_sample_gives_normalised_images_in_order_in_parts_of_250(digits):
    batches = Batches(digits, batch_size=8)
    sample = batches.test_set()
    for _ in range(2):  # it can be iterated again
        parts = list(sample)
        assert [len(labels) for _, labels in parts] == [250, 110]
    assert torch.cat([labels for _, labels in parts]).tolist() == digits.test_labels.tolist()
    assert torch.equal(torch.cat([images for images, _ in parts]), batches.normalisation(digits.test_pixels))


def test_channel_statistics_of_cifar10_are_the_well_known_ones(cifar10):
    normalisation = Normalisation.of(cifar10)
    assert normalisation.mean.flatten().tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)
    assert normalisation.std.flatten().tolist() == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)


@pytest.mark.parametrize(("name", "side"), [(row.name, side) for row in DATASETS.values() for side in row.sizes])
@pytest.mark.parametrize("kind", ["channel", "pixel"])
def test_what_is_known_of_the_training_images_is_what_is_measured_on_them(name, side, kind):
    if not data_status(name).available:
        pytest.skip(data_status(name).detail)
    measured = Normalisation.of(load_data(name, side), kind)
    assert same(statistics(Normalisation.known(name, side, kind)), statistics(measured))


def test_cifar10_is_normalised_without_reading_its_training_images(monkeypatch):
    monkeypatch.setattr("explorer.data.batches.load_data", lambda *_: pytest.fail("the data set was read"))
    expected = [0.4914, 0.4822, 0.4465, 0.2470, 0.2435, 0.2616]
    assert torch.cat(statistics(Normalisation.known("cifar10"))).flatten().tolist() == pytest.approx(expected, abs=5e-5)


def test_pixel_normalisation_subtracts_the_mean_image_and_nothing_else(colours):
    normalisation = Normalisation.of(colours, "pixel")
    expected = (colours.train_pixels / 255 - (colours.train_pixels / 255).mean(axis=0)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(normalisation(colours.train_pixels), expected, atol=1e-6)


def test_an_unknown_normalisation_is_refused(colours):
    with pytest.raises(UnknownName, match=r"^No normalisation is called 'zca'\. Known: channel, pixel, imagenet, "):
        Batches(colours, batch_size=8, normalisation="zca")


def test_more_training_images_than_there_are_is_an_error(colours):
    with pytest.raises(BadSettings) as error:
        Batches(colours, batch_size=8, train_images=61)
    assert str(error.value) == (
        "`train_images` (=61) is more than the 60 training images of Colours. Lower it or leave it out to take all."
    )


def test_a_batch_larger_than_the_training_set_is_an_error(colours):
    with pytest.raises(BadSettings) as error:
        Batches(colours, batch_size=64)
    assert str(error.value) == (
        "`batch_size` (=64) is larger than the 60 training images, so an epoch has no full batch. "
        "Lower `batch_size` or use more images."
    )
