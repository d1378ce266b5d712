"""Paths through a network: how many there are of each length, and how much gradient each of them carries.

A residual network of n blocks has 2^n paths, since each block can be passed through its branch or its shortcut. Source:
Veit, Wilber and Belongie 2016 (arXiv 1605.06431), sections 3 and 5.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from explorer import progress, tables
from explorer.analysis.images import require_images
from explorer.errors import BadSettings
from explorer.models.layers import Block, blocks, network_name
from explorer.models.recording import Statistics, working_copy

BATCH = 32  # images in one backward pass, each along a path of its own


def path_counts(network: nn.Module) -> list[int]:
    """Number of paths by the number of branches on them, from 0 to the number of blocks: binomial coefficients.

    A block without a shortcut can only be passed through its branch, so a plain network has one path, of all blocks.

    Raises:
        BadSettings: the network has no blocks of a kind that is known.
    """
    counts = [1]
    for block in _blocks(network):
        through, past = [0, *counts], [*counts, 0] if block.shortcut is not None else [0] * (len(counts) + 1)
        counts = [one + other for one, other in zip(through, past, strict=True)]
    return counts


def path_gradients(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    samples: int = 20,
    statistics: Statistics = "running",
    seed: int = 0,
) -> pd.DataFrame:
    """Number of paths of each length, the gradient along single paths, and their product.

    The gradient along a path: that of an image's loss with respect to its pixels, where each block hands it back either
    through its branch or through its shortcut only. The gradients along all paths add up to the whole gradient. Paths
    of a length are drawn at random, each for another
    of the first images, which are the same for all lengths. In evaluation mode, on a copy.

    Args:
        network: of `build` or `load_checkpoint`, or another one whose blocks have an attribute `shortcut`.
        images: (N, C, H, W), normalised for `network`, on its device.
        labels: (N,), classes.
        samples: paths of each length.
        statistics: of batch norm: the running ones, or those of these images, also constant in the backward pass. Use
            the latter for untrained networks, whose running statistics are not those of any images.
        seed: of the drawn paths.

    Returns:
        The columns of `tables.PATHS`, one row per length of which there are paths.

    Raises:
        BadSettings: `images` or `labels` do not fit, or the network has no blocks of a kind that is known.
    """
    require_images(network, images, labels, fewest=2 if statistics == "batch" else 1)
    copy = working_copy(network).requires_grad_(requires_grad=False)
    counts = path_counts(copy)
    if statistics == "batch":
        take_statistics(copy, images)
    lengths = [length for length, count in enumerate(counts) if count]
    drawn = _drawn(copy, lengths, samples, np.random.default_rng(seed))
    norms = np.empty(len(drawn))
    for start in range(0, len(drawn), BATCH):
        part = torch.arange(start, min(start + BATCH, len(drawn)))
        chosen = (part % samples % len(images)).to(images.device)  # the same images for all lengths
        found = gradients_along(copy, images[chosen], labels[chosen], drawn[start : start + BATCH])
        norms[start : start + len(part)] = found.flatten(1).float().norm(dim=1).cpu().double().numpy()
        progress.report((start + len(part)) / len(drawn))
    layers = np.array([len(block.layers) for block in blocks(copy)])
    return _table(
        counts, lengths, norms.reshape(len(lengths), samples), (drawn @ layers).reshape(len(lengths), samples)
    )


def gradients_along(network: nn.Module, images: Tensor, labels: Tensor, branches: NDArray[np.bool_]) -> Tensor:
    """Gradient of each image's loss with respect to its pixels along one path per image, (N, C, H, W).

    Args:
        network: in evaluation mode.
        images: (N, C, H, W); labels: (N,).
        branches: (N, blocks), whether the path goes through the branch of a block.
    """
    through = torch.as_tensor(branches, dtype=images.dtype, device=images.device)
    inputs = images.detach().clone().requires_grad_()
    with torch.enable_grad(), _routed(network, through):
        loss = functional.cross_entropy(network(inputs), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient


def take_statistics(network: nn.Module, images: Tensor) -> None:
    """Set the running statistics of all batch norms to those of `images`."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    with torch.no_grad():
        network(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


@contextmanager
def _routed(network: nn.Module, through: Tensor) -> Iterator[None]:
    """Let each block hand back the gradient of each image through its branch or its shortcut only."""

    def scaled(factor: Tensor) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            output = output.view_as(output)  # a tensor of its own: an identity shortcut returns its input
            output.register_hook(lambda gradient: gradient * factor[:, None, None, None])  # type: ignore[no-untyped-call]
            return output

        return hook

    with ExitStack() as hooks:
        for number, block in enumerate(blocks(network)):
            hooks.callback(block.end.register_forward_hook(scaled(through[:, number])).remove)
            if block.shortcut is not None:
                hooks.callback(block.shortcut.register_forward_hook(scaled(1 - through[:, number])).remove)
        yield


def _drawn(
    network: nn.Module, lengths: Sequence[int], samples: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Random paths, `samples` of each length, (lengths x samples, blocks)."""
    optional = np.array([block.shortcut is not None for block in blocks(network)])
    drawn = np.tile(~optional, (len(lengths) * samples, 1))
    for row, length in enumerate(np.repeat(lengths, samples)):
        chosen = generator.permutation(np.flatnonzero(optional))[: length - int((~optional).sum())]
        drawn[row, chosen] = True
    return drawn


def _table(
    counts: Sequence[int], lengths: Sequence[int], norms: NDArray[np.float64], layers: NDArray[np.int64]
) -> pd.DataFrame:
    paths = np.array([float(counts[length]) for length in lengths])
    product = paths * norms.mean(1)
    whole = product.sum()
    low, high = np.quantile(norms, (0.25, 0.75), axis=1)
    columns = (
        *(lengths, layers.mean(1), paths, norms.mean(1), low, high, product),
        *(product / whole if whole else np.full(len(paths), np.nan), [norms.shape[1]] * len(paths)),
    )
    return pd.DataFrame(dict(zip(tables.PATHS, columns, strict=True)))


def _blocks(network: nn.Module) -> list[Block]:
    found = blocks(network)
    if not found or any(block.adds_input for block in found):
        raise BadSettings(
            f"{network_name(network)} has no blocks with a branch and a shortcut, so its paths cannot be told apart: a "
            "dense network keeps its input, and another one needs blocks with an attribute `shortcut`. Give a plain "
            "or residual network of `build`."
        )
    return found
