"""Blocks of residual and plain networks, written like their figures: one ReLU module per use, nothing in place."""

from typing import Any

from torch import Tensor, nn

from explorer.models.excitation import build_excitation
from explorer.models.norms import Scale, convolution, norm_after, norm_at_end
from explorer.models.pooling import antialiasing
from explorer.models.shortcuts import build_shortcut
from explorer.models.structure import BlockShape, convolution_strides


class Addition(nn.Module):
    """The sum of branch and shortcut; a module, since relevance propagation has rules for modules only.

    Attributes:
        branch_factor: of the branch; differs from 1 in training with stochastic depth, see
            `training.stochastic_depth`, and in operated networks, see `models.operated`.
        shortcut_factor: of the shortcut: the network's `shortcut_scale`, times that of an operation.
    """

    branch_factor = 1.0

    def __init__(self, shortcut_scale: float = 1.0) -> None:
        super().__init__()
        self.shortcut_factor = shortcut_scale

    def forward(self, branch: Tensor, shortcut: Tensor) -> Tensor:
        if self.branch_factor != 1:
            branch = branch * self.branch_factor
        return branch + self.weighted(shortcut)  # not in place: a recorded response would change

    def weighted(self, shortcut: Tensor) -> Tensor:
        """The shortcut times its factor."""
        return shortcut if self.shortcut_factor == 1 else shortcut * self.shortcut_factor


class ResidualBlock(nn.Module):
    """Base class of the blocks below.

    Attributes:
        shortcut: the path beside the branch; None in a plain network.
        excitation: of the branch, or of the sum if the network's `excitation_on` says so; None without one.
    """

    shortcut: Any
    excitation: Any
    addition: Addition

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.shape = shape

    @property
    def branch_dropped(self) -> bool:
        """Whether only the shortcut is computed: in some training steps with stochastic depth, or a deleted block."""
        return self.addition.branch_factor == 0

    def without_branch(self, x: Tensor) -> Tensor:
        """The shortcut of x alone; in a plain network, x."""
        return x if self.shortcut is None else self.addition.weighted(self.shortcut(x))

    def end(self, branch: Tensor, x: Tensor) -> Tensor:
        """The branch with its excitation plus the shortcut of x; in a plain network, the former alone."""
        of_branch = self.excitation is not None and self.shape.excitation_on == "branch"
        out: Tensor = self.excitation(branch) if of_branch else branch
        if self.shortcut is not None:
            out = self.addition(out, self.shortcut(x))
        return self.excitation(out) if self.excitation is not None and not of_branch else out


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions and, in a residual network, a shortcut around them. Source: He et al. 2015, figure 2."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        width, norm = shape.width, shape.norm
        first, second = convolution_strides(shape)
        self.conv1 = convolution(shape.in_width, width, 3, stride=first, norm=norm)
        self.norm1 = norm_after(norm, width)
        self.relu1 = nn.ReLU()
        self.antialias = None if shape.antialias == "none" else antialiasing(shape.antialias)
        self.conv2 = convolution(width, width, 3, stride=second, norm=norm)
        self.norm2 = norm_at_end(norm, width)
        self.excitation = build_excitation(shape)
        self.shortcut = build_shortcut(shape)
        self.addition = Addition(shape.shortcut_scale)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if self.branch_dropped:
            return self.relu2(self.without_branch(x))
        out = self.relu1(self.norm1(self.conv1(x)))
        if self.antialias is not None:
            out = self.antialias(out)
        out = self.norm2(self.conv2(out))  # the response of figure 7
        return self.relu2(self.end(out, x))


