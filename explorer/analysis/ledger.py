"""The residual ledger: what each block adds to its input, and the paths of the gradient."""

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import tables
from explorer.analysis.images import part_size, parts, require_images
from explorer.errors import BadSettings
from explorer.models.layers import Block, blocks, network_name
from explorer.models.recording import BlockFlow, Statistics, record_block_flows, working_copy
from explorer.models.shortcuts import shortcut_name
from explorer.models.two_classes import with_class_scores


def residual_ledger(
    network: nn.Module, images: Tensor, labels: Tensor, *, statistics: Statistics = "running"
) -> pd.DataFrame:
    """Size and direction of each block's branch F(x) and shortcut s(x), and the gradients through both.

    s(x) is x itself, or x padded or projected if the block changes the shape. In a plain network nothing is added; F(x)
    is then compared with x, and all of the gradient passes through F. Computed on a copy, in parts of 250 images.

    Args:
        network: from `build` or `load_checkpoint`, or another one whose blocks have an attribute `shortcut`, or
            `downsample` as torchvision's.
        images: (N, C, H, W), normalised for `network`, on its device.
        labels: (N,), classes; the loss is their mean cross-entropy.
        statistics: of batch norm, see `response_std`.

    Returns:
        The columns of `tables.LEDGER`, one row per block in order of depth. The two shares are fractions of the sum of
        the two norms, so they add up to one, although the gradients themselves may partly cancel.

    Raises:
        BadSettings: `images` or `labels` do not fit, or the network has no blocks of a kind that is known.

    Source: Greff et al. 2017 (arXiv 1612.07771), section 5, for the norms of F(x) and x and their cosine.
    """
    require_images(network, images, labels, fewest=2 if statistics == "batch" else 1)
    copy = with_class_scores(working_copy(network, statistics))
    if not blocks(copy):
        raise BadSettings(
            f"{network_name(network)} has no blocks that add something to a shortcut: a dense network keeps its input, "
            "and another one's blocks must have an attribute `shortcut` or `downsample`. Give a plain or residual "
            "network of `build`."
        )
    with torch.enable_grad(), record_block_flows(copy) as flows:
        for part, classes in zip(parts(images), parts(labels, part_size(images)), strict=True):
            inputs = part.detach().requires_grad_()  # the gradient must reach the input of the first block
            loss = functional.cross_entropy(copy(inputs), classes, reduction="sum")
            loss.backward()  # type: ignore[no-untyped-call]
            copy.zero_grad()
    return pd.DataFrame([_row(flow) for flow in flows], columns=tables.LEDGER)


def _shortcut(block: Block) -> str:
    return "identity" if block.adds_input else shortcut_name(block.shortcut)


def _row(flow: BlockFlow) -> tuple[object, ...]:
    block = flow.block
    return (
        *(block.stage, block.block, block.name, _shortcut(block), flow.ratio, flow.cosine, flow.gamma),
        *(norm / flow.images for norm in flow.gradients),
        *flow.shares,
    )
