"""Similarity of layers by CKA: within a network, between networks, and between moments of training, by reference."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from explorer import progress
from explorer.analysis import similarity
from explorer.data.batches import Sample
from explorer.data.catalogue import MOST_IMAGES
from explorer.errors import BadSettings
from explorer.models.features import Parts, feature_points
from explorer.models.recording import working_copy
from explorer.settings import require_between
from explorer.studies.references import require_one_data_set, resolved

IMAGES = 2000
EXAMPLE_IMAGES = 500
MOST_POINTS = 1500  # of all networks together: their matrices of a batch take half a megabyte each


def layer_similarity(
    references: Sequence[str], *, data: str = "", images: int = IMAGES, parts: Parts = "outputs"
) -> pd.DataFrame:
    """Linear CKA of every layer with every other one, of one or several networks, on the same test images.

    The unbiased estimator is averaged over batches of 250 images, or fewer if they are large. Few images give a first
    picture in seconds; the same call with more of them replaces it.

    Args:
        references: of networks, see `studies.references`; RUN@STEP for moments of training.
        data: name of the data set, the same for all; empty takes the one that the networks were trained on.
        images: number of test images, balanced over classes.
        parts: "outputs" of stem and blocks, "interiors" of blocks or "all", see `models.features`.

    Returns:
        The columns of `tables.CKA`, one row per ordered pair of points of all networks.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images or has no blocks, no network was named, they were trained on several
            data sets, or have too many points together.
        DataMissing: the data set is not on this machine.
    """
    require_one_data_set(references, data)
    require_between("images", images, similarity.FEWEST, MOST_IMAGES)
    found = list(resolved(references, data=data))
    points = [feature_points(each.network, parts) for each in found]
    if (count := sum(map(len, points))) > MOST_POINTS:
        raise BadSettings(
            f"These networks have {count:,} points together; at most {MOST_POINTS:,} are compared. Name fewer "
            "networks, or take outputs only."
        )
    compared = similarity.LayerSimilarity([each.network for each in found], points)
    for batch in _same_images([each.test_sample(images)[1] for each in found]):
        compared.add(batch)
        progress.report(compared.images / images)
    return similarity.similarity_table([each.keys for each in found], points, compared.matrix)


def outlier_example(reference: str, *, data: str = "", images: int = EXAMPLE_IMAGES, moved: int = 1) -> pd.DataFrame:
    """How moving images where the classifier does not look takes CKA away, see `analysis.similarity.outlier_example`.

    Args and errors as for `layer_similarity`; on the features that the network's classifier takes.

    Args:
        moved: number of images to move.

    Returns:
        The columns of `tables.CKA_PITFALL`.
    """
    require_between("images", images, similarity.FEWEST, MOST_IMAGES)
    (found,) = resolved((reference,), data=data)
    network = working_copy(found.network)
    features: list[Tensor] = []
    network.get_submodule("classifier").register_forward_pre_hook(lambda module, inputs: features.append(inputs[0]))
    _, sample = found.test_sample(images)
    with torch.inference_mode():
        for pixels, _ in sample:
            network(pixels)
            progress.report(sum(map(len, features)) / len(sample))
    return similarity.outlier_example(torch.cat(features), found.network.classifier, moved=moved)


def _same_images(samples: Sequence[Sample]) -> Iterator[list[Tensor]]:
    """Batches of the same images for each network, as equal in size as can be."""
    largest = min(len(next(iter(sample))[1]) for sample in samples)
    count = len(samples[0])
    for part in np.array_split(np.arange(count), max(1, -(-count // max(largest, similarity.FEWEST)))):
        yield [
            replace(sample, pixels=sample.pixels[part], labels=sample.labels[part]).whole(sample.device)[0]
            for sample in samples
        ]
