"""Blocks of residual and plain networks, each written like its figure: one ReLU module per use, nothing in place."""

from collections.abc import Callable

from torch import Tensor, nn

from explorer.models.excitation import Excitation
from explorer.models.norms import Scale, after, at_end, convolution
from explorer.models.shortcuts import Addition, build_shortcut
from explorer.models.structure import BlockShape


class ResidualBlock(nn.Module):
    """What these blocks have in common: how branch and shortcut meet. A plain network has the branch alone.

    Attributes:
        branch_factor: what the branch is multiplied with; 0: it is not computed. Other than 1 only while a step of
            stochastic depth lasts, see `training.stochastic_depth`.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.shape = shape
        self.branch_factor = 1.0

    def _add_meeting(self) -> None:
        """The modules that `_met` needs; called after those of the branch, so that modules stand in order of use."""
        self.excitation = Excitation(self.shape.width) if self.shape.excitation else None
        self.shortcut = build_shortcut(self.shape)
        self.addition = None if self.shortcut is None else Addition()

    def _met(self, branch_of: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """The sum of what the branch, which an excitation may weigh, and the shortcut make of `x`."""
        if self.shortcut is not None and self.branch_factor == 0:
            beside: Tensor = self.shortcut(x)
            return beside
        branch = branch_of(x)
        if self.excitation is not None:
            branch = self.excitation(branch)
        if self.branch_factor != 1:
            branch = branch * self.branch_factor
        if self.shortcut is not None and self.addition is not None:
            branch = self.addition(branch, self.shortcut(x))
        return branch


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions and, in a residual network, a shortcut around them. Source: He et al. 2015, figure 2."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        width, norm = shape.width, shape.norm
        self.conv1 = convolution(shape.in_width, width, 3, stride=shape.stride, norm=norm)
        self.norm1 = after(norm, width)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(width, width, 3, norm=norm)
        self.norm2 = at_end(norm, width)
        self._add_meeting()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        relu2: Tensor = self.relu2(self._met(self._branch, x))
        return relu2

    def _branch(self, x: Tensor) -> Tensor:
        out = self.relu1(self.norm1(self.conv1(x)))
        norm2: Tensor = self.norm2(self.conv2(out))  # the response of figure 7
        return norm2


class BottleneckBlock(ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions; the last gives four times the width. Source: He et al. 2015, figure 5.

    The 3x3 may be grouped (Xie et al. 2017, figure 3c). The stride is on the first 1x1 in the paper, on the 3x3 in
    torchvision.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        inner, norm = shape.inner_width, shape.norm
        first, second = (shape.stride, 1) if shape.stride_on == "1x1" else (1, shape.stride)
        self.conv1 = convolution(shape.in_width, inner, 1, stride=first, norm=norm)
        self.norm1 = after(norm, inner)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(inner, inner, 3, stride=second, groups=shape.groups, norm=norm)
        self.norm2 = after(norm, inner)
        self.relu2 = nn.ReLU()
        self.conv3 = convolution(inner, shape.width, 1, norm=norm)
        self.norm3 = at_end(norm, shape.width)
        self._add_meeting()
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        relu3: Tensor = self.relu3(self._met(self._branch, x))
        return relu3

    def _branch(self, x: Tensor) -> Tensor:
        out = self.relu1(self.norm1(self.conv1(x)))
        out = self.relu2(self.norm2(self.conv2(out)))
        norm3: Tensor = self.norm3(self.conv3(out))
        return norm3


class PreBasicBlock(ResidualBlock):
    """Norm and ReLU before each of two 3x3 convolutions, and nothing after the sum. Source: He et al. 2016, figure 4e.

    Where the shape changes, and in the first block after a stem without ReLU, the shortcut too starts after the first
    ReLU (section A of its appendix). Without batch norm a scalar ends the branch.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        width, norm = shape.width, shape.norm
        self.norm1 = after(norm, shape.in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = convolution(shape.in_width, width, 3, stride=shape.stride, norm=norm)
        self.norm2 = after(norm, width)
        self.relu2 = nn.ReLU()
        self.conv2 = convolution(width, width, 3, norm=norm)
        self.norm3 = Scale() if norm == "skipinit" else None
        self._add_meeting()

    def forward(self, x: Tensor) -> Tensor:
        return self._met(self._branch, self.relu1(self.norm1(x)) if self.shape.shares_activation else x)

    def _branch(self, x: Tensor) -> Tensor:
        out: Tensor = x if self.shape.shares_activation else self.relu1(self.norm1(x))
        out = self.conv1(out)
        out = self.conv2(self.relu2(self.norm2(out)))
        if self.norm3 is not None:
            out = self.norm3(out)
        return out


class PreBottleneckBlock(ResidualBlock):
    """The same around the three convolutions of a bottleneck. Source: He et al. 2016, section 4."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        inner, norm = shape.inner_width, shape.norm
        first, second = (shape.stride, 1) if shape.stride_on == "1x1" else (1, shape.stride)
        self.norm1 = after(norm, shape.in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = convolution(shape.in_width, inner, 1, stride=first, norm=norm)
        self.norm2 = after(norm, inner)
        self.relu2 = nn.ReLU()
        self.conv2 = convolution(inner, inner, 3, stride=second, groups=shape.groups, norm=norm)
        self.norm3 = after(norm, inner)
        self.relu3 = nn.ReLU()
        self.conv3 = convolution(inner, shape.width, 1, norm=norm)
        self.norm4 = Scale() if norm == "skipinit" else None
        self._add_meeting()

    def forward(self, x: Tensor) -> Tensor:
        return self._met(self._branch, self.relu1(self.norm1(x)) if self.shape.shares_activation else x)

    def _branch(self, x: Tensor) -> Tensor:
        out: Tensor = x if self.shape.shares_activation else self.relu1(self.norm1(x))
        out = self.conv1(out)
        out = self.conv2(self.relu2(self.norm2(out)))
        out = self.conv3(self.relu3(self.norm3(out)))
        if self.norm4 is not None:
            out = self.norm4(out)
        return out
