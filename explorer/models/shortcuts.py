"""Shortcuts: identity, zero-padding (A) or a projection (B, C, D). Source: He et al. 2015, section 3.3."""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.config import Norm
from explorer.models.norms import convolution, norm_after
from explorer.models.structure import BlockShape, ShortcutKind


class PadShortcut(nn.Module):
    """Option A: every `stride`-th position, zeros for the new channels; no parameters.

    The paper does not specify where the zeros are. Here half of them are before and half after the
    input channels; akamaster/pytorch_resnet_cifar10 does so, and its published weights compute the
    same function. Others add all at the end, or average the positions.
    """

    def __init__(
        self,
        in_width: int,
        out_width: int,
        stride: int,
        end: bool = False,
        mean: bool = False,
    ) -> None:
        super().__init__()
        before = 0 if end else (out_width - in_width) // 2
        self.padding = (0, 0, 0, 0, before, out_width - in_width - before)
        self.window, self.stride = stride if mean else 1, stride

    def forward(self, x: Tensor) -> Tensor:
        # Windows of one position; the gradient of slices would not be channels last, and slow.
        size = self.window, self.stride
        kept = F.avg_pool2d(x, *size, ceil_mode=self.window > 1, count_include_pad=False)
        return F.pad(kept, self.padding)


LEAST_STRIDED = 8  # channels


def overruns(convolution: nn.Module) -> bool:
    """Whether oneDNN writes outside of a buffer for the weight gradient of this convolution, channels last.

    Without AVX-512 it does for strided 1x1 convolutions of fewer than 8 input channels (PyTorch 2.14.1, found with the
    checks of glibc's malloc and with valgrind).
    """
    return (
        isinstance(convolution, nn.Conv2d)
        and convolution.kernel_size == (1, 1)
        and convolution.stride != (1, 1)
        and convolution.in_channels < LEAST_STRIDED
    )


class ProjectionShortcut(nn.Module):
    """Options B and C: a 1x1 convolution, with norm except in pre-activation networks.

    Option D averages 2x2 positions first, instead of dropping three of four.
    """

    def __init__(
        self,
        in_width: int,
        out_width: int,
        stride: int,
        *,
        norm: Norm = "batch",
        has_norm: bool = True,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False) if pooled else None
        self.conv = convolution(in_width, out_width, 1, stride=1 if pooled else stride, norm=norm)
        self.narrow = overruns(self.conv)
        self.norm = norm_after(norm, out_width) if has_norm else None

    def forward(self, x: Tensor) -> Tensor:
        if self.pool is not None:
            x = self.pool(x)
        out: Tensor = self.conv(x.contiguous() if self.narrow and self.training else x)
        return out if self.norm is None else self.norm(out)


def build_shortcut(shape: BlockShape) -> nn.Module | None:
    """The shortcut of one block; None in a plain network."""
    if shape.shortcut in ("projection", "pooled"):
        return ProjectionShortcut(
            shape.in_width,
            shape.width,
            shape.stride,
            norm=shape.norm,
            has_norm=shape.order == "post",
            pooled=shape.shortcut == "pooled",
        )
    if shape.shortcut == "pad":
        end, mean = shape.padding == "end", shape.subsampling == "average"
        return PadShortcut(shape.in_width, shape.width, shape.stride, end=end, mean=mean)
    return nn.Identity() if shape.shortcut == "identity" else None


def shortcut_name(shortcut: nn.Module | None) -> ShortcutKind:
    """Name of the kind of a shortcut in tables; of another project's, by its layers."""
    if shortcut is None:
        return "none"
    if isinstance(shortcut, nn.Identity) or (isinstance(shortcut, nn.Sequential) and not len(shortcut)):
        return "identity"
    if isinstance(shortcut, ProjectionShortcut):
        return "projection" if shortcut.pool is None else "pooled"
    return "projection" if any(isinstance(each, nn.Conv2d) for each in shortcut.modules()) else "pad"
