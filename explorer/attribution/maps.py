"""Attribution maps: one number per position of the image."""

from torch import Tensor
from torch.nn import functional


def position_maps(values: Tensor, size: tuple[int, int], *, summed: bool) -> Tensor:
    """Attributions reduced to one value per position.

    Args:
        values: (N, C, h, w), as `attribute` returns them.
        size: height and width of the images; a layer's maps are interpolated bilinearly to it.
        summed: see `attribute.Attribution`.

    Returns:
        (N, H, W): the sum over channels if `summed`, else their maximum (Simonyan et al. 2013).
    """
    pooled = values.sum(1, keepdim=True) if summed else values.amax(1, keepdim=True)
    if pooled.shape[2:] != size:
        pooled = functional.interpolate(pooled, size, mode="bilinear", align_corners=False)
    return pooled[:, 0]
