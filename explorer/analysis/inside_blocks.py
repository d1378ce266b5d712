"""What is inside of a block, in sentences and tables computed from it; imports no torch."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.block_results import Arithmetic, ExcitingImages, LogitParts
from explorer.models.config import NetworkConfig
from explorer.numerals import minus, percent


def block_title(place: str) -> str:
    """ "stage 2, block 3" for "stage2.block3"."""
    return place.replace("stage", "stage ").replace(".block", ", block ")


def most_active(found: Arithmetic, count: int) -> list[int]:
    """The channels of the block's output whose mean absolute value over the positions is largest, the largest first."""
    means = np.abs(found.output).mean((1, 2))
    return [int(channel) for channel in np.argsort(-means, kind="stable")[:count]]


def arithmetic_finding(found: Arithmetic, network: str) -> str:
    """How large the branch is beside the shortcut, and how much the ReLU removes, over all channels and positions."""
    beginning = f"{block_title(found.place).capitalize()} of {network}: "
    branch, shortcut = _size(found.branch), 0.0 if found.shortcut is None else _size(found.shortcut)
    removed = percent(float((found.joined < 0).mean()), 0)
    if found.by == "concatenation":
        new, old = len(found.branch), len(found.x)
        return f"{beginning}F(x) puts {new} new channels beside the {old} of x, which stay as they are."
    if found.shortcut is None:
        end = "" if found.relu is None else f"; the ReLU sets {removed} of F(x) to zero"
        return f"{beginning}there is no shortcut, so that all that goes on is F(x){end}."
    compared = f"F(x) is {branch / shortcut:.2f} times as large as shortcut(x)" if shortcut else "shortcut(x) is zero"
    if found.relu is None:
        return f"{beginning}{compared}, and nothing changes their sum."
    return f"{beginning}{compared}, and the ReLU sets {removed} of their sum to zero."


def arithmetic_table(found: Arithmetic, channels: list[int]) -> pd.DataFrame:
    """`tables.ARITHMETIC` of these channels."""
    return pd.concat(
        [
            _values(maps, tables.ARITHMETIC[2:]).assign(channel=channel, part=name)[tables.ARITHMETIC]
            for channel in channels
            for name, maps in found.parts(channel)
            if maps is not None
        ],
        ignore_index=True,
    )


def filter_table(weights: NDArray[np.float32]) -> pd.DataFrame:
    """`tables.FILTERS` of a convolution."""
    return _values(weights, tables.FILTERS)


def exciting_finding(found: ExcitingImages, network: str, classes: int) -> str:
    """Which class is most frequent among the images.

    Args:
        classes: their number in the data set.
    """
    table = found.table
    if not (table["value"] > 0).any():
        where = f"{block_title(found.place)} of {network}"
        return f"Channel {found.channel} of {where} is positive in none of these images: nothing excites it."
    counts = table["class"].value_counts(sort=True)
    return (
        f"Of the {len(table)} images that excite channel {found.channel} of {block_title(found.place)} of {network} "
        f"most, {counts.iloc[0]} are of class {counts.index[0]}; of as many drawn at random, about "
        f"{_most_by_chance(len(table), classes):.0f} would be of the most frequent class."
    )


@cache
def _most_by_chance(images: int, classes: int) -> float:
    """How many of so many random images are of their most frequent class, on average."""
    drawn = np.random.default_rng(0).multinomial(images, np.full(classes, 1 / classes), size=1000)
    return float(drawn.max(1).mean())


def contribution_finding(found: LogitParts) -> str:
    """Which stage and which block add most to the highest score."""
    rows = found.table[found.table["label"] == found.prediction]
    inside = rows[rows["part"] == "block"]
    stages = inside.groupby("stage")["contribution"].sum()
    most = inside.sort_values("contribution").iloc[-1]
    score, name = rows["contribution"].sum(), rows["class"].iloc[0]
    place = f"{most['stage']}.{most['block']}"
    return minus(
        f"The blocks of stage {stages.idxmax()} add {stages.max():,.1f} to the score of class {name}, {score:,.1f}, "
        f"in {found.network}; the block that adds most is {place}, with {most['contribution']:,.1f}."
    )


def reason_not_additive(config: NetworkConfig) -> str:
    """Why the scores of a network are not a sum of what its blocks add; empty if they are."""
    if config.dense:
        return "joins what its layers compute side by side, it does not add it up"
    if config.shortcut == "none":
        return "has no shortcuts, so its blocks add nothing up"
    if config.order == "post":
        return "applies a ReLU after every sum, so what a block adds is changed by each later block"
    if config.head:
        return "applies ReLUs between the pooling and its classifier, where what blocks add is mixed"
    return ""


def _size(maps: NDArray[np.float32]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(maps, dtype=np.float64).mean()))


def _values(array: NDArray[np.float32], columns: list[str]) -> pd.DataFrame:
    """A row for each value, with its indices before it."""
    indices = np.indices(array.shape).reshape(array.ndim, -1)
    return pd.DataFrame(dict(zip(columns, [*indices, array.ravel()], strict=True)))
