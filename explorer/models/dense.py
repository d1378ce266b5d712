"""Layers of densely connected networks, whose output is their input and some channels more.

Source: Huang et al. 2017, arXiv 1608.06993, section 3.
"""

import torch
from torch import Tensor, nn

from explorer.models.structure import BlockShape


class DenseLayer(nn.Module):
    """Norm, ReLU and a 3x3 convolution that gives the new channels."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(shape.in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(shape.in_width, shape.width - shape.in_width, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu1(self.norm1(x)))
        return torch.cat([x, new], dim=1)


class DenseBottleneckLayer(nn.Module):
    """The same with a 1x1 convolution before it, which gives four times as many channels: DenseNet-B."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        inner, grown = shape.inner_width, shape.width - shape.in_width
        self.norm1 = nn.BatchNorm2d(shape.in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(shape.in_width, inner, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, grown, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.relu1(self.norm1(x)))
        new = self.conv2(self.relu2(self.norm2(out)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """Between two stages: a 1x1 convolution, with half the channels in DenseNet-C, and means of 2x2 positions."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(shape.in_width)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(shape.in_width, shape.width, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(self.conv(self.relu(self.norm(x))))
        return out
