"""Stems, which come before the stages."""

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from explorer.models.config import NetworkConfig
from explorer.models.norms import norm_after


def build_stem(config: NetworkConfig) -> nn.Sequential:
    """A small stem is one 3x3 convolution; a large one reduces the image size by 4, as in He et al. 2015, table 1.

    A deep stem has three 3x3 convolutions in place of the 7x7 (He et al. 2019, arXiv 1812.01187, figure 2c). Norm and
    ReLU follow, except for a small stem before blocks that start with their own.
    """
    width = config.width
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    if config.stem == "deep":
        widths = (config.channels, max(1, width // 2), max(1, width // 2), width)
        for number, (in_width, out_width) in enumerate(pairwise(widths), start=1):
            modules[f"conv{number}"] = _convolution(config, in_width, out_width, 3, 2 if number == 1 else 1)
            modules[f"norm{number}"] = norm_after(config.norm, out_width)
            modules[f"relu{number}"] = nn.ReLU()
    else:
        kernel_size, stride = (3, 1) if config.stem == "small" else (7, 2)
        modules["conv"] = _convolution(config, config.channels, width, kernel_size, stride)
        if config.stem == "large" or not (config.order == "pre" or config.dense):
            modules["norm"] = norm_after(config.norm, width)
            modules["relu"] = nn.ReLU()
    if config.stem != "small":
        modules["pool"] = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    return nn.Sequential(modules)


def _convolution(config: NetworkConfig, in_width: int, width: int, kernel_size: int, stride: int) -> nn.Conv2d:
    """A convolution; without batch norm it has a bias (SkipInit), or a scalar follows it (Fixup)."""
    padding = kernel_size // 2
    return nn.Conv2d(in_width, width, kernel_size, stride, padding, bias=config.norm == "skipinit")
