"""Deeper networks that compute the same function: the solution by construction of He et al. 2015, section 1."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.blocks import BasicBlock
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build
from explorer.models.shortcuts import ProjectionShortcut


def deepened(network: Network, depth: int, images: Tensor | None = None) -> Network:
    """A deeper copy with identity blocks inserted at the end of each stage, in evaluation mode.

    In a plain network the inserted 3x3 convolutions have identity kernels, and weight and bias of their batch norms
    invert the normalisation; the ReLUs change nothing, since the block's input is not negative. In a residual network
    the last batch norm of the block has weight and bias zero, so that only the shortcut remains; a projection there
    (option C) is made the identity like the convolutions of a plain network.

    Args:
        network: not changed.
        depth: of the copy, 6n+2.
        images: (N, C, H, W), normalised, on the network's device; a few hundred training images. The inserted batch
            norms get their mean and variance in training mode. A block is then the identity in training mode too, as
            far as a batch has the same mean and variance: the first loss equals the shallower network's to within a
            few percent. Without images mean zero and variance one are used, and a plain network in training mode
            computes another function from the first step on.

    Raises:
        BadSettings: `network` is not from `build` or not made of three equal stages of basic blocks with batch norm
            and a small stem, `depth` is not 6n+2 or not greater than the network's, or `images` is not a batch for
            the network.
    """
    if not isinstance(network, Network):
        raise BadSettings(
            f"`network` is a {type(network).__name__}; identity blocks are known for the networks of "
            "`explorer.build` and `explorer.load_checkpoint` alone. Give one of those."
        )
    _require_known(network.config)
    config = NetworkConfig(**(network.config.model_dump() | {"depth": depth}))
    old_blocks = network.config.blocks_per_stage
    if config.blocks_per_stage <= old_blocks:
        raise BadSettings(
            f"`depth` (={depth}) is not more than that of {network.config.name}. "
            f"Choose {network.config.depth + 6} or another greater 6n+2."
        )
    if images is not None and (images.ndim != 4 or images.shape[1] != config.channels):
        raise BadSettings(
            f"`images` has shape {tuple(images.shape)}; expected (N, {config.channels}, H, W), normalised. "
            "Give a batch of training images."
        )
    deeper = build(config).to(next(network.parameters())).eval()
    deeper.load_state_dict(network.state_dict(), strict=False)  # all but the inserted blocks
    deeper.normalisation = network.normalisation
    for stage, (mean, variance) in zip(deeper.stages.children(), _statistics(network, images), strict=True):
        for block in list(stage.children())[old_blocks:]:
            assert isinstance(block, BasicBlock)
            _make_identity(block, mean, variance)
    return deeper


def _require_known(config: NetworkConfig) -> None:
    """Raise BadSettings unless this is a network of He et al. 2015, section 4.2."""
    parts = {
        f"{config.block} blocks": config.block != "basic",
        f"`order='{config.order}'`": config.order != "post",
        f"`norm='{config.norm}'`": config.norm != "batch",
        "excitations": config.excitation,
        f"shortcuts times {config.shortcut_scale:g}, with which no block is the identity": config.shortcut_scale != 1,
        f"a {config.stem} stem": config.stem != "small",
        "max pooling after the stem": config.stem == "small" and config.pooled_stem,
        "images enlarged before the stem": bool(config.enlarged),
        "stages that do not double their width": bool(config.widths),
        "stages of its own": bool(config.stages),
        "hidden layers before its classifier": bool(config.head),
        "one output for two classes": config.sigmoid,
    }
    found = [part for part, there in parts.items() if there]
    if found:
        raise BadSettings(
            f"{config.name} has {' and '.join(found)}; identity blocks are known for plain and residual networks of "
            "three equal stages of basic blocks with batch norm, such as plain20 or resnet56. Choose one of those."
        )


def _statistics(network: Network, images: Tensor | None) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance (C,) of each stage's output in training mode on `images`; zero and one without images."""
    if images is None:
        widths = [network.config.width << stage for stage in range(3)]
        return [(torch.zeros(width), torch.ones(width)) for width in widths]
    found = []
    with torch.no_grad():
        training = deepcopy(network).train()  # a copy, since its running statistics change
        features = training.stem(images)
        for stage in training.stages.children():
            features = stage(features)
            variance, mean = torch.var_mean(features, dim=(0, 2, 3), correction=0)
            found.append((mean, variance))
    return found


def _make_identity(block: BasicBlock, mean: Tensor, variance: Tensor) -> None:
    """Make a block the identity for non-negative features with this batch mean and variance (C,)."""
    if block.shortcut is None:
        _set_identity(block.conv1, block.norm1, mean, variance)
        _set_identity(block.conv2, block.norm2, mean, variance)
        return
    for parameter in block.norm2.parameters():
        nn.init.zeros_(parameter)
    if isinstance(block.shortcut, ProjectionShortcut):
        _set_identity(block.shortcut.conv, block.shortcut.norm, mean, variance)


def _set_identity(convolution: nn.Conv2d, norm: nn.Module | None, mean: Tensor, variance: Tensor) -> None:
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.dirac_(convolution.weight)  # one at the centre, from each channel to itself
    inverse = {"running_mean": mean, "running_var": variance, "weight": (variance + norm.eps).sqrt(), "bias": mean}
    norm.load_state_dict(norm.state_dict() | inverse)
