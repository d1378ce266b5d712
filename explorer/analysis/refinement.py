"""Refinement: whether the blocks of a stage improve one estimate step by step, rather than make new features each."""

from collections.abc import Iterator
from math import nan, prod

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from explorer import progress, tables
from explorer.analysis.images import part_size, parts, require_images
from explorer.errors import BadSettings
from explorer.models.blocks import ResidualBlock
from explorer.models.fused import fused
from explorer.models.layers import Block, blocks, network_name
from explorer.models.network import Network
from explorer.models.recording import working_copy
from explorer.models.threads import LEAST_IMAGES, PIXELS
from explorer.settings import require_between

MOST_TIMES = 1000


def iterated(
    network: nn.Module, images: Tensor, labels: Tensor, *, stage: int = 0, block: int = 0, most: int = 5
) -> Iterator[pd.DataFrame]:
    """Loss and error when a block is applied 0, 1, 2, ... times in a row; a table for each block as it is done.

    The norms of the block keep their running statistics at each application, as in Jastrzebski et al. 2018 without
    their retraining. Computed on a copy with batch norm folded into the convolutions; what comes before the block is
    computed once.

    Args:
        network: of `build` or `load_checkpoint`, plain or residual.
        images: (N, C, H, W), normalised for `network`, on its device; labels: (N,).
        stage: 0 takes the last block of each stage that does not change the shape.
        block: within that stage; 0 takes all of its blocks that do not change the shape.
        most: times at most.

    Yields:
        The columns of `tables.ITERATED`, with `most` + 1 rows.

    Raises:
        BadSettings: `images` or `labels` do not fit, or there is no such block, or it changes the shape.

    Source: Jastrzebski et al. 2018 (arXiv 1710.04773), section 4.3.
    """
    require_images(network, images, labels)
    require_between("most", most, 1, MOST_TIMES)
    network = _of_blocks(network)
    chosen = _to_iterate(network, stage, block)
    copy = fused(working_copy(network).requires_grad_(requires_grad=False))
    assert isinstance(copy, Network)
    size = max(LEAST_IMAGES, PIXELS // prod(images.shape[2:]))
    pieces = list(zip(images.split(size), labels.split(size), strict=True))  # type: ignore[no-untyped-call]
    for number, (each, position) in enumerate(chosen):
        totals = np.zeros((most + 1, 2))
        for done, (piece, classes) in enumerate(pieces):
            with progress.part(number * len(pieces) + done, len(chosen) * len(pieces)):
                totals += _iterated(copy, position, piece, classes, most)
        rows = [(each.stage, each.block, each.name, times, *totals[times] / len(images)) for times in range(most + 1)]
        yield pd.DataFrame(rows, columns=tables.ITERATED)


@torch.inference_mode()
def _iterated(copy: Network, position: int, images: Tensor, labels: Tensor, most: int) -> NDArray[np.float64]:
    """Sums of loss and mistakes, (times, 2)."""
    before, (block, *after) = copy.blocks[:position], copy.blocks[position:]
    features = copy.stem(images)
    for each in before:
        features = each(features)
    found = np.zeros((most + 1, 2))
    for times in range(most + 1):
        out = features.clone()  # a fused block may overwrite its input
        for each in after:
            out = each(out)
        out = out if copy.end is None else copy.end(out)
        scores = copy.scores(out).float()
        found[times] = (
            float(functional.cross_entropy(scores, labels, reduction="sum")),
            int((scores.argmax(1) != labels).sum()),
        )
        features = block(features)
        progress.report((times + 1) / (most + 1))
    return found


def _of_blocks(network: nn.Module) -> Network:
    if not isinstance(network, Network) or not blocks(network):
        why = "keeps its input beside its output" if isinstance(network, Network) else "is not a network of `build`"
        raise BadSettings(
            f"{network_name(network)} {why}, so it has no blocks that refine their input. Give a plain or residual "
            "network of `build` or `load_checkpoint`."
        )
    return network


def _to_iterate(network: Network, stage: int, block: int) -> list[tuple[Block, int]]:
    """The chosen blocks, and their positions among all."""
    all_of = {(each.stage, each.block): (each, position) for position, each in enumerate(blocks(network))}
    same = {key: value for key, value in all_of.items() if _keeps_shape(value[0])}
    if stage and block and (stage, block) not in same:
        why = "changes the shape, so it cannot follow itself" if (stage, block) in all_of else "does not exist"
        names = ", ".join(f"{one}.{two}" for one, two in same) or "none"
        raise BadSettings(
            f"Block {block} of stage {stage} of {network_name(network)} {why}. Blocks that keep the shape: {names}."
        )
    if stage:
        found = [value for key, value in same.items() if key[0] == stage and block in (0, key[1])]
    else:
        found = list({key[0]: value for key, value in same.items()}.values())  # the last of each stage
    if not found:
        where = f"Stage {stage} of {network_name(network)}" if stage else network_name(network)
        raise BadSettings(f"{where} has no block that keeps the shape. Choose another stage, or a deeper network.")
    return found


def _keeps_shape(block: Block) -> bool:
    assert isinstance(block.module, ResidualBlock)
    shape = block.module.shape
    return bool(shape.stride == 1 and shape.in_width == shape.width)


def refinement(network: nn.Module, images: Tensor, labels: Tensor) -> pd.DataFrame:
    """Two measures of how each block refines the features of its stage.

    - The cosine of F(x) and the negative gradient of the image's loss with respect to x (Jastrzebski et al. 2018).
      Above zero, the block moves the features downhill. In a plain network F(x) - x takes the place of F(x), the change
      that the block makes.
    - The estimation error (Greff et al. 2017, equation 2): the block's output minus that of the last block of the
      stage, which all of its blocks estimate in their view. Its mean over images should be near zero for each unit, a
      channel at one position, and its size should fall within a stage.

    Batch norm is in evaluation mode. Computed on a copy, in parts of 250 images.

    Args:
        network: of `build` or `load_checkpoint`, plain or residual.
        images: (N, C, H, W), normalised for `network`, on its device; labels: (N,).

    Returns:
        The columns of `tables.REFINEMENT`, one row per block in order of depth.

    Raises:
        BadSettings: `images` or `labels` do not fit, or the network has no blocks that are known.

    Source: Jastrzebski et al. 2018 (arXiv 1710.04773), section 4.2; Greff et al. 2017 (arXiv 1612.07771), section 4.
    """
    require_images(network, images, labels)
    copy = working_copy(_of_blocks(network))
    found = [_Measured(each) for each in blocks(copy)]
    last = {each.block.stage: each for each in found}
    handles = [handle for each in found for handle in each.listen()]
    try:
        pieces = list(zip(parts(images), parts(labels, part_size(images)), strict=True))
        for done, (piece, classes) in enumerate(pieces, start=1):
            with torch.enable_grad():
                inputs = piece.detach().requires_grad_()  # the gradient must reach the input of the first block
                loss = functional.cross_entropy(copy(inputs), classes, reduction="sum")
                loss.backward()  # type: ignore[no-untyped-call]
            copy.zero_grad()
            for each in found:
                each.add(last[each.block.stage].output)
            progress.report(done / len(pieces))
    finally:
        for handle in handles:
            handle.remove()
    return pd.DataFrame([each.row() for each in found], columns=tables.REFINEMENT)


class _Measured:
    """A block with what is kept of it while the network is called and differentiated."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.cosines: list[Tensor] = []
        self.images = 0
        self.differences: Tensor | None = None  # summed over images, (C, H, W)
        self.squares = self.size = 0.0

    def listen(self) -> Iterator[torch.utils.hooks.RemovableHandle]:
        """Keep input, F(x) and output of each pass."""
        yield self.block.module.register_forward_pre_hook(self._keep_input)
        yield self.block.end.register_forward_hook(self._keep_branch)
        yield self.block.module.register_forward_hook(self._keep_output)

    def _keep_input(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (self.input,) = inputs
        self.input.retain_grad()

    def _keep_branch(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self.branch = output.detach()

    def _keep_output(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self.output = output.detach()

    def add(self, last: Tensor) -> None:
        """Add the images of the pass; `last` is the output of the stage's last block."""
        x, gradient = self.input.detach(), self.input.grad
        assert gradient is not None
        if x.shape == self.branch.shape:
            change = self.branch - x if self.block.shortcut is None else self.branch
            self.cosines.append(-functional.cosine_similarity(change.flatten(1), gradient.flatten(1)).cpu())
        difference = self.output - last
        summed = difference.sum(0).cpu().double()
        self.differences = summed if self.differences is None else self.differences + summed
        self.squares += float(torch.linalg.vector_norm(difference)) ** 2
        self.size += float(torch.linalg.vector_norm(last)) ** 2
        self.images += len(x)

    def row(self) -> tuple[object, ...]:
        assert self.differences is not None
        cosines = torch.cat(self.cosines).double().numpy() if self.cosines else np.full(1, nan)
        mean = (self.differences / self.images).numpy()
        return (
            *(self.block.stage, self.block.block, self.block.name),
            *(float(cosines.mean()), *map(float, np.percentile(cosines, (25, 75)))),
            *(float(mean.mean()), float(mean.std())),
            float(np.sqrt(self.squares / self.size)) if self.size else nan,
        )
