"""Stems, which come before the stages."""

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from explorer.models.config import NetworkConfig
from explorer.models.names import DEEP_STEMS
from explorer.models.norms import norm_after
from explorer.models.pooling import Blur, Enlarge
from explorer.models.structure import stem_widths


def build_stem(config: NetworkConfig) -> nn.Sequential:
    """A small stem is one 3x3 convolution; a large one reduces the image size by 4, as in He et al. 2015, table 1.

    A deep stem has three 3x3 convolutions in place of the 7x7 (He et al. 2019, arXiv 1812.01187, figure 2c). Norm and
    ReLU follow, except for a small stem before blocks that start with their own. Images may be enlarged first.
    """
    width = config.width
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    if config.enlarged:
        modules["enlarge"] = Enlarge(config.enlarged)
    if config.stem in DEEP_STEMS:
        for number, (in_width, out_width) in enumerate(pairwise(stem_widths(config)), start=1):
            modules[f"conv{number}"] = _convolution(config, in_width, out_width, 3, 2 if number == 1 else 1)
            modules[f"norm{number}"] = norm_after(config.norm, out_width)
            modules[f"relu{number}"] = nn.ReLU()
    else:
        kernel_size, stride = (3, 1) if config.stem == "small" else (7, 2)
        modules["conv"] = _convolution(config, config.channels, width, kernel_size, stride)
        if not config.bare_stem:
            modules["norm"] = norm_after(config.norm, width)
            modules["relu"] = nn.ReLU()
    if config.pooled_stem:
        modules |= _pooling(config)
    return nn.Sequential(modules)


def _pooling(config: NetworkConfig) -> dict[str, nn.Module]:
    """Max pooling; antialiased it has stride 1 and is blurred, or the mean of 2x2 replaces it, as in timm."""
    if config.antialias == "average":
        return {"pool": nn.AvgPool2d(2)}
    if config.antialias == "blur":
        return {"pool": nn.MaxPool2d(kernel_size=3, stride=1, padding=1), "blur": Blur()}
    return {"pool": nn.MaxPool2d(kernel_size=3, stride=2, padding=1)}


def _convolution(config: NetworkConfig, in_width: int, width: int, kernel_size: int, stride: int) -> nn.Conv2d:
    """A convolution; without batch norm it has a bias (SkipInit), or a scalar follows it (Fixup)."""
    padding = kernel_size // 2
    return nn.Conv2d(in_width, width, kernel_size, stride, padding, bias=config.norm == "skipinit")
