"""Building blocks, each written like its figure: one ReLU module per use, nothing in place."""

from torch import Tensor, nn

from explorer.models.config import Shortcut
from explorer.models.shortcuts import Addition, build_shortcut


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and, in a residual network, a shortcut around them. Source: He et al. 2015, figure 2."""

    def __init__(self, in_width: int, width: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = build_shortcut(shortcut, in_width, width, stride)
        self.addition = None if self.shortcut is None else Addition()
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))  # the response of figure 7
        if self.shortcut is not None and self.addition is not None:
            out = self.addition(out, self.shortcut(x))
        relu2: Tensor = self.relu2(out)
        return relu2
