"""From attributions to maps: one number a position of the image."""

from torch import Tensor
from torch.nn import functional


def position_maps(values: Tensor, size: tuple[int, int], *, summed: bool) -> Tensor:
    """What a picture of an attribution shows.

    Args:
        values: (N, C, h, w), as `attribute` gives them.
        size: height and width of the images; a layer's maps are interpolated bilinearly to it.
        summed: see `attribute.Attribution`.

    Returns:
        (N, H, W): the sum over the channels, else the largest value of them (Simonyan et al. 2013).
    """
    pooled = values.sum(1, keepdim=True) if summed else values.amax(1, keepdim=True)
    if pooled.shape[2:] != size:
        pooled = functional.interpolate(pooled, size, mode="bilinear", align_corners=False)
    return pooled[:, 0]
