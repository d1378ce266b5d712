"""How alike are maps of one image: in their order, their highest positions, and their structure."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from math import ceil, nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage, stats

from explorer import tables
from explorer.errors import BadSettings

TOP = 0.1  # the part of the positions that is compared as the highest
SIGMA = 1.5  # of the Gaussian window of the structural similarity, in positions
RADIUS = 5  # of that window, 11 positions a side
LUMINANCE, CONTRAST = 0.01, 0.03  # K1 and K2 there

Map = NDArray[np.floating]  # (H, W)


def rank_correlation(a: Map, b: Map) -> float:
    """Spearman's rank correlation over positions, -1 to 1; NaN where a map is constant and has no order."""
    _require_same_shape(a, b)
    if _constant(a) or _constant(b):
        return nan
    return float(stats.spearmanr(a, b, axis=None).statistic)


def top_overlap(a: Map, b: Map, part: float = TOP) -> float:
    """What part of the highest positions of `a` is among the highest of `b`; two maps by chance have about `part`.

    Highest are the ceil(part * positions) with the largest values, not sizes: the evidence for the target. Of equal
    values the earlier position, row by row, counts as higher. NaN where a map is constant.
    """
    _require_same_shape(a, b)
    if not 0 < part <= 1:
        raise BadSettings(f"`part` (={part}) is not above 0 and at most 1. It is the share of positions compared.")
    if _constant(a) or _constant(b):
        return nan
    count = ceil(part * a.size)
    of_a, of_b = (np.argsort(-each, axis=None, kind="stable")[:count] for each in (a, b))
    return len(np.intersect1d(of_a, of_b, assume_unique=True)) / count


def ssim(a: Map, b: Map) -> float:
    """Structural similarity, at most 1, the mean over positions.

    Each map is divided by its own largest size first, so that maps of different units compare. The range of values is
    then 1, or 2 where one of the maps has values below zero: to both one is added, since of means below zero the
    measure takes opposites for alike. The window is Gaussian with a standard deviation of 1.5, cut off at 11 positions
    a side and at about half the side of a smaller map; only windows within the map count.

    Source: Wang et al. 2004 (doi 10.1109/TIP.2003.819861), section III.
    """
    _require_same_shape(a, b)
    first, second = (_scaled(each) for each in (a, b))
    signed = min(first.min(), second.min()) < 0
    span = 2.0 if signed else 1.0
    if signed:
        first, second = first + 1, second + 1
    radius = min(RADIUS, min(first.shape) // 4)
    inside = tuple(slice(radius, side - radius) for side in first.shape)

    def mean(values: Map) -> Map:
        windowed: Map = ndimage.gaussian_filter(values, SIGMA, radius=radius)[inside]
        return windowed

    mean_a, mean_b = mean(first), mean(second)
    variances = mean(first * first) - mean_a**2 + mean(second * second) - mean_b**2
    covariance = mean(first * second) - mean_a * mean_b
    c1, c2 = (LUMINANCE * span) ** 2, (CONTRAST * span) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((luminance * (2 * covariance + c2) / (variances + c2)).mean())


def agreement(maps: Mapping[str, Map]) -> pd.DataFrame:
    """Every map with every map.

    Args:
        maps: (H, W) each, of one image and one size, by name: of networks or of methods.

    Returns:
        The columns of `tables.AGREEMENT`, one row per ordered pair and each map with itself, as a matrix is read.

    Raises:
        BadSettings: there are fewer than two maps, or they differ in shape.
    """
    if len(maps) < 2:
        raise BadSettings(f"There are {len(maps)} maps; agreement is between two or more. Choose another one.")
    arrays = {name: np.asarray(each, dtype=np.float64) for name, each in maps.items()}
    found = {}
    for a, b in combinations_with_replacement(arrays, 2):
        pair = arrays[a], arrays[b]
        found[a, b] = found[b, a] = rank_correlation(*pair), top_overlap(*pair), ssim(*pair)
    return pd.DataFrame([(a, b, *found[a, b]) for a in maps for b in maps], columns=tables.AGREEMENT)


def mean_agreement(each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Agreement over images.

    Args:
        each: `agreement` of the same names, one table an image.

    Returns:
        The columns of `tables.MEAN_AGREEMENT`, one row per pair in the order of the first table: mean and standard
        deviation over the images (empty for one image) where all measures are defined, and how many those are.

    Raises:
        BadSettings: there are no tables.
    """
    if not each:
        raise BadSettings("There are no images to average over. Give the agreement of at least one.")
    whole = pd.concat(each, ignore_index=True)
    defined = whole[tables.LIKENESS].notna().all(axis=1)
    whole[tables.LIKENESS] = whole[tables.LIKENESS].where(defined)
    groups = whole.groupby(["a", "b"], sort=False)[tables.LIKENESS]
    spread = groups.std().add_suffix("_std")
    images = groups.count()["rank_correlation"].rename("images")
    return pd.concat([groups.mean(), spread, images], axis=1).reset_index()[tables.MEAN_AGREEMENT]


def agreement_over_images(maps: Mapping[str, Map]) -> pd.DataFrame:
    """The `mean_agreement` of maps (N, H, W) of the same N images, by name.

    Raises:
        BadSettings: see `agreement`.
    """
    count = len(next(iter(maps.values()), ()))
    return mean_agreement([agreement({name: found[number] for name, found in maps.items()}) for number in range(count)])


def _constant(values: Map) -> bool:
    return bool(values.min() == values.max())


def _scaled(values: Map) -> Map:
    """Divided by the largest size; as it is where all is zero."""
    exact = values.astype(np.float64)
    top = np.abs(exact).max()
    return exact / top if top > 0 else exact


def _require_same_shape(a: Map, b: Map) -> None:
    if a.ndim != 2 or a.shape != b.shape:
        raise BadSettings(f"Maps of the shapes {a.shape} and {b.shape} do not compare; both have to be (H, W).")
