"""Batch norm, group norm, and the trained scalars of networks without either.

SkipInit: De and Smith 2020, arXiv 2002.10444: a factor, initially zero, at the end of each branch; convolutions with
bias. Fixup: Zhang, Dauphin and Ma 2019, arXiv 1901.09321: an offset before and after each convolution, a factor at the
end of each branch, whose last convolution is initially zero. Standalone code copies these classes, see `models.code`.
"""

import math

import torch
from torch import Tensor, nn

from explorer.models.config import NORM_GROUPS, Norm


class Scale(nn.Module):
    """Multiply by one trained scalar, initially zero: the end of a SkipInit branch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)


class Shift(nn.Module):
    """Add one trained scalar, initially zero: Fixup after a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)


class ScaleAndShift(nn.Module):
    """Multiply by one trained scalar and add another, initially 1 and 0: ends a Fixup branch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(()))
        self.bias = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x + self.bias

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)


class ShiftedConv2d(nn.Conv2d):
    """A convolution of the input plus one trained scalar, initially zero, as in Fixup."""

    def __init__(
        self,
        in_width: int,
        width: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        padding = kernel_size // 2
        super().__init__(in_width, width, kernel_size, stride, padding, groups=groups, bias=False)
        self.shift = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.shift)


def convolution(
    in_width: int, width: int, kernel_size: int, *, stride: int = 1, groups: int = 1, norm: Norm = "batch"
) -> nn.Conv2d:
    """A convolution inside a block, with padding that keeps the image size apart from the stride."""
    if norm == "fixup":
        return ShiftedConv2d(in_width, width, kernel_size, stride, groups=groups)
    return nn.Conv2d(in_width, width, kernel_size, stride, kernel_size // 2, groups=groups, bias=norm == "skipinit")


def norm_after(norm: Norm, width: int) -> nn.Module:
    """The norm, or what replaces it, after a convolution that is not the last of its branch."""
    if norm == "batch":
        return nn.BatchNorm2d(width)
    if norm == "group":
        return nn.GroupNorm(math.gcd(NORM_GROUPS, width), width)
    return Shift() if norm == "fixup" else nn.Identity()


def norm_at_end(norm: Norm, width: int) -> nn.Module:
    """The norm, or what replaces it, after the last convolution of a branch."""
    if norm in ("batch", "group"):
        return norm_after(norm, width)
    return ScaleAndShift() if norm == "fixup" else Scale()
