"""Baseline images, from which an attribution is measured."""

import torch
from torch import Tensor
from torch.nn import functional

from explorer.errors import BadSettings


def baseline_images(given: str | Tensor, images: Tensor, chosen: slice, *, distribution: bool) -> Tensor:
    """Baselines of the chosen images, one each; or a distribution of baselines, the same for all images."""
    selected = images[chosen]
    if isinstance(given, str):
        if given == "mean":
            return torch.zeros_like(selected)
        if given == "blur":
            return blurred(selected)
        raise BadSettings(f"`baseline` (={given!r}) is neither 'mean' nor 'blur'. Give others as a tensor, (C, H, W).")
    found = given.detach().to(images)
    if not torch.isfinite(found).all():
        raise BadSettings("`baseline` must be finite numbers, normalised as the images are.")
    found = found[None] if found.ndim == 3 else found
    if found.shape[1:] != images.shape[1:] or (not distribution and len(found) not in (1, len(images))):
        raise BadSettings(
            f"`baseline` has shape {tuple(given.shape)}; expected {tuple(images.shape[1:])}, or one per image."
        )
    if distribution:
        return found
    return found.expand_as(selected) if len(found) == 1 else found[chosen]


def blurred(images: Tensor) -> Tensor:
    """The images after a Gaussian blur with a standard deviation of a sixth of the side, at least 1 pixel."""
    side = min(images.shape[2:])
    sigma = max(1.0, side / 6)
    reach = min(round(2 * sigma), side - 1)  # images are reflected at the edges only once
    places = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    # Written out, since torchvision's takes seconds to import
    padded = functional.pad(images, [reach] * 4, mode="reflect")
    rows = functional.conv2d(padded, weights, groups=len(weights))
    return functional.conv2d(rows, weights.mT, groups=len(weights))
