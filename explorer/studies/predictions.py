"""Predictions of networks by reference for the same test images."""

from collections.abc import Sequence

import pandas as pd

from explorer import progress, tables
from explorer.analysis.evaluated import image_predictions
from explorer.studies.references import require_one_data_set, resolved
from explorer.training.evaluation import log_probabilities

IMAGES = 500


def predictions(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """Predicted classes and their probabilities, for a fixed class-balanced sample of test images.

    Args:
        references: of networks, see `studies.references`.
        data: name of the data set, the same for all; empty takes the one that the networks were trained on.
        images: number of images, at most.

    Returns:
        The columns of `tables.PREDICTIONS`: one row per network and image, in the order of the references, then of the
        test set. `analysis.answers.ranked_images` gives one row per image.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, no network was named, or they were trained on several data sets.
        DataMissing: the data set is not on this machine.
    """
    require_one_data_set(references, data)
    total = len(dict.fromkeys(references))
    found = []
    for done, each in enumerate(resolved(references, data=data)):
        with progress.part(done, total):
            indices, sample = each.test_sample(images)
            table = image_predictions(log_probabilities(each.network, sample).numpy(), sample.labels, indices)
            found.append(table.assign(**dict(zip(tables.MEASURED_KEYS, each.keys, strict=True))))
    return pd.concat(found, ignore_index=True)[tables.PREDICTIONS]
