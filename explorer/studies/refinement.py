"""Refinement within stages of networks by reference, on test images."""

from collections.abc import Sequence

import pandas as pd

from explorer import progress, tables
from explorer.analysis import refinement as analysis
from explorer.studies.layers import sampled

IMAGES = 500


def iterated(
    references: Sequence[str], *, data: str = "", images: int = IMAGES, stage: int = 0, block: int = 0, most: int = 5
) -> pd.DataFrame:
    """Loss and error when a block is applied 0, 1, 2, ... times in a row, see `analysis.refinement.iterated`.

    For first results soon, ask for one stage after the other.

    Args:
        references: of networks.
        data: name of the data set; empty takes the one that each network was trained on.
        images: number of test images, balanced over classes.
        stage: 0 takes the last block of each stage that keeps the shape.
        block: within that stage; 0 takes all of its blocks that keep the shape.
        most: times at most.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.ITERATED`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, has no such block, or no blocks that keep the shape.
        DataMissing: the data set is not on this machine.
    """
    found = []
    for number, each in enumerate(sampled(references, data=data, images=images)):
        with progress.part(number, len(references)):
            blocks = analysis.iterated(each.network, each.images, each.labels, stage=stage, block=block, most=most)
            found.append(_keyed(pd.concat(blocks, ignore_index=True), each.keys))
    return pd.concat(found, ignore_index=True)


def refinement(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """Direction and estimation error of each block, see `analysis.refinement.refinement`.

    Args and errors as for `iterated`.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.REFINEMENT`.
    """
    found = []
    for number, each in enumerate(sampled(references, data=data, images=images)):
        with progress.part(number, len(references)):
            found.append(_keyed(analysis.refinement(each.network, each.images, each.labels), each.keys))
    return pd.concat(found, ignore_index=True)


def _keyed(table: pd.DataFrame, keys: tuple[str, str, str, int, int | None]) -> pd.DataFrame:
    for place, (column, value) in enumerate(zip(tables.MEASURED_KEYS, keys, strict=True)):
        table.insert(place, column, value)
    return table
