"""Shattered gradients: autocorrelation of input gradients along lines between images."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from explorer.analysis.images import require_images
from explorer.errors import BadSettings
from explorer.models.recording import Statistics, working_copy
from explorer.settings import require_between

MOST_LINES, MOST_POINTS = 10_000, 10_000  # per network; thousands take hours
COLUMNS = ["distance", "autocorrelation", "low", "high"]  # see `tables.SHATTERING`


def gradient_autocorrelation(
    network: nn.Module, images: Tensor, *, lines: int = 8, points: int = 64, statistics: Statistics = "batch"
) -> pd.DataFrame:
    """Autocorrelation of the gradient of a class score with respect to the input, along lines between images.

    Shattered gradients resemble white noise: those of two close inputs are uncorrelated, and the autocorrelation is
    zero at any distance. The gradients of a line are taken at equal distances, minus their mean. The score is that of
    class 0, a random direction in an untrained network. Computed on a copy.

    Args:
        network: trained or not.
        images: (N, C, H, W), normalised for `network`; lines connect the first `lines` images with the last.
        lines: how many, at least one.
        points: inputs on a line, from image to image, at least 8.
        statistics: of batch norm: "batch", the mean and variance over all `images`, for untrained networks, or
            "running", the network's own. They are the same at every point, so that a gradient depends on one input
            alone.

    Returns:
        distance (0 to 1, as a fraction of the line), autocorrelation (-1 to 1), low, high: mean and quartiles over
        lines; points // 2 rows.

    Raises:
        BadSettings: `images` do not fit, there are fewer than 2 * `lines`, or `lines` or `points` is out of range.

    Source: Balduzzi et al. 2017 (arXiv 1702.08591), section 2.
    """
    require_images(network, images, fewest=2)
    require_between("lines", lines, 1, MOST_LINES)
    require_between("points", points, 8, MOST_POINTS)
    if len(images) < 2 * lines:
        raise BadSettings(f"`images` holds {len(images)} images; {lines} lines need {2 * lines}. Give more images.")
    copy = working_copy(network, statistics)
    if statistics == "batch":
        _set_statistics(copy, images)
    correlations = [
        _autocorrelation(_gradients(copy, start, end, points))
        for start, end in zip(images[:lines], images[-lines:], strict=True)
    ]
    low, high = np.nanpercentile(correlations, (25, 75), axis=0)
    distances = np.arange(points // 2) / (points - 1)
    rows = zip(distances, np.nanmean(correlations, axis=0), low, high, strict=True)
    return pd.DataFrame(list(rows), columns=COLUMNS)


def _set_statistics(copy: nn.Module, images: Tensor) -> None:
    """Set the running statistics to those of `images`, and evaluation mode."""
    for module in copy.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        copy(images)
    copy.eval()


def _gradients(copy: nn.Module, start: Tensor, end: Tensor, points: int) -> Tensor:
    """The input gradients (points, C * H * W) at equal distances between two images."""
    weight = torch.linspace(0, 1, points, device=start.device)[:, None, None, None]
    with torch.enable_grad():
        inputs = torch.lerp(start[None], end[None], weight).requires_grad_(True)
        (gradients,) = torch.autograd.grad(copy(inputs)[:, 0].sum(), inputs)
    return gradients.flatten(1).cpu().double()  # on the CPU: Apple GPUs have no float64


def _autocorrelation(gradients: Tensor) -> np.ndarray:
    """The autocorrelation at lags from 0 to points // 2 - 1."""
    centred = gradients - gradients.mean(0)
    points = len(centred)
    power = centred.square().sum(1).mean()
    products = [(centred[: points - lag] * centred[lag:]).sum(1).mean() for lag in range(points // 2)]
    return (torch.stack(products) / power).numpy()
