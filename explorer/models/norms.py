"""What stands around convolutions: batch norm, or the scalars of networks that train without it.

SkipInit: De and Smith 2020, arXiv 2002.10444, a scalar at the end of each branch that starts at zero, convolutions with
bias. Fixup: Zhang, Dauphin and Ma 2019, arXiv 1901.09321, a scalar to add before each convolution and after it, one to
multiply with at the end of each branch, whose last convolution starts at zero. Code that runs alone has these very
classes, see `models.code`.
"""

import torch
from torch import Tensor, nn

from explorer.models.config import Norm


class Scale(nn.Module):
    """Multiplies with one trained number, which starts at zero: the end of a branch of SkipInit."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)


class Shift(nn.Module):
    """Adds one trained number, which starts at zero: Fixup after a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)


class ScaleAndShift(nn.Module):
    """Times one trained number plus another, at first 1 and 0: the end of a branch of Fixup."""

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
    """Adds one trained number, which starts at zero, to its input: Fixup before a convolution."""

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
    """A convolution inside a block; it keeps the side of the image, apart from the stride."""
    if norm == "fixup":
        return ShiftedConv2d(in_width, width, kernel_size, stride, groups=groups)
    return nn.Conv2d(in_width, width, kernel_size, stride, kernel_size // 2, groups=groups, bias=norm == "skipinit")


def norm_after(norm: Norm, width: int) -> nn.Module:
    """What follows a convolution that is not the last of its branch."""
    if norm == "batch":
        return nn.BatchNorm2d(width)
    return Shift() if norm == "fixup" else nn.Identity()


def norm_at_end(norm: Norm, width: int) -> nn.Module:
    """What follows the last convolution of a branch."""
    if norm == "batch":
        return nn.BatchNorm2d(width)
    return ScaleAndShift() if norm == "fixup" else Scale()
