"""Agreement of attribution maps of one image: rank correlation, overlap of the highest positions, SSIM."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from math import ceil, nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.errors import BadSettings

TOP = 0.1  # fraction of positions compared by `top_overlap`
SIGMA = 1.5  # of the Gaussian window of SSIM, in positions
RADIUS = 5  # of that window, which has 11 positions a side
LUMINANCE, CONTRAST = 0.01, 0.03  # K1 and K2 of SSIM

Map = NDArray[np.floating]  # (H, W)


def rank_correlation(a: Map, b: Map) -> float:
    """Spearman's rank correlation over positions, -1 to 1; NaN where a map is constant."""
    _require_same_shape(a, b)
    if _constant(a) or _constant(b):
        return nan
    from scipy import stats  # takes a second, and a map alone needs none

    return float(stats.spearmanr(a, b, axis=None).statistic)


def top_overlap(a: Map, b: Map, part: float = TOP) -> float:
    """Fraction of the highest positions of `a` that are among the highest of `b`; about `part` by chance.

    The highest are the ceil(part * positions) with the largest signed values: the evidence for the target. Ties are
    broken in row-major order. NaN where a map is constant.
    """
    _require_same_shape(a, b)
    if not 0 < part <= 1:
        raise BadSettings(f"`part` (={part}) is not above 0 and at most 1. It is the fraction of positions compared.")
    if _constant(a) or _constant(b):
        return nan
    count = ceil(part * a.size)
    of_a, of_b = (np.argsort(-each, axis=None, kind="stable")[:count] for each in (a, b))
    return len(np.intersect1d(of_a, of_b, assume_unique=True)) / count


def ssim(a: Map, b: Map) -> float:
    """Structural similarity index (SSIM), at most 1, mean over positions.

    Each map is first divided by its largest absolute value, so that maps in different units can be compared. The
    dynamic range is then 1, or 2 if a map has negative values; in that case 1 is added to both maps, since SSIM
    assumes non-negative means. The window is Gaussian with a standard deviation of 1.5, truncated to 11 positions a
    side, or to about half the side of a smaller map; only windows inside the map count.

    Source: Wang et al. 2004 (doi 10.1109/TIP.2003.819861), section III.
    """
    from scipy import ndimage

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
    """Agreement of every pair of maps.

    Args:
        maps: (H, W) each, of one image and one size, by name of the network or method.

    Returns:
        The columns of `tables.AGREEMENT`, one row per ordered pair, each map with itself included, in row-major order.

    Raises:
        BadSettings: fewer than two maps, or maps of different shapes.
    """
    if len(maps) < 2:
        raise BadSettings(f"Agreement needs two maps or more, and there are {len(maps)}. Add another one.")
    arrays = {name: np.asarray(each, dtype=np.float64) for name, each in maps.items()}
    found = {}
    for a, b in combinations_with_replacement(arrays, 2):
        pair = arrays[a], arrays[b]
        found[a, b] = found[b, a] = rank_correlation(*pair), top_overlap(*pair), ssim(*pair)
    return pd.DataFrame([(a, b, *found[a, b]) for a in maps for b in maps], columns=tables.AGREEMENT)


def mean_agreement(each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean and spread of agreement over images.

    Args:
        each: `agreement` of the same names, one table per image.

    Returns:
        The columns of `tables.MEAN_AGREEMENT`, one row per pair in the order of the first table: mean and standard
        deviation (NaN for one image) over the images where all measures are defined, and the number of those images.

    Raises:
        BadSettings: no tables are given.
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
    """`mean_agreement` of maps (N, H, W) of the same N images, by name.

    Raises:
        BadSettings: see `agreement`.
    """
    count = len(next(iter(maps.values()), ()))
    return mean_agreement([agreement({name: found[number] for name, found in maps.items()}) for number in range(count)])


def _constant(values: Map) -> bool:
    return bool(values.min() == values.max())


def _scaled(values: Map) -> Map:
    """The map divided by its largest absolute value; unchanged if all values are zero."""
    exact = values.astype(np.float64)
    top = np.abs(exact).max()
    return exact / top if top > 0 else exact


def _require_same_shape(a: Map, b: Map) -> None:
    if a.ndim != 2 or a.shape != b.shape:
        raise BadSettings(f"Maps of shapes {a.shape} and {b.shape} cannot be compared. Give two of one shape (H, W).")
