"""Reductions and enlargements without parameters. Standalone code copies these classes, see `models.code`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Blur(nn.Module):
    """Weights 1, 2, 1 along rows and columns, then every second position. Source: Zhang 2019, arXiv 1904.11486."""

    kernel: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        weights = torch.tensor([0.25, 0.5, 0.25])
        kernel = weights[:, None] * weights
        self.register_buffer("kernel", kernel.expand(width, 1, 3, 3).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, stride=2, groups=x.shape[1])


class Enlarge(nn.Module):
    """Images of another size become `side` pixels high and wide, by bilinear interpolation."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False)


def antialiasing(kind: str, width: int) -> nn.Module:
    """What follows a convolution in place of its stride of 2: the "blur", or the "average" of 2x2."""
    return Blur(width) if kind == "blur" else nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
