"""Training batches and evaluation samples, determined by the seed and the step alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from explorer.data.catalogue import DatasetRow, dataset, no_training_images
from explorer.data.file_pixels import FilePixels
from explorer.data.normalisations import normalisation_row
from explorer.data.pixels import Data, load_data, load_test
from explorer.data.splits import Labels, Pixels
from explorer.errors import BadSettings

Batch = tuple[Tensor, Tensor]  # images float32 (B, C, H, W), channels last in memory; labels int64 (B,)

PADDING = 4  # He et al. 2015, section 4.2
EVALUATION_BATCH = 250
EVALUATION_POSITIONS = 32 * 224**2  # pixels of an evaluation batch at most: more would take gigabytes in a network
RESIDENT_SHARE = 0.1  # of an accelerator's free memory that training images may take
MEASURED_POSITIONS = 1000 * 32**2  # pixels summed at once to measure a normalisation
TEST_SAMPLE_SEED = 0  # runs of all seeds are tested on the same images

# One independent stream of random numbers for each purpose.
SUBSET, ORDER, AUGMENTATION, LEFT_OUT = 1, 2, 3, 4  # the last: dropped branches, see `training.stochastic_depth`


def random_numbers(seed: int, stream: int, number: int = 0) -> np.random.Generator:
    """The generator for draw `number` of a stream; draws are independent, no state is carried between them."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, number)))


