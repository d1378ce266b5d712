"""Layers of densely connected networks.

Source: Huang et al. 2017, arXiv 1608.06993, section 3. Standalone code copies these classes, see `models.code`.
"""

import torch
from torch import Tensor, nn

from explorer.models.config import DENSE_BOTTLENECK


class DenseLayer(nn.Module):
    """Norm, ReLU and a 3x3 convolution, whose output is concatenated with the input."""

    def __init__(self, in_width: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(in_width, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu1(self.norm1(x)))
        return torch.cat([x, new], dim=1)


class DenseBottleneckLayer(nn.Module):
    """Norm, ReLU and a 1x1 convolution to four times the growth, then again with a 3x3."""

    def __init__(self, in_width: int, growth: int) -> None:
        super().__init__()
        inner = DENSE_BOTTLENECK * growth
        self.norm1 = nn.BatchNorm2d(in_width)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(in_width, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(self.relu1(self.norm1(x)))
        new = self.conv2(self.relu2(self.norm2(out)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """Between two stages: a 1x1 convolution and 2x2 average pooling."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_width)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_width, width, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(self.conv(self.relu(self.norm(x))))
        return out
