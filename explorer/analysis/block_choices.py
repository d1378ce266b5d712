"""Which blocks a study deletes or exchanges, drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.operations import Operation, Place, intact, possible
from explorer.models.structure import block_shapes
from explorer.settings import require_between


def deletable(config: NetworkConfig) -> list[Place]:
    """Blocks that can be deleted and do not change the shape of their input."""
    return [(each.stage, each.block) for each in possible(config) if not {"delete", "repeat"} & each.refused.keys()]


@dataclass(frozen=True, slots=True)
class DeletableBlock:
    """A block and whether it can be deleted.

    Attributes:
        index: along the network, from 1.
        reshapes: it halves the image size, or changes the width.
        border: it is the last block of a stage before another, or the first after it.
        refused: why it cannot be deleted; empty if it can.
    """

    stage: int
    block: int
    index: int
    reshapes: bool
    border: bool
    refused: str


def deletable_blocks(config: NetworkConfig) -> list[DeletableBlock]:
    """All blocks of a network, in order."""
    shapes = block_shapes(config)
    found = []
    for index, (shape, each) in enumerate(zip(shapes, possible(config), strict=True), start=1):
        reshapes = shape.stride > 1 or shape.in_width != shape.width
        border = any(near.stage != shape.stage for near in shapes[max(0, index - 2) : index + 1])
        found.append(DeletableBlock(shape.stage, shape.block, index, reshapes, border, each.refused.get("delete", "")))
    return found


def random_deletions(config: NetworkConfig, count: int, *, repeat: int, seed: int) -> tuple[Operation, ...]:
    """`count` of the `deletable` blocks deleted, drawn at random.

    Raises:
        BadSettings: there are not so many.
    """
    there = deletable(config)
    require_between("number of deleted blocks", count, 0, len(there))
    drawn = np.random.default_rng((seed, count, repeat)).permutation(len(there))[:count]
    return tuple(Operation("delete", there[number]) for number in sorted(drawn.tolist()))


def random_order(
    config: NetworkConfig, distance: float, *, repeat: int, seed: int
) -> tuple[tuple[Operation, ...], float]:
    """Blocks exchanged within stages, so that a fraction `distance` of the pairs stands in reversed order.

    Only blocks that take and give the same shapes are exchanged, in each stage the same fraction of its pairs:
    neighbours in the right order, at random, until the number of reversed pairs is reached. Veit et al. 2016, section
    4.3, exchange random pairs instead, and so do not choose the distance.

    Args:
        distance: 0, nothing changes, to 1, the order in each stage is reversed.

    Returns:
        The operations, and the distance, a multiple of one over the number of pairs.

    Raises:
        BadSettings: no two blocks can be exchanged.
    """
    require_between("distance", distance, 0, 1)
    groups = list(dict.fromkeys(tuple(sorted(((each.stage, each.block), *each.partners))) for each in possible(config)))
    pairs = sum(len(group) * (len(group) - 1) // 2 for group in groups)
    if not pairs:
        raise BadSettings(f"No two blocks of {config.name} take and give the same shapes. Choose a deeper network.")
    random = np.random.default_rng((seed, round(1e6 * distance), repeat))
    order = {each.block: each.block for each in intact(config)}
    reversed_pairs = 0
    for group in groups:
        count = round(distance * len(group) * (len(group) - 1) / 2)
        order |= zip(group, (group[number] for number in _with_inversions(len(group), count, random)), strict=True)
        reversed_pairs += count
    return _swaps(order), reversed_pairs / pairs


def _with_inversions(size: int, count: int, random: np.random.Generator) -> list[int]:
    """A permutation with this many pairs in reversed order."""
    found = list(range(size))
    for _ in range(count):
        ascending = [place for place in range(size - 1) if found[place] < found[place + 1]]
        place = ascending[random.integers(len(ascending))]
        found[place], found[place + 1] = found[place + 1], found[place]
    return found


def _swaps(order: dict[Place, Place]) -> tuple[Operation, ...]:
    """Exchanges that put `order[place]` at each place."""
    at = {place: place for place in order}
    found: list[Operation] = []
    for place, wanted in order.items():
        there = at[place]
        if there != wanted:
            found.append(Operation("swap", there, wanted))
            other = next(each for each, block in at.items() if block == wanted)
            at[place], at[other] = wanted, there
    return tuple(found)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and quartiles."""
    low, high = np.percentile(values, (25, 75))
    return float(np.mean(values)), float(low), float(high)
