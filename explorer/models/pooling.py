"""Reductions and enlargements without parameters. Standalone code copies these classes, see `models.code`."""

import torch.nn.functional as F
from torch import Tensor, nn


class Blur(nn.Module):
    """Weights 1, 2, 1 along rows and columns, then every second position.

    Source: Zhang 2019, arXiv 1904.11486.
    """

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.avg_pool2d(F.avg_pool2d(padded, 2, 1), 2)  # the weights of two means are 1, 2, 1


class Enlarge(nn.Module):
    """Images of another size become `side` pixels high and wide, by bilinear interpolation."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)


def antialiasing(kind: str) -> nn.Module:
    """What follows a convolution in place of its stride of 2: the "blur", or the "average" of 2x2."""
    return Blur() if kind == "blur" else nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
