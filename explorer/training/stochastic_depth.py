"""Branches left out of training steps at random. Source: Huang et al. 2016, arXiv 1603.09382, section 3.

The branch of block l of L is left out of a step with probability l/L times that of the last block; its shortcut alone
stays, and its weights are not updated. A branch that is computed is divided by the probability that it is, so that
nothing needs to be rescaled in evaluation; the paper multiplies there instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from explorer.data.batches import LEFT_OUT, random_numbers
from explorer.models.blocks import ResidualBlock


def branch_factors(blocks: int, last: float, seed: int, step: int) -> list[float]:
    """What the branches of so many blocks are multiplied with in a step, 0 where one is left out.

    The same for every network with as many blocks; drawn anew for each step, so nothing is carried on.

    Args:
        last: probability that the last block's branch is left out.
        step: updates made so far.
    """
    drawn = random_numbers(seed, LEFT_OUT, step).random(blocks)
    kept = [1 - last * number / blocks for number in range(1, blocks + 1)]
    return [1 / chance if draw < chance else 0.0 for draw, chance in zip(drawn.tolist(), kept, strict=True)]


def computed_share(blocks: int, last: float) -> float:
    """The fraction of branches that a step computes on average."""
    return 1 - last * (blocks + 1) / (2 * blocks)


@contextmanager
def branches_left_out(blocks: Sequence[nn.Module], factors: Sequence[float]) -> Iterator[None]:
    """Let the branches of a residual network's blocks count so much, and fully again afterwards."""
    additions = [block.addition for block in blocks if isinstance(block, ResidualBlock)]
    try:
        for addition, factor in zip(additions, factors, strict=True):
            addition.branch_factor = factor
        yield
    finally:
        for addition in additions:
            addition.branch_factor = 1.0
