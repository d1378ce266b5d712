"""The published data sets, a row each, in menu order; importing this module reads no data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.data import cifar, cifar100, digits, mnist, svhn
from explorer.data.archive import Archive
from explorer.data.file_set import FileSet
from explorer.data.splits import ChannelSums, Digests, Split, SplitName
from explorer.errors import BadSettings

LARGEST = 1024  # side in pixels to which pictures of folders can be scaled


@dataclass(frozen=True, slots=True, eq=False)
class DatasetRow:
    """A data set.

    Attributes:
        sizes: available sides in pixels, the original first.
        classes: names, in order of label.
        augment: whether training crops and mirrors its images by default.
        read: gives its training or test images of a side, from the data folder.
        archive: what is downloaded; None for built-in data sets.
        channel_sums: sums over the training images by side, for `Normalisation.known`, where reading takes seconds.
        digests: fingerprints of its images by side; with them its decoded images are kept, see `data.decoded`.
        source: who made it and where it is described.
        licence: under which its images may be used; empty if unknown.
        any_size: whether other sizes are available too, since its pictures are scaled.
        normalisation: its default for untrained networks, a kind in `NORMALISATIONS`.
    """

    name: str
    title: str
    channels: int
    sizes: tuple[int, ...]
    classes: tuple[str, ...]
    train_images: int
    test_images: int
    augment: bool
    read: Callable[[Path, SplitName, int], Split]
    archive: Archive | FileSet | None = None
    channel_sums: Mapping[int, ChannelSums] = field(default_factory=dict)
    digests: Mapping[int, Digests] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    any_size: bool = False
    normalisation: str = "channel"

    def side(self, image_size: int | None) -> int:
        """The side in pixels of its images, given the one asked for; None asks for the original.

        Raises:
            BadSettings: it is not available in that size.
        """
        side = self.sizes[0] if image_size is None else image_size
        if side in self.sizes or (self.any_size and 1 <= side <= LARGEST):
            return side
        sizes = f"1 to {LARGEST}" if self.any_size else " or ".join(str(size) for size in self.sizes)
        raise BadSettings(f"`image_size` (={side}) is not a size of {self.title}: it comes in {sizes} pixels a side.")


_CIFAR = "none stated; the authors ask to be cited"

_ROWS = (
    DatasetRow(
        name="digits",
        title="Handwritten digits",
        channels=1,
        sizes=(8,),
        classes=digits.CLASSES,
        train_images=1437,
        test_images=360,
        augment=False,
        read=digits.read,
        source="Alpaydin and Kaynak 1998, UCI repository; part of scikit-learn",
        licence="CC BY 4.0",
    ),
    DatasetRow(
        name="cifar10",
        title="CIFAR-10",
        channels=3,
        sizes=(32, 16),
        classes=cifar.CLASSES,
        train_images=50_000,
        test_images=10_000,
        augment=True,
        read=cifar.read,
        archive=cifar.ARCHIVE,
        channel_sums=cifar.CHANNEL_SUMS,
        digests=cifar.DIGESTS,
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        licence=_CIFAR,
    ),
    DatasetRow(
        name="cifar100",
        title="CIFAR-100",
        channels=3,
        sizes=(32, 16),
        classes=cifar100.CLASSES,
        train_images=50_000,
        test_images=10_000,
        augment=True,
        read=cifar100.read,
        archive=cifar100.ARCHIVE,
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        licence=_CIFAR,
    ),
    DatasetRow(
        name="cifar100-coarse",
        title="CIFAR-100, 20 coarse classes",
        channels=3,
        sizes=(32, 16),
        classes=cifar100.COARSE_CLASSES,
        train_images=50_000,
        test_images=10_000,
        augment=True,
        read=cifar100.read_coarse,
        archive=cifar100.ARCHIVE,
        source="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images",
        licence=_CIFAR,
    ),
    DatasetRow(
        name="svhn",
        title="SVHN",
        channels=3,
        sizes=(32, 16),
        classes=svhn.CLASSES,
        train_images=73_257,
        test_images=26_032,
        augment=False,  # mirrored digits are no digits
        read=svhn.read,
        archive=svhn.FILES,
        source="Netzer et al. 2011, Reading Digits in Natural Images with Unsupervised Feature Learning",
        licence="non-commercial use only",
    ),
    DatasetRow(
        name="fashionmnist",
        title="FashionMNIST",
        channels=1,
        sizes=(28,),
        classes=mnist.FASHION,
        train_images=60_000,
        test_images=10_000,
        augment=True,
        read=mnist.read_fashion,
        archive=mnist.FASHION_FILES,
        source="Xiao et al. 2017, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
        licence="MIT",
    ),
    DatasetRow(
        name="mnist",
        title="MNIST",
        channels=1,
        sizes=(28,),
        classes=mnist.DIGITS,
        train_images=60_000,
        test_images=10_000,
        augment=False,
        read=mnist.read_mnist,
        archive=mnist.MNIST_FILES,
        source="LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition",
        licence="CC BY-SA 3.0",
    ),
)

DATASETS: dict[str, DatasetRow] = {row.name: row for row in _ROWS}
