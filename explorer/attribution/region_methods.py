"""Attribution methods that hide regions of the image and measure the score; they treat the network as a black box."""

import torch
from captum.attr import FeatureAblation, KernelShap, Occlusion
from torch import Tensor

from explorer.attribution.job import Job, ValuesAndDelta
from explorer.attribution.methods import window_and_stride
from explorer.errors import BadSettings


def occlusion(job: Job, *, window: int, stride: int, baseline: str) -> ValuesAndDelta:
    """The fall of the score under a sliding window, averaged over the windows that cover each pixel."""
    height, width = job.side
    size, step = window_and_stride(window, stride, min(height, width))
    if size > min(height, width):
        raise BadSettings(f"`window` (={window}) is larger than the image of {height}×{width} pixels. Lower it.")
    if step > size:
        raise BadSettings(
            f"`stride` (={stride}) is larger than the window of {size}: pixels would be left out. Lower it."
        )
    channels = job.images.shape[1]
    return Occlusion(job.network).attribute(
        job.images,
        sliding_window_shapes=(channels, size, size),
        strides=(channels, step, step),
        baselines=job.baseline,
        target=job.target,
        perturbations_per_eval=max(1, job.at_once // len(job.images)),
    ), None


def feature_ablation(job: Job, *, grid: int, baseline: str) -> ValuesAndDelta:
    """The fall of the score when one cell of a grid is hidden."""
    return FeatureAblation(job.network).attribute(
        job.images,
        baselines=job.baseline,
        target=job.target,
        feature_mask=cells(job, grid),
        perturbations_per_eval=max(1, job.at_once // len(job.images)),
    ), None


def kernel_shap(job: Job, *, grid: int, samples: int, baseline: str, seed: int) -> ValuesAndDelta:
    """Shapley values of the cells of a grid, by a weighted linear fit to random sets of visible cells."""
    method = KernelShap(job.network)
    mask = cells(job, grid)
    found = [  # one image at a time, since each has its own fit
        method.attribute(
            job.images[each : each + 1],
            baselines=job.baseline[each : each + 1],
            target=job.target[each : each + 1],
            feature_mask=mask,
            n_samples=samples,
            perturbations_per_eval=min(job.at_once, samples),
        )
        for each in range(len(job.images))
    ]
    return torch.cat(found), None


def cells(job: Job, grid: int) -> Tensor:
    """The number of the grid cell of each value, (1, C, H, W); `grid` cells a side."""
    height, width = job.side
    if grid > min(height, width):
        raise BadSettings(f"`grid` (={grid}) has more cells than the image of {height}×{width} pixels. Lower it.")
    rows, columns = (torch.arange(side, device=job.images.device) * grid // side for side in (height, width))
    numbers = (rows[:, None] * grid + columns).expand(1, job.images.shape[1], height, width)
    return numbers.contiguous()  # some methods of Captum call `view` on it
