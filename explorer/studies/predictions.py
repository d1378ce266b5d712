"""Predictions of networks by reference for the same test images."""

from collections.abc import Sequence

import pandas as pd
import torch

from explorer import progress, tables
from explorer.data.batches import sample_of_test_set
from explorer.errors import BadSettings
from explorer.studies.references import ResolvedNetwork, resolved
from explorer.training.evaluation import evaluation_mode

IMAGES = 500


def predictions(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """Predicted classes and their probabilities, for a fixed class-balanced sample of test images.

    Args:
        references: of networks, see `studies.references`.
        data: name of the data set, the same for all; empty takes the one that the networks were trained on.
        images: number of images, at most.

    Returns:
        The columns of `tables.PREDICTIONS`: one row per network and image, in the order of the references, then of the
        test set. `analysis.answers.interesting` gives one row per image.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, no network was named, or they were trained on several data sets.
        DataMissing: the data set is not on this machine.
    """
    total = len(dict.fromkeys(references))
    found: list[pd.DataFrame] = []
    names: set[str] = set()
    for done, each in enumerate(resolved(references, data=data)):
        names.add(each.data)
        if len(names) > 1:
            raise BadSettings(
                f"These networks were trained on different data sets ({', '.join(sorted(names))}), which have no image "
                "in common. Choose networks of one data set, or name it with `data`."
            )
        with progress.part(done, total):
            found.append(_predictions(each, images))
    return pd.concat(found, ignore_index=True)[tables.PREDICTIONS]


def _predictions(each: ResolvedNetwork, images: int) -> pd.DataFrame:
    device = next(each.network.parameters()).device
    chosen, sample = sample_of_test_set(
        each.data, each.image_size, images, normalisation=each.normalisation, device=device
    )
    parts, done = [], 0
    with torch.inference_mode(), evaluation_mode(each.network):
        for batch, truth in sample:
            probabilities = each.network(batch).softmax(1)
            probability, prediction = probabilities.max(1)
            label_probability = probabilities.gather(1, truth[:, None])[:, 0]
            parts.append(torch.stack([prediction.float(), probability, label_probability]).cpu())
            done += len(truth)
            progress.report(done / len(sample))
    prediction, probability, label_probability = torch.cat(parts, dim=1).double().numpy()
    config = each.network.config
    return pd.DataFrame(
        {
            "reference": each.reference,
            "network": config.name,
            "kind": config.kind,
            "depth": config.depth,
            "step": each.step,
            "index": chosen,
            "label": sample.labels,
            "prediction": prediction.astype(int),
            "probability": probability,
            "label_probability": label_probability,
        }
    )
