"""Similarity of layers by linear centred kernel alignment (CKA).

Source: Kornblith et al. 2019 (arXiv 1905.00414). Over batches of images the unbiased estimator HSIC_1 of Song et al.
2012 is averaged, as in Nguyen, Raghu and Kornblith 2021 (arXiv 2010.15327), so that no features need to be kept.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer import tables
from explorer.errors import BadSettings
from explorer.models.features import FeaturePoint, record_features
from explorer.models.fused import fused
from explorer.models.recording import working_copy

FEWEST = 4  # images of a batch, for the unbiased estimator


def linear_cka(first: Tensor, second: Tensor, *, unbiased: bool = False) -> float:
    """Linear CKA of the features of the same images: 1 for the same up to rotation and scale, 0 for uncorrelated.

    Args:
        first, second: (N, ...), features of N images; all but the first dimension are flattened.
        unbiased: by HSIC_1, about 0 for independent features also where there are more of them than images; it can be
            a little below 0.

    Raises:
        BadSettings: the numbers of images differ or there are fewer than 4.
    """
    if len(first) != len(second) or len(first) < FEWEST:
        raise BadSettings(
            f"`first` and `second` hold {len(first)} and {len(second)} images; CKA compares the features of the same "
            f"{FEWEST} or more. Give both for the same images."
        )
    one, other = (centred_gram(each, unbiased=unbiased) for each in (first, second))
    norm = (one.square().sum() * other.square().sum()).sqrt()
    return float((one * other).sum() / norm)


def centred_gram(features: Tensor, *, unbiased: bool = True) -> Tensor:
    """The centred matrix of inner products between images, (N, N), in double precision where the device has it.

    The sum of the elementwise product of two such matrices is their HSIC up to a factor that depends on N alone. If
    `unbiased`, centred as in Szekely and Rizzo 2014, section 3, which makes it HSIC_1.

    Args:
        features: (N, ...).
    """
    rows = features.detach().float().flatten(1)
    rows = rows - rows.mean(0)  # changes nothing but rounding
    gram = (rows @ rows.T).cpu().double()
    if not unbiased:
        return gram  # rows are centred, so the matrix is
    count = len(gram)
    gram.fill_diagonal_(0)
    sums = gram.sum(1) / (count - 2)
    gram += sums.sum() / (count - 1) - sums[:, None] - sums
    return gram.fill_diagonal_(0)


class LayerSimilarity:
    """CKA between the points of one or several networks, accumulated over batches of the same images.

    Attributes:
        points: of each network.
    """

    def __init__(self, networks: Sequence[nn.Module], points: Sequence[Sequence[FeaturePoint]]) -> None:
        self.points = [list(each) for each in points]
        self._networks = [
            copy if any(point.part == "interior" for point in own) else fused(copy)
            for copy, own in zip(map(working_copy, networks), self.points, strict=True)
        ]
        count = sum(map(len, self.points))
        self._hsic = np.zeros((count, count))
        self.images = 0

    def add(self, images: Sequence[Tensor]) -> None:
        """Add a batch of at least 4 images.

        Args:
            images: the same for each network, as it takes them.
        """
        grams = []
        for network, points, batch in zip(self._networks, self.points, images, strict=True):
            with torch.inference_mode(), record_features(network, points, centred_gram) as latest:
                network(batch)
                grams += [gram.flatten() for gram in latest]
        count = len(images[0])
        rows = torch.stack(grams)
        self._hsic += (rows @ rows.T).numpy() / (count * (count - 3))
        self.images += count

    @property
    def matrix(self) -> NDArray[np.float64]:
        """CKA of every point with every other, of all networks in order; NaN for features without spread."""
        spread = np.sqrt(np.clip(np.diag(self._hsic), 0, None))
        with np.errstate(invalid="ignore", divide="ignore"):
            found: NDArray[np.float64] = self._hsic / np.outer(spread, spread)
        return found


def similarity_table(
    keys: Sequence[Sequence[object]], points: Sequence[Sequence[FeaturePoint]], matrix: NDArray[np.float64]
) -> pd.DataFrame:
    """A matrix of similarities as `tables.CKA`, one row per ordered pair of points.

    Args:
        keys: the values of `tables.MEASURED_KEYS` of each network.
        points: of each network.
        matrix: of all points of all networks.
    """
    each = [
        (*own, number, point.name, point.part, point.stage, point.block, point.layer)
        for own, found in zip(keys, points, strict=True)
        for number, point in enumerate(found)
    ]
    facts = pd.DataFrame(each, columns=[*tables.MEASURED_KEYS, *tables.POINT_KEYS])
    count = len(facts)
    first, second = np.repeat(np.arange(count), count), np.tile(np.arange(count), count)
    sides = [
        facts.iloc[rows].reset_index(drop=True).add_suffix(f"_{side}") for rows, side in ((first, "a"), (second, "b"))
    ]
    return pd.concat([*sides, pd.Series(matrix.ravel(), name="cka")], axis=1)[tables.CKA]


def outlier_example(
    features: Tensor, classifier: nn.Linear, *, moved: int = 1, distances: Iterable[float] = (0, 1, 2, 5, 10, 20, 50)
) -> pd.DataFrame:
    """CKA of features with themselves after some images are moved in a direction that the classifier does not see.

    The classifier's scores stay the same, since the direction is orthogonal to its weights, yet CKA falls to nearly
    nothing: a low CKA does not say that two layers know different things.

    Args:
        features: (N, width), what the classifier takes.
        classifier: the last layer of the network.
        moved: number of images to move, the first ones, all in the same direction.
        distances: in root mean square distances of the images from their mean.

    Returns:
        The columns of `tables.CKA_PITFALL`.

    Raises:
        BadSettings: every direction is seen by the classifier, since it has as many classes as features, or all or no
            images are to be moved.

    Source: Davari et al. 2023 (arXiv 2210.16156), section 3.
    """
    features, weight = features.detach().cpu().double(), classifier.weight.detach().cpu().double()
    if not 1 <= moved < len(features):
        raise BadSettings(
            f"`moved` (={moved}) must be between 1 and {len(features) - 1}: some images, but not all. Change it."
        )
    hidden = torch.linalg.svd(weight).Vh[weight.shape[0] :]
    if not len(hidden):
        raise BadSettings(
            f"The classifier has {weight.shape[0]} classes and {weight.shape[1]} features, so it sees every direction. "
            "Give a network with more features than classes."
        )
    spread = (features - features.mean(0)).square().sum(1).mean().sqrt()
    bias = classifier.bias.detach().cpu().double()
    before = features @ weight.T + bias
    rows = []
    for distance in distances:
        after = features.clone()
        after[:moved] += distance * spread * hidden[-1]
        scores = after @ weight.T + bias
        rows.append((
            *(moved, float(distance), linear_cka(features, after), linear_cka(features, after, unbiased=True)),
            float((scores - before).abs().max() / before.abs().max()),
            int((scores.argmax(1) != before.argmax(1)).sum()),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=tables.CKA_PITFALL)
