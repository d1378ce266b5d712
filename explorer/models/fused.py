"""Networks for evaluation: batch norm is folded into convolutions, which also add the shortcut and apply ReLU."""

from copy import deepcopy
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from explorer.models.blocks import BasicBlock, BottleneckBlock
from explorer.models.network import Network


def fused(network: nn.Module) -> nn.Module:
    """A copy that computes the same in evaluation mode in less time, without gradients.

    Every batch norm that directly follows a convolution is folded into it: all in networks of He et al. 2015, the inner
    ones of pre-activation and dense blocks. Stem and blocks stay modules of their own; a block may overwrite its
    input. A network that is not from `explorer.models`, or that has hooks, is returned itself.

    Args:
        network: it is not changed.
    """
    hooked = any(each._forward_hooks or each._forward_pre_hooks for each in network.modules())  # noqa: SLF001
    return network if not isinstance(network, Network) or hooked else fused_part(network)


def fused_part(part: nn.Module) -> nn.Module:
    """`fused` for a part of a network of `explorer.models` without hooks, such as a block."""
    whole = nn.Sequential(deepcopy(part).eval())
    for parent in list(whole.modules()):
        _fuse_layers(parent)
    for parent in list(whole.modules()):
        for name, block in parent.named_children():
            if isinstance(block, BasicBlock | BottleneckBlock) and _ends_in_one_pass(block):
                parent.add_module(name, FusedBlock(block))
    return whole[0]


def _ends_in_one_pass(block: BasicBlock | BottleneckBlock) -> bool:
    simple = block.shape.norm == "batch" and block.excitation is None and block.antialias is None
    return simple and not block.branch_dropped


def _fuse_layers(parent: nn.Module) -> None:
    """Fuse each convolution with the norm and ReLU after it; children are in the order in which they are called."""
    layers = [(name, each) for name, each in parent.named_children() if not isinstance(each, nn.Identity)]
    while layers:
        name, convolution = layers.pop(0)
        if type(convolution) is not nn.Conv2d:
            continue
        norm = None
        if layers and isinstance(layers[0][1], nn.BatchNorm2d):
            norm = layers[0][1]
            parent.add_module(layers.pop(0)[0], nn.Identity())
        relu = bool(layers) and isinstance(layers[0][1], nn.ReLU)
        if relu:
            parent.add_module(layers.pop(0)[0], nn.Identity())
        parent.add_module(name, FusedConvolution(convolution, norm, relu=relu))


class FusedBlock(nn.Module):
    """A block that ends with the sum and ReLU, or in a plain network with ReLU alone."""

    def __init__(self, block: BasicBlock | BottleneckBlock) -> None:
        super().__init__()
        *first, self.last = (each for each in block.children() if isinstance(each, FusedConvolution))
        self.branch = nn.Sequential(*first)
        self.last.relu = True
        self.last.multiply(block.addition.branch_factor)
        self.shortcut, self.weighted = block.shortcut, block.addition.weighted

    def forward(self, x: Tensor) -> Tensor:
        shortcut = None if self.shortcut is None else self.weighted(self.shortcut(x))
        out: Tensor = self.last(self.branch(x), shortcut)
        return out


class FusedConvolution(nn.Module):
    """A convolution and norm, then the sum with another tensor if there is one, which it may overwrite, then ReLU."""

    def __init__(self, layer: nn.Conv2d, norm: nn.BatchNorm2d | None, *, relu: bool) -> None:
        super().__init__()
        weight, bias = layer.weight, layer.bias
        if norm is not None:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            weight, bias = fuse_conv_bn_weights(
                weight, bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
        self.weight = weight.detach().contiguous(memory_format=torch.channels_last)
        self.bias = None if bias is None else bias.detach()
        self.geometry: Any = layer.stride, layer.padding, layer.dilation, layer.groups
        self.relu = relu

    def multiply(self, factor: float) -> None:
        """Multiply the outputs before sum and ReLU."""
        if factor != 1:
            self.weight = self.weight * factor
            self.bias = None if self.bias is None else self.bias * factor

    def forward(self, images: Tensor, other: Tensor | None = None) -> Tensor:
        if images.device.type == "cpu" and images.dtype == self.weight.dtype == torch.float32 and in_one_pass():
            return self.one_pass(images, other)
        out = functional.conv2d(images, self.weight, self.bias, *self.geometry)
        if other is not None:
            out.add_(other)
        return out.relu_() if self.relu else out

    def one_pass(self, images: Tensor, other: Tensor | None) -> Tensor:
        """The same by operations of oneDNN, which are not part of PyTorch's public interface."""
        stride, padding, dilation, groups = self.geometry
        layer = images, self.weight, self.bias, padding, stride, dilation, groups
        relu, operations = "relu" if self.relu else None, torch.ops.mkldnn
        if other is None:
            out: Tensor = operations._convolution_pointwise(*layer, relu or "none", [], "")  # noqa: SLF001
            return out
        operations._convolution_pointwise_.binary(other, *layer, "add", None, relu, [], "")
        return other


@cache
def in_one_pass() -> bool:
    """Whether this PyTorch has these operations, and they give the right numbers."""
    images, layer = torch.ones(1, 2, 3, 3), nn.Conv2d(2, 2, 3, padding=1).requires_grad_(requires_grad=False)
    fast, expected = FusedConvolution(layer, None, relu=True), layer(images)
    try:
        alone, summed = fast.one_pass(images, None), fast.one_pass(images, torch.ones_like(images))
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(alone, expected.relu()) and torch.allclose(summed, (expected + 1).relu())
