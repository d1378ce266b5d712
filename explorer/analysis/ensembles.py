"""Ensembles: the mean of the class probabilities of several networks."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import log

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables

LogProbabilities = NDArray[np.float32]  # (N, classes)


def joint_log_probabilities(members: Sequence[LogProbabilities]) -> LogProbabilities:
    """The logarithm of the mean of the members' class probabilities, each (N, classes)."""
    total = members[0]
    for each in members[1:]:
        total = np.logaddexp(total, each)
    mean: LogProbabilities = total - np.float32(log(len(members)))
    return mean


def shared_mistakes(predictions: Mapping[str, NDArray[np.int64]], labels: NDArray[np.int64]) -> pd.DataFrame:
    """The number of images by the number of networks that misclassify them.

    Args:
        predictions: by reference, (N,), of the same images.
        labels: (N,), the true classes.

    Returns:
        The columns of `tables.SHARED_MISTAKES`, one row per number of networks, from none to all.
    """
    wrong = sum((each != labels).astype(int) for each in predictions.values())
    images = np.bincount(wrong, minlength=len(predictions) + 1)
    return pd.DataFrame({"wrong": range(len(images)), "images": images, "fraction": images / len(labels)})[
        tables.SHARED_MISTAKES
    ]


def member_pairs(predictions: Mapping[str, NDArray[np.int64]], labels: NDArray[np.int64]) -> pd.DataFrame:
    """How often two networks predict the same class, and how often both are wrong.

    Args and order as for `shared_mistakes`.

    Returns:
        The columns of `tables.MEMBER_PAIRS`, one row per pair of networks.
    """
    rows = [
        (a, b, float((first == second).mean()), float(((first != labels) & (second != labels)).mean()),
         float(((first == second) & (first != labels)).mean()))
        for (a, first), (b, second) in combinations(predictions.items(), 2)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=tables.MEMBER_PAIRS)
