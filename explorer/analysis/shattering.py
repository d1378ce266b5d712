"""Do gradients still say the same a small step further? Their autocorrelation along lines between images."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from explorer.analysis.images import require_images
from explorer.errors import BadSettings
from explorer.models.recording import Statistics, working_copy
from explorer.settings import require_between

MOST_LINES, MOST_POINTS = 10_000, 10_000  # of one network; thousands take hours
COLUMNS = ["distance", "autocorrelation", "low", "high"]  # see `tables.SHATTERING`


def gradient_autocorrelation(
    network: nn.Module, images: Tensor, *, lines: int = 8, points: int = 64, statistics: Statistics = "batch"
) -> pd.DataFrame:
    """Autocorrelation of the gradient of a class score with respect to the input, along lines between images.

    Where gradients are shattered, those of two inputs close to each other have nothing to do with each other, and the
    autocorrelation is zero at any distance: white noise. The gradients of a line are taken at equal distances and less
    their mean. The score is that of class 0: in an untrained network a random direction. Computed on a copy.

    Args:
        network: trained or not.
        images: (N, C, H, W), normalised for `network`; a line leads from one of the first `lines` to one of the last.
        lines: how many, at least one.
        points: inputs on a line, from image to image, at least 8.
        statistics: what batch norm normalises with: "batch" is the mean and variance that all `images` have in each
            layer, for untrained networks, which have nothing else; "running" are the network's own. Either way they
            are the same at every point, so that a gradient is that of one input alone.

    Returns:
        distance (0 to 1, as a fraction of the line), autocorrelation (-1 to 1), low, high: mean and quartiles over
        lines; half as many rows as points.

    Raises:
        BadSettings: `images` do not fit, or there are fewer than twice `lines`; too few lines or points.

    Source: Balduzzi et al. 2017 (arXiv 1702.08591), section 2.
    """
    require_images(network, images, fewest=2)
    require_between("lines", lines, 1, MOST_LINES)
    require_between("points", points, 8, MOST_POINTS)
    if len(images) < 2 * lines:
        raise BadSettings(f"`images` holds {len(images)} images; {lines} lines need {2 * lines}. Give more images.")
    copy = working_copy(network, statistics)
    if statistics == "batch":
        _take_statistics(copy, images)
    found = [
        _autocorrelation(_gradients(copy, start, end, points))
        for start, end in zip(images[:lines], images[-lines:], strict=True)
    ]
    low, high = np.nanpercentile(found, (25, 75), axis=0)
    distances = np.arange(points // 2) / (points - 1)
    rows = zip(distances, np.nanmean(found, axis=0), low, high, strict=True)
    return pd.DataFrame(list(rows), columns=COLUMNS)


def _take_statistics(copy: nn.Module, images: Tensor) -> None:
    """Let the running statistics be those of `images`, then predict with them."""
    for module in copy.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        copy(images)
    copy.eval()


def _gradients(copy: nn.Module, start: Tensor, end: Tensor, points: int) -> Tensor:
    """The gradients (points, C * H * W) at equal distances between two images."""
    way = torch.linspace(0, 1, points, device=start.device)[:, None, None, None]
    with torch.enable_grad():
        inputs = torch.lerp(start[None], end[None], way).requires_grad_(True)
        (gradients,) = torch.autograd.grad(copy(inputs)[:, 0].sum(), inputs)
    return gradients.flatten(1).cpu().double()  # on the CPU: Apple GPUs have no float64


def _autocorrelation(gradients: Tensor) -> np.ndarray:
    """At distances of 0 to half of the points."""
    centred = gradients - gradients.mean(0)
    points = len(centred)
    power = centred.square().sum(1).mean()
    products = [(centred[: points - lag] * centred[lag:]).sum(1).mean() for lag in range(points // 2)]
    return (torch.stack(products) / power).numpy()
