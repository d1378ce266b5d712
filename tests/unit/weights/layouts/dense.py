"""Densely connected networks, small, in the layouts of the projects named."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.unit.weights.layouts.parts import conv, in_turn


class DenseLayer(nn.Module):
    def __init__(self, before, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, 4 * growth, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), conv(4 * growth, growth)

    def forward(self, x):
        out = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return torch.cat([out, x] if self.new_first else [x, out], 1)


class BearpawDenseLayer(DenseLayer):
    """New channels behind the old ones."""

    new_first = False


class KuangliuDenseLayer(DenseLayer):
    """New channels before the old ones."""

    new_first = True


class Transition(nn.Module):
    def __init__(self, before, after, norm, convolution):
        super().__init__()
        self.add_module(norm, nn.BatchNorm2d(before))
        self.add_module(convolution, conv(before, after, 1))

    def forward(self, x):
        norm, convolution = self.children()
        return F.avg_pool2d(convolution(F.relu(norm(x))), 2)


class Dense(nn.Module):
    """bearpaw/pytorch-classification, densenet; kuangliu/pytorch-cifar, DenseNet."""

    def __init__(
        self, layer=BearpawDenseLayer, norm="bn1", convolution="conv1", linear="fc", growth=6, blocks=(2, 3, 2)
    ):
        super().__init__()
        width = 2 * growth
        self.conv1 = conv(3, width)
        for number, count in enumerate(blocks, start=1):
            self.add_module(f"dense{number}", nn.Sequential(*(layer(width + n * growth, growth) for n in range(count))))
            width += count * growth
            if number < len(blocks):
                self.add_module(f"trans{number}", Transition(width, width // 2, norm, convolution))
                width //= 2
        self.bn = nn.BatchNorm2d(width)
        self.add_module(linear, nn.Linear(width, 10))

    def forward(self, x):
        x = self.conv1(x)
        for name, module in self.named_children():
            if name.startswith(("dense", "trans")):
                x = module(x)
        *_, linear = self.children()
        return linear(F.relu(self.bn(x)).mean((2, 3)))
