"""The path beside a block: nothing, zero-padding (A) or a projection (B, C). Source: He et al. 2015, section 3.3."""

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.config import Shortcut


class Addition(nn.Module):
    """Where branch and shortcut meet; a module, since relevance propagation has rules for modules only."""

    def forward(self, branch: Tensor, beside: Tensor) -> Tensor:
        return branch + beside  # never in place: a recorded response would change


class PadShortcut(nn.Module):
    """Option A: every second position, zeros for the new channels; no parameters.

    The zeros stand half before and half after the old channels. The paper does not say where; this is the layout
    of the best-known reimplementation, so that its published weights compute the same function here.
    """

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        before = (out_width - in_width) // 2
        self.padding = (0, 0, 0, 0, before, out_width - in_width - before)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


class ProjectionShortcut(nn.Module):
    """Options B and C: a 1x1 convolution with batch norm."""

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_width, out_width, kernel_size=1, stride=stride, bias=False)
        self.norm = nn.BatchNorm2d(out_width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


def build_shortcut(option: Shortcut, in_width: int, out_width: int, stride: int) -> nn.Module | None:
    """The shortcut of one block; None in a plain network."""
    if option == "none":
        return None
    same_shape = in_width == out_width and stride == 1
    if option == "C" or (option == "B" and not same_shape):
        return ProjectionShortcut(in_width, out_width, stride)
    return nn.Identity() if same_shape else PadShortcut(in_width, out_width, stride)


def shortcut_name(shortcut: nn.Module | None) -> str:
    """What tables call it: none, identity, projection, or pad."""
    if shortcut is None:
        return "none"
    if isinstance(shortcut, nn.Identity):
        return "identity"
    return "projection" if isinstance(shortcut, ProjectionShortcut) else "pad"
