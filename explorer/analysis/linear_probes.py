"""Linear probes: how well a linear classifier on the features after each block knows the class.

Not `training.probes`, which measures gradients and responses while a network is trained.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from explorer import progress, tables
from explorer.errors import BadSettings
from explorer.models.features import FeaturePoint, feature_points, record_features
from explorer.models.fused import fused
from explorer.models.recording import working_copy

STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)  # of scikit-learn's C, for standardised features
HELD_OUT = 5  # every fifth training image is held out to choose C
FEWEST = 10  # training images
MOST_ITERATIONS = 2000

Batches = Iterable[tuple[Tensor, Tensor]]  # images, normalised for the network and on its device, and labels


@dataclass(frozen=True, slots=True, eq=False)
class PooledFeatures:
    """Features of images at every point, averaged over positions.

    Attributes:
        points: of the network, in order.
        features: one (images, channels) array per point.
        predictions: of the network itself, (images,).
        labels: (images,).
    """

    points: list[FeaturePoint]
    features: list[NDArray[np.float32]]
    predictions: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Probes of a network.

    Attributes:
        errors: `tables.PROBES`, one row per point.
        predictions: of the probes for the test images, (points, images).
        own: predictions of the network itself, (images,).
        labels: (images,).
    """

    errors: pd.DataFrame
    predictions: NDArray[np.int64]
    own: NDArray[np.int64]
    labels: NDArray[np.int64]


def linear_probes(
    network: nn.Module, train: Batches, test: Batches, *, strengths: Sequence[float] = STRENGTHS
) -> Probes:
    """Multinomial logistic regression on the features after the stem and after every block, averaged over positions.

    Features are standardised. C is the one of `strengths` with the lowest error on every fifth training image, for
    probes of the others; the probe is then fitted to all training images. In evaluation mode, on a copy.

    Args:
        network: of `build`, or another one with blocks, see `models.features`.
        train, test: batches of images with labels, such as a `data.batches.Sample`.
        strengths: values of C, the inverse of the regularisation.

    Raises:
        BadSettings: the network has no blocks, there are fewer than 10 training images or no test images.

    Source: Alain and Bengio 2016 (arXiv 1610.01644), who train the probes by gradient descent.
    """
    with progress.part(0, 3):
        fitted = pooled_features(network, train)
    if len(fitted.labels) < FEWEST or len(set(fitted.labels.tolist())) < 2:
        raise BadSettings(
            f"`train` holds {len(fitted.labels)} images of {len(set(fitted.labels.tolist()))} classes; probes need "
            f"{FEWEST} of 2 classes. Give more."
        )
    with progress.part(1, 3):
        seen = pooled_features(network, test)
    rows, predictions = [], []
    # In one thread: the matrices are small, and on a busy machine threads would wait for each other.
    with progress.part(2, 3), threadpool_limits(1):
        for number, point in enumerate(fitted.points):
            c, held_out_error = _strength(fitted.features[number], fitted.labels, strengths)
            scaler, probe = fit(fitted.features[number], fitted.labels, c)
            found = probe.predict(scaler.transform(seen.features[number])).astype(np.int64)
            error = _error(found, seen.labels)
            train_error = _error(probe.predict(scaler.transform(fitted.features[number])), fitted.labels)
            rows.append((
                *(number, point.name, point.part, point.stage, point.block, point.layer),
                *(fitted.features[number].shape[1], c, held_out_error, train_error, error),
                *(sqrt(error * (1 - error) / len(found)), _error(seen.predictions, seen.labels), len(found)),
            ))  # fmt: skip
            predictions.append(found)
            progress.report((number + 1) / len(fitted.points))
    return Probes(pd.DataFrame(rows, columns=tables.PROBES), np.stack(predictions), seen.predictions, seen.labels)


def pooled_features(network: nn.Module, batches: Batches) -> PooledFeatures:
    """Features of images at every output of a network, see `models.features.feature_points`, averaged over positions.

    Raises:
        BadSettings: the network has no blocks, or there are no images.
    """
    points = feature_points(network)
    fast = fused(working_copy(network))
    kept: list[list[Tensor]] = [[] for _ in points]
    predictions, labels = [], []
    with torch.inference_mode(), record_features(fast, points, _pooled) as latest:
        for images, classes in batches:
            predictions.append(fast(images).argmax(1))
            labels.append(classes)
            for each, features in zip(kept, latest, strict=True):
                each.append(features)
    if not labels:
        raise BadSettings("There are no images to read features of. Give at least one batch.")
    return PooledFeatures(
        points,
        [torch.cat(each).float().cpu().numpy() for each in kept],
        torch.cat(predictions).cpu().numpy(),
        torch.cat(labels).cpu().numpy(),
    )


def fit(
    features: NDArray[np.float32], labels: NDArray[np.int64], c: float
) -> tuple[StandardScaler, LogisticRegression]:
    """Fit one probe: how its features are standardised, and the classifier."""
    scaler = StandardScaler().fit(features)
    probe = LogisticRegression(C=c, max_iter=MOST_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # its error changes no more
        probe.fit(scaler.transform(features), labels)
    return scaler, probe


def _strength(
    features: NDArray[np.float32], labels: NDArray[np.int64], strengths: Sequence[float]
) -> tuple[float, float]:
    """The value of C with the lowest error on the held-out images, the smallest of several; and that error."""
    held_out = np.arange(len(labels)) % HELD_OUT == HELD_OUT - 1
    scaler = StandardScaler().fit(features[~held_out])
    inside, outside = scaler.transform(features[~held_out]), scaler.transform(features[held_out])
    probe = LogisticRegression(max_iter=MOST_ITERATIONS, warm_start=True)
    errors = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for c in sorted(strengths):
            probe.set_params(C=c).fit(inside, labels[~held_out])
            errors.append(_error(probe.predict(outside), labels[held_out]))
    best = int(np.argmin(errors))
    return sorted(strengths)[best], errors[best]


def _pooled(features: Tensor) -> Tensor:
    return features.flatten(2).mean(2)


def _error(predictions: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    return float((predictions != labels).mean())