@dataclass(frozen=True, slots=True, eq=False)
class Normalisation:
    """The normalisation of a network's input: (pixels / 255 - mean) / std.

    Attributes:
        mean: float32 (C, 1, 1), or (C, H, W) for a mean image; on the 0..1 scale.
        std: float32 (C, 1, 1); ones for a mean image, which the paper only subtracts.
    """

    mean: Tensor
    std: Tensor

    @staticmethod
    @lru_cache(maxsize=8)
    def of(data: Data, kind: str = "channel") -> "Normalisation":
        """A kind of normalisation for a data set; measured kinds use all its training images, so that all runs agree.

        Args:
            kind: name in `NORMALISATIONS`; "channel:cifar10" is the one measured on CIFAR-10, for images of `data`.

        Raises:
            UnknownName: there is no such kind or data set.
            BadSettings: the number of channels differs, or `data` has no training images to measure on.
        """
        if (independent := _independent_of(kind, data, data.image_size)) is not None:
            return independent
        if not len(data.train_labels):
            raise BadSettings(
                f"`normalisation` (={kind!r}) is measured on training images, and {data.title} has none. Choose a "
                f"fixed kind, such as 'imagenet', or that of another data set, such as '{kind}:cifar10'."
            )
        total = np.zeros(data.train_pixels.shape[1:], np.int64)
        squares = np.zeros(data.channels, np.int64)
        together = max(1, MEASURED_POSITIONS // data.image_size**2)
        for start in range(0, len(data.train_pixels), together):
            pixels = np.asarray(data.train_pixels[start : start + together])
            total += pixels.sum(axis=0, dtype=np.int64)
            squares += np.square(pixels, dtype=np.int32).sum(axis=(0, 1, 2), dtype=np.int64)
        count = len(data.train_pixels)
        if kind == "pixel":
            image = torch.from_numpy(total / (count * 255)).permute(2, 0, 1)
            return Normalisation(image.float(), torch.ones(data.channels, 1, 1))
        return _of_channels(total.sum(axis=(0, 1)), squares, count * data.image_size**2)

    @staticmethod
    def known(name: str, image_size: int | None = None, kind: str = "channel") -> "Normalisation":
        """Bit-identical to `of`, without reading images if the kind is fixed or the data set's sums are known.

        Args and errors as for `load_data` and `of`.
        """
        row = dataset(name)
        side = row.side(image_size)
        if (independent := _independent_of(kind, row, side)) is not None:
            return independent
        if kind != "channel" or side not in row.channel_sums:
            return Normalisation.of(load_data(name, image_size), kind)
        sums = row.channel_sums[side]
        return _of_channels(np.array(sums.pixels), np.array(sums.squares), row.train_images * side**2)

    def __call__(self, pixels: Pixels | FilePixels | Tensor, device: torch.device | str = "cpu") -> Tensor:
        """Images float32 (N, C, H, W), channels last in memory, from uint8 pixels (N, H, W, C)."""
        if not isinstance(pixels, Tensor):
            pixels = torch.tensor(np.asarray(pixels))  # a copy: torch warns of arrays that are read-only
        scale, shift = _scale_and_shift(self, *pixels.shape[1:3], torch.device(device))
        return torch.addcmul(shift, pixels.to(device).float(), scale).permute(0, 3, 1, 2)


@lru_cache(maxsize=8)
def _scale_and_shift(normalisation: Normalisation, height: int, width: int, device: torch.device) -> Batch:
    """What pixels are multiplied by and what is then added, (H, W, C): one fused pass over a batch.

    Expanded per value, since short rows of C are slow.
    """
    every = (normalisation.mean.shape[0], height, width)
    std = normalisation.std.cpu().double()
    both = 1 / (255 * std), -normalisation.mean.cpu().double() / std
    scale, shift = (each.float().expand(every).permute(1, 2, 0).contiguous().to(device) for each in both)
    return scale, shift


def _of_channels(total: NDArray[np.int64], squares: NDArray[np.int64], values: int) -> Normalisation:
    """The normalisation given the sums of pixels and of their squares over `values` positions, int64 (C,)."""
    mean = total / values
    std = np.sqrt(squares / values - mean**2)
    return Normalisation(*(torch.from_numpy(each / 255).float()[:, None, None] for each in (mean, std)))


def _independent_of(kind: str, data: Data | DatasetRow, side: int) -> Normalisation | None:
    """The normalisation of a kind that is fixed or measured on another data set; None if measured on `data`."""
    row = normalisation_row(kind)
    kind_alone, _, name = kind.partition(":")
    if row.measured and not name:
        return None
    other = dataset(name) if name else None
    channels = other.channels if other else len(row.mean)
    if channels != data.channels and (other or channels > 1):  # a single number applies to every channel
        raise BadSettings(
            f"`normalisation` (={kind!r}) is of {channels} channels; {data.title} has {data.channels}. "
            "Choose 'channel'."
        )
    if other:
        fits = other.any_size or side in other.sizes or kind_alone == "pixel"  # a mean image of another size is refused
        return Normalisation.known(name, side if fits else None, kind_alone)
    mean, std = (torch.tensor(each).expand(data.channels)[:, None, None].clone() for each in (row.mean, row.std))
    return Normalisation(mean, std)


def balanced_subset(labels: Labels, count: int, seed: int) -> NDArray[np.int64]:
    """Ascending indices of a random, class-balanced subset of `count` images.

    Class counts differ by at most one as long as each class has enough images; a class that runs out contributes
    all its images. Subsets of the same seed are nested.

    Raises:
        BadSettings: `count` is below 1 or more than there are.
    """
    if not 1 <= count <= len(labels):
        raise BadSettings(f"Cannot draw {count:,} images: between 1 and {len(labels):,} are there to choose from.")
    generator = random_numbers(seed, SUBSET)
    shuffled = generator.permutation(len(labels))
    turns = generator.permutation(int(labels.max()) + 1)  # order of the classes
    rank = np.empty(len(labels), np.int64)  # of an image within its class
    for label in range(len(turns)):
        members = np.flatnonzero(labels[shuffled] == label)
        rank[members] = np.arange(len(members))
    return np.sort(shuffled[np.lexsort((turns[labels[shuffled]], rank))[:count]])


@dataclass(frozen=True, slots=True)
class Sample:
    """Images to evaluate on, not augmented; its iterators give batches of at most 250, smaller for large images.

    Pictures of a folder are decoded batch by batch. `len()` is the number of images.
    """

    pixels: Pixels | FilePixels
    labels: Labels
    normalisation: Normalisation
    device: torch.device

    def __len__(self) -> int:
        return len(self.labels)

    def whole(self, device: torch.device | str) -> Batch:
        """All images in one batch."""
        return self.normalisation(self.pixels, device), torch.from_numpy(self.labels).to(device)

    def __iter__(self) -> Iterator[Batch]:
        height, width = self.pixels.shape[1:3]
        size = min(EVALUATION_BATCH, max(1, EVALUATION_POSITIONS // (height * width)))
        for start in range(0, len(self), size):
            part = np.arange(start, min(start + size, len(self)))
            labels = torch.from_numpy(self.labels[part]).to(self.device)
            yield self.normalisation(self.pixels[part], self.device), labels


class Batches:
    """The training batches and evaluation samples of a run.

    Args:
        data: what `load_data` gave.
        batch_size: images per step; an incomplete last batch of an epoch is dropped.
        train_images: size of the class-balanced training subset, drawn by the seed; None takes all.
        augment: pad 4, random crop, mirror; None follows the data set.
        normalisation: a kind in `NORMALISATIONS`.
        seed: runs with the same seed get the same batches.
        device: where the batches go.
        resident: the training images are kept on the device as uint8, and batches are made there; None: on an
            accelerator if they take at most a tenth of its free memory.

    Raises:
        BadSettings: fewer training images than asked for, or than a batch; or none at all.
    """

    def __init__(
        self,
        data: Data,
        *,
        batch_size: int,
        train_images: int | None = None,
        augment: bool | None = None,
        normalisation: str = "channel",
        seed: int = 0,
        device: torch.device | str = "cpu",
        resident: bool | None = None,
    ) -> None:
        available = len(data.train_labels)
        if not available:
            raise BadSettings(no_training_images(data.title))
        count = available if train_images is None else train_images
        if count > available:
            raise BadSettings(
                f"`train_images` (={count}) is more than the {available:,} training images of {data.title}. "
                "Lower it or leave it out to take all."
            )
        if batch_size > count:
            raise BadSettings(
                f"`batch_size` (={batch_size}) is larger than the {count:,} training images, "
                "so an epoch has no full batch. Lower `batch_size` or use more images."
            )
        self.data = data
        self.batch_size = batch_size
        self.augment = data.augment if augment is None else augment
        self.normalisation = Normalisation.of(data, normalisation)
        self.seed = seed
        self.device = torch.device(device)
        fits = _fits(data, self.device) if resident is None else resident
        self._resident = _on_device(data, self.device) if fits else None
        self.subset = np.arange(available) if train_images is None else balanced_subset(data.train_labels, count, seed)
        self.steps_per_epoch = count // batch_size
        self._epoch: tuple[int, NDArray[np.int64]] = (-1, self.subset)
        self._last: tuple[int, Batch] | None = None

    def indices(self, step: int) -> NDArray[np.int64]:
        """Indices of the training images in the update from `step` to `step + 1`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch[0] != epoch:
            order = random_numbers(self.seed, ORDER, epoch).permutation(len(self.subset))
            self._epoch = (epoch, self.subset[order])
        return self._epoch[1][place * self.batch_size : (place + 1) * self.batch_size]

    def batch(self, step: int) -> Batch:
        """The images and labels of the update from `step` to `step + 1`; do not change them in place.

        The last batch is kept, so networks trained in lockstep share it.
        """
        if self._last is None or self._last[0] != step:
            chosen = self.indices(step)
            if self._resident is None:
                images = self.normalisation(self.data.train_pixels[chosen], self.device)
                labels = torch.from_numpy(self.data.train_labels[chosen]).to(self.device)
            else:
                places = torch.from_numpy(chosen).to(self.device)
                pixels, labels = (each.index_select(0, places) for each in self._resident)
                images = self.normalisation(pixels, self.device)
            if self.augment:
                images = augmented(images, random_numbers(self.seed, AUGMENTATION, step))
            self._last = step, (images, labels)
        return self._last[1]

    def train_sample(self, count: int) -> Sample:
        """A fixed class-balanced sample of the training subset (all of it if smaller)."""
        labels = self.data.train_labels[self.subset]
        chosen = self.subset[balanced_subset(labels, min(count, len(labels)), self.seed)]
        return self._sample(self.data.train_pixels[chosen], self.data.train_labels[chosen])

    def test_sample(self, count: int) -> Sample:
        """A fixed class-balanced sample of the test set, the same for every seed (all of it if smaller)."""
        labels = self.data.test_labels
        chosen = balanced_subset(labels, min(count, len(labels)), TEST_SAMPLE_SEED)
        return self._sample(self.data.test_pixels[chosen], labels[chosen])

    def test_set(self) -> Sample:
        return self._sample(self.data.test_pixels, self.data.test_labels)

    def _sample(self, pixels: Pixels | FilePixels, labels: Labels) -> Sample:
        return Sample(pixels, labels, self.normalisation, self.device)


def _fits(data: Data, device: torch.device) -> bool:
    """Whether to keep the training images on the device, where batches are then made."""
    if device.type == "cpu" or isinstance(data.train_pixels, FilePixels):
        return False
    return data.train_pixels.nbytes <= RESIDENT_SHARE * torch.accelerator.get_memory_info(device)[0]


@lru_cache(maxsize=2)
def _on_device(data: Data, device: torch.device) -> Batch:
    """Training pixels, uint8 (N, H, W, C), and labels on the device, shared by the batches of all seeds."""
    return torch.tensor(np.asarray(data.train_pixels), device=device), torch.tensor(data.train_labels, device=device)


def sample_of_test_set(
    name: str,
    image_size: int | None,
    count: int,
    *,
    normalisation: str = "channel",
    device: torch.device | str = "cpu",
) -> tuple[NDArray[np.int64], Sample]:
    """The sample of `Batches.test_sample`, without reading the training images if possible.

    Args:
        name, image_size: the data set, as for `load_data`.
        count: number of images; all if there are fewer.

    Returns:
        The ascending indices of the images in the test set, and the images.

    Raises:
        DataMissing: the data set is not on this machine.
    """
    pixels, labels = load_test(name, image_size)
    chosen = balanced_subset(labels, min(count, len(labels)), TEST_SAMPLE_SEED)
    known = Normalisation.known(name, image_size, normalisation)
    return chosen, Sample(pixels[chosen], labels[chosen], known, torch.device(device))


def sample_of_training_set(
    name: str,
    image_size: int | None,
    count: int,
    *,
    normalisation: str = "channel",
    device: torch.device | str = "cpu",
) -> Sample:
    """The sample of `Batches.train_sample` of all training images with seed 0; nothing is measured on them if possible.

    Args:
        name, image_size: the data set, as for `load_data`.
        count: number of images; all if there are fewer.

    Raises:
        DataMissing: the data set is not on this machine.
        BadSettings: it has no training images.
    """
    data = load_data(name, image_size)
    if not len(data.train_labels):
        raise BadSettings(no_training_images(data.title))
    chosen = balanced_subset(data.train_labels, min(count, len(data.train_labels)), 0)
    known = Normalisation.known(name, image_size, normalisation)
    return Sample(data.train_pixels[chosen], data.train_labels[chosen], known, torch.device(device))


def augmented(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Each image padded by 4 zeros (the mean), cropped at random to its size, and mirrored with probability 1/2.

    Args:
        images: (B, C, H, W), normalised.
        generator: draws the crops' rows, then their columns, then the mirrors, one number per image each.
    """
    count, channels, height, width = images.shape
    drawn = [generator.integers(0, 2 * PADDING + 1, count) for _ in range(2)]
    mirrored = generator.random(count) < 0.5
    top, left, flipped = torch.from_numpy(np.stack([*drawn, mirrored])).to(images.device)[:, :, None]  # (B, 1) each
    across = torch.arange(width, device=images.device)
    columns = left + across + flipped * (width - 1 - 2 * across)  # (B, W)
    first = torch.arange(count, device=images.device)[:, None] * (height + 2 * PADDING)
    rows = first + top + torch.arange(height, device=images.device)  # (B, H), in the whole batch
    places = rows[:, :, None] * (width + 2 * PADDING) + columns[:, None, :]  # (B, H, W) in the padded batch
    padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, PADDING, PADDING, PADDING, PADDING))
    chosen = padded.reshape(-1, channels).index_select(0, places.view(-1))
    return chosen.view(count, height, width, channels).permute(0, 3, 1, 2)
