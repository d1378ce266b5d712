"""What the layouts share: convolutions, rows of blocks, and weights."""

import torch
from torch import nn


def conv(before, after, kernel=3, stride=1, groups=1):
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)


def stages(block, before, widths, counts, expansion=1, first=1):
    """For each stage its blocks, made by block(before, width, stride); the first stage has stride `first`."""
    found = []
    for number, (width, count) in enumerate(zip(widths, counts, strict=True)):
        row = []
        for place in range(count):
            row.append(block(before, width, 1 if place else 2 if number else first))
            before = width * expansion
        found.append(row)
    return found


def add_layers(network, rows, name="layer{}"):
    """Add a sequence for each row of blocks under the names layer1, layer2, ..."""
    for number, row in enumerate(rows, start=1):
        network.add_module(name.format(number), nn.Sequential(*row))


def in_turn(network, x, name="layer"):
    """x through all sequences whose names begin so."""
    for each, module in network.named_children():
        if each.startswith(name):
            x = module(x)
    return x


def drawn(network):
    """With weights and statistics none of which is what a new network has, so that each one counts."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "weight")) and tensor.ndim == 1:
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and tensor.ndim == 1:
            tensor.normal_(0, 0.1)
        elif tensor.ndim == 4:
            nn.init.kaiming_normal_(tensor)
    return network
