"""What an image without the evidence looks like."""

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from explorer.errors import BadSettings


def baseline_images(given: str | Tensor, images: Tensor, chosen: slice, *, distribution: bool) -> Tensor:
    """Of the chosen images, each its own; but a distribution is for all of them."""
    shown = images[chosen]
    if isinstance(given, str):
        if given == "mean":
            return torch.zeros_like(shown)
        if given == "blur":
            return blurred(shown)
        raise BadSettings(f"`baseline` (={given!r}) needs to be known as images here: give a tensor, (C, H, W).")
    found = given.detach().to(images)
    if not torch.isfinite(found).all():
        raise BadSettings("`baseline` must be finite numbers, normalised as the images are.")
    found = found[None] if found.ndim == 3 else found
    if found.shape[1:] != images.shape[1:] or (not distribution and len(found) not in (1, len(images))):
        raise BadSettings(
            f"`baseline` has shape {tuple(given.shape)}; expected {tuple(images.shape[1:])}, or one an image."
        )
    if distribution:
        return found
    return found.expand_as(shown) if len(found) == 1 else found[chosen]


def blurred(images: Tensor) -> Tensor:
    """The images without their detail: a Gaussian a sixth of the side wide."""
    side = min(images.shape[2:])
    sigma = max(1.0, side / 6)
    size = min(2 * round(2 * sigma) + 1, 2 * side - 1)  # odd; torchvision mirrors at the edges, once
    soft: Tensor = gaussian_blur(images, [size, size], [sigma, sigma])
    return soft
