"""Paths through networks by reference: how many of each length there are, and how much gradient they carry."""

from collections.abc import Sequence

import pandas as pd

from explorer import progress, tables
from explorer.analysis import paths
from explorer.models.recording import Statistics
from explorer.settings import require_between
from explorer.studies.layers import sampled

IMAGES = 100
SAMPLES = 20
MOST_SAMPLES = 10_000


def path_gradients(
    references: Sequence[str],
    *,
    data: str = "",
    images: int = IMAGES,
    samples: int = SAMPLES,
    statistics: Statistics | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Number of paths of each length, the gradient along single paths, and their product, see `analysis.paths`.

    Few samples give a first picture in seconds; the same call with more of them replaces it.

    Args:
        references: of networks, see `studies.references`; a name such as resnet56 is the untrained network.
        data: name of the data set; empty takes the one that each network was trained on, for untrained networks that
            of the first trained one, else the digits.
        images: number of training images, balanced over classes; test images of a folder without training images.
        samples: paths of each length.
        statistics: of batch norm; None takes the running ones, and those of the images at step 0.
        seed: of the drawn paths.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.PATHS`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, no network was named, or it has no blocks with branch and shortcut.
        DataMissing: the data set is not on this machine.
    """
    require_between("samples", samples, 1, MOST_SAMPLES)
    total = len(dict.fromkeys(references))
    measured = []
    for done, each in enumerate(sampled(references, data=data, images=images, split="train")):
        keys = dict(zip(tables.MEASURED_KEYS, each.keys, strict=True))
        with progress.part(done, total):
            table = paths.path_gradients(
                each.network,
                each.images,
                each.labels,
                samples=samples,
                statistics=statistics or ("batch" if keys["step"] == 0 else "running"),
                seed=seed,
            )
        measured.append(table.assign(**keys))
    return pd.concat(measured, ignore_index=True)[[*tables.MEASURED_KEYS, *tables.PATHS]]
