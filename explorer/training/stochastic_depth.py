"""Stochastic depth: branches dropped at random in training. Source: Huang et al. 2016, arXiv 1603.09382, section 3.

The branch of block l of L is dropped in a step with probability l/L times that of the last block; only its shortcut is
computed, and its weights are not updated. Branches that are kept are divided by the probability of being kept, so that
nothing is rescaled in evaluation, where the paper multiplies instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from explorer.data.batches import LEFT_OUT, random_numbers
from explorer.models.blocks import ResidualBlock


def branch_factors(blocks: int, last: float, seed: int, step: int) -> list[float]:
    """The factors of the branches in a step, 0 for dropped ones.

    The same for every network with as many blocks, and independent of other steps.

    Args:
        last: probability that the last block's branch is dropped.
        step: updates made so far.
    """
    drawn = random_numbers(seed, LEFT_OUT, step).random(blocks)
    kept = [1 - last * number / blocks for number in range(1, blocks + 1)]
    return [1 / chance if draw < chance else 0.0 for draw, chance in zip(drawn.tolist(), kept, strict=True)]


def computed_share(blocks: int, last: float) -> float:
    """The average fraction of branches that are computed in a step."""
    return 1 - last * (blocks + 1) / (2 * blocks)


@contextmanager
def branches_left_out(blocks: Sequence[nn.Module], factors: Sequence[float]) -> Iterator[None]:
    """Multiply the branches of residual blocks by these factors, and by 1 again afterwards."""
    additions = [block.addition for block in blocks if isinstance(block, ResidualBlock)]
    try:
        for addition, factor in zip(additions, factors, strict=True):
            addition.branch_factor = factor
        yield
    finally:
        for addition in additions:
            addition.branch_factor = 1.0