class BottleneckBlock(ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions; the last gives four times the width. Source: He et al. 2015, figure 5.

    The 3x3 may be grouped (Xie et al. 2017, figure 3c). The stride is on the first 1x1 in the paper, on the 3x3 in
    torchvision.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        inner, norm = shape.inner_width, shape.norm
        first, second = convolution_strides(shape)
        self.conv1 = convolution(shape.in_width, inner, 1, stride=first, norm=norm)
        self.norm1 = norm_after(norm, inner)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(inner, inner, 3, stride=second, groups=shape.groups, norm=norm)
        self.norm2 = norm_after(norm, inner)
        self.relu2 = nn.ReLU()
        self.antialias = None if shape.antialias == "none" else antialiasing(shape.antialias)
        self.conv3 = convolution(inner, shape.width, 1, norm=norm)
        self.norm3 = norm_at_end(norm, shape.width)
        self.excitation = build_excitation(shape)
        self.shortcut = build_shortcut(shape)
        self.addition = Addition(shape.shortcut_scale)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if self.branch_dropped:
            return self.relu3(self.without_branch(x))
        out = self.relu1(self.norm1(self.conv1(x)))
        out = self.relu2(self.norm2(self.conv2(out)))
        if self.antialias is not None:
            out = self.antialias(out)
        out = self.norm3(self.conv3(out))
        return self.relu3(self.end(out, x))


class PreBasicBlock(ResidualBlock):
    """Norm and ReLU before each of two 3x3 convolutions, and nothing after the sum. Source: He et al. 2016, figure 4e.

    Where the shape changes, and in the first block after a stem without ReLU, the shortcut also starts after the first
    ReLU (appendix A there), unless the network's `shortcut_start` differs. With SkipInit the branch ends with a scalar.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        width, norm = shape.width, shape.norm
        self.norm1 = norm_after(norm, shape.in_width)
        self.relu1 = nn.ReLU()
        first, second = convolution_strides(shape)
        self.conv1 = convolution(shape.in_width, width, 3, stride=first, norm=norm)
        self.norm2 = norm_after(norm, width)
        self.relu2 = nn.ReLU()
        self.conv2 = convolution(width, width, 3, stride=second, norm=norm)
        self.norm3 = Scale() if norm == "skipinit" else None
        self.excitation = build_excitation(shape)
        self.shortcut = build_shortcut(shape)
        self.addition = Addition(shape.shortcut_scale)

    def forward(self, x: Tensor) -> Tensor:
        if self.branch_dropped:
            return self.without_branch(self.relu1(self.norm1(x)) if self.shape.shares_activation else x)
        active = self.relu1(self.norm1(x))
        out = self.conv1(active)
        out = self.conv2(self.relu2(self.norm2(out)))
        if self.norm3 is not None:
            out = self.norm3(out)
        return self.end(out, active if self.shape.shares_activation else x)


class PreBottleneckBlock(ResidualBlock):
    """Norm and ReLU before each of the three convolutions of a bottleneck. Source: He et al. 2016, section 4."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        inner, norm = shape.inner_width, shape.norm
        first, second = convolution_strides(shape)
        self.norm1 = norm_after(norm, shape.in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = convolution(shape.in_width, inner, 1, stride=first, norm=norm)
        self.norm2 = norm_after(norm, inner)
        self.relu2 = nn.ReLU()
        self.conv2 = convolution(inner, inner, 3, stride=second, groups=shape.groups, norm=norm)
        self.norm3 = norm_after(norm, inner)
        self.relu3 = nn.ReLU()
        self.conv3 = convolution(inner, shape.width, 1, norm=norm)
        self.norm4 = Scale() if norm == "skipinit" else None
        self.excitation = build_excitation(shape)
        self.shortcut = build_shortcut(shape)
        self.addition = Addition(shape.shortcut_scale)

    def forward(self, x: Tensor) -> Tensor:
        if self.branch_dropped:
            return self.without_branch(self.relu1(self.norm1(x)) if self.shape.shares_activation else x)
        active = self.relu1(self.norm1(x))
        out = self.conv1(active)
        out = self.conv2(self.relu2(self.norm2(out)))
        out = self.conv3(self.relu3(self.norm3(out)))
        if self.norm4 is not None:
            out = self.norm4(out)
        return self.end(out, active if self.shape.shares_activation else x)
