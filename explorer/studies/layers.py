"""Layer studies of networks by reference on images, one table each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from explorer import tables
from explorer.analysis import gradients as gradient_study
from explorer.analysis import initialisation, ledger, responses, shattering
from explorer.analysis.images import PART_VALUES, part_size
from explorer.data.batches import sample_of_test_set, sample_of_training_set
from explorer.data.catalogue import MOST_IMAGES, dataset
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.network import Network, build
from explorer.models.recording import Statistics
from explorer.runs.checkpoint_facts import data_of_untrained
from explorer.settings import require_between
from explorer.studies.references import resolved
from explorer.training.devices import best_device

IMAGES = 250
MOST_CROPS = 1000  # of photographs
SMALL = 32  # side in pixels at which pictures of a folder are shown to untrained networks
BATCHES = 5  # of a gradient profile, for its spread


@dataclass(frozen=True, slots=True, eq=False)
class SampledNetwork:
    """A resolved network with a sample of images.

    Attributes:
        keys: the values of `tables.MEASURED_KEYS`.
        images: (N, C, H, W), normalised as in training; labels: (N,).
    """

    keys: tuple[str, str, str, int, int | None]
    network: Network
    images: Tensor
    labels: Tensor


def response_std(
    references: Sequence[str], *, data: str = "", images: int = IMAGES, statistics: Statistics = "running"
) -> pd.DataFrame:
    """Spread, mean and zeros of every layer's responses, see `analysis.responses.response_std`.

    Args:
        references: of networks.
        data: name of the data set; empty takes the one that each network was trained on, for untrained networks that
            of the first trained one, else the digits.
        images: number of test images, balanced over classes; where a network's images are not known, crops of
            photographs are taken.
        statistics: of batch norm, "running" or "batch".

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.RESPONSES`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, or no network was named.
        DataMissing: the data set is not on this machine.
    """
    return _each(
        sampled(references, data=data, images=images, photographs=True),
        lambda each: responses.response_std(each.network, each.images, statistics=statistics),
    )


def response_histogram(
    references: Sequence[str], layer: int, *, data: str = "", images: int = IMAGES, statistics: Statistics = "running"
) -> pd.DataFrame:
    """The distribution of one layer's responses, see `analysis.responses.response_histogram`.

    Args and errors as for `response_std`; networks without this layer are left out.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.HISTOGRAM`.
    """
    known = sampled(references, data=data, images=images, photographs=True)
    found = [each for each in known if layer <= each.network.config.depth]
    if not found:
        raise BadSettings(f"`layer` (={layer}) is deeper than any of these networks. Choose a smaller number.")
    return _each(
        found, lambda each: responses.response_histogram(each.network, each.images, layer, statistics=statistics)
    )


def residual_ledger(
    references: Sequence[str], *, data: str = "", images: int = IMAGES, statistics: Statistics = "running"
) -> pd.DataFrame:
    """Sizes of branch and shortcut of every block, and gradients through each, see `analysis.ledger`.

    Args and errors as for `response_std`, but on training images, or test images of a folder without training images.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.LEDGER`.
    """
    return _each(
        sampled(references, data=data, images=images, split="train"),
        lambda each: ledger.residual_ledger(each.network, each.images, each.labels, statistics=statistics),
    )


def gradient_profile(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """Gradient norms of every layer's weights and responses over five batches, see `analysis.gradients`.

    Args and errors as for `response_std`, but on training images, or test images of a folder without training images.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.GRADIENTS`.
    """
    size = max(2, images // BATCHES)
    return _each(
        sampled(references, data=data, images=images, split="train"),
        lambda each: gradient_study.gradient_profile(
            each.network, each.images, each.labels, batch_size=min(size, part_size(each.images), len(each.images))
        ),
    )


def xray(
    networks: Sequence[str],
    *,
    data: str = "",
    images: int = 64,
    seed: int = 0,
    variants: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Responses and gradients of untrained networks, with and without batch norm, see `analysis.initialisation`.

    Args:
        networks: names such as "plain56".
        data: name of the data set; empty: see `runs.checkpoint_facts.data_of_untrained`.
        images: number of training images, balanced over classes; fewer if they are large. Pictures of a folder get the
            largest `image_size` of the networks.
        seed: of the initial weights.
        variants: names in `analysis.initialisation.VARIANTS`; None takes all.

    Returns:
        The columns of `tables.XRAY`.

    Raises:
        UnknownName, BadSettings, DataMissing: no such network, variant or data set.
    """
    row = dataset(data_of_untrained(networks, data))
    side = max((network_config(name).image_size for name in networks), default=SMALL) if row.any_size else row.sizes[0]
    count = min(images, max(2, PART_VALUES // (row.channels * side**2))) if row.any_size else images
    pixels, labels = chosen_images(row.name, side, row.normalisation, count, "train")
    return initialisation.xray(networks, pixels, labels, variants=variants, seed=seed)


def gradient_autocorrelation(
    networks: Sequence[str], *, data: str = "", lines: int = 8, points: int = 64, seed: int = 0
) -> pd.DataFrame:
    """Autocorrelation of input gradients of untrained networks along lines between training images.

    Args:
        networks: names such as "plain56".
        data: as for `xray`; pictures of a folder have 32 pixels a side.
        lines: number of pairs of images, at most.
        points: inputs on a line.
        seed: of the initial weights.

    Returns:
        The columns of `tables.SHATTERING`, see `analysis.shattering`.

    Raises:
        UnknownName, BadSettings, DataMissing: no such network or data set, too few lines or points.
    """
    row = dataset(data_of_untrained(networks, data))
    side = SMALL if row.any_size else None
    pixels, _ = chosen_images(row.name, side, row.normalisation, max(64, 2 * lines), "train")
    lines = min(lines, len(pixels) // 2)
    found = []
    for name in networks:
        network = build(name, channels=pixels.shape[1], seed=seed).to(pixels.device)
        table = shattering.gradient_autocorrelation(network, pixels, lines=lines, points=points)
        config = network.config
        found.append(table.assign(network=config.name, kind=config.kind, depth=config.depth))
    return pd.concat(found, ignore_index=True)[tables.SHATTERING]


def sampled(
    references: Sequence[str],
    *,
    data: str = "",
    images: int = IMAGES,
    split: str = "test",
    photographs: bool = False,
) -> Iterator[SampledNetwork]:
    """The networks, one at a time, each with a fixed class-balanced sample of images.

    Args and errors as for `response_std`; split: "test" or "train"; photographs: take crops of them, labelled 0, where
    there are no images of the data set.
    """
    for each in resolved(references, data=data):
        if photographs and not each.has_images:
            require_between("images", images, 2, MOST_IMAGES)
            shown = each.photographs(min(images, MOST_CROPS))
            yield SampledNetwork(each.keys, each.network, shown, torch.zeros(len(shown)).long())
            continue
        pixels, labels = chosen_images(each.data, each.image_size, each.normalisation, images, split)
        yield SampledNetwork(each.keys, each.network, pixels, labels)


def chosen_images(data: str, side: int | None, normalisation: str, count: int, split: str) -> tuple[Tensor, Tensor]:
    """A class-balanced sample of at most `count` images, in one tensor, and their labels."""
    require_between("images", count, 2, MOST_IMAGES)
    if split == "test" or not dataset(data).train_images:  # a folder may have no training images
        _, sample = sample_of_test_set(data, side, count, normalisation=normalisation)
    else:
        sample = sample_of_training_set(data, side, count, normalisation=normalisation)
    return sample.whole(best_device())


def _each(found: Iterable[SampledNetwork], study: Callable[[SampledNetwork], pd.DataFrame]) -> pd.DataFrame:
    measured = []
    for each in found:
        table = study(each)
        for place, (column, value) in enumerate(zip(tables.MEASURED_KEYS, each.keys, strict=True)):
            table.insert(place, column, value)
        measured.append(table)
    return pd.concat(measured, ignore_index=True)
