"""Evaluation of networks by reference on test images: errors, calibration, confusions, ensembles."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import progress, tables
from explorer.analysis.calibration import calibration
from explorer.analysis.confusion import class_errors, confusion
from explorer.analysis.ensembles import joint_log_probabilities, member_pairs, shared_mistakes
from explorer.analysis.evaluated import image_predictions, most_confident_mistakes, summary
from explorer.cache import ByteCache
from explorer.data.catalogue import MOST_IMAGES, data_folder, dataset
from explorer.errors import BadSettings
from explorer.models.network import Network
from explorer.results import Ensemble, Evaluation, Part, part_table
from explorer.results import evaluation_table as evaluation_table  # parts of the public `explorer.evaluations`
from explorer.runs.checkpoint_facts import facts_and_data
from explorer.runs.comparison import comparison as comparison
from explorer.settings import require_between
from explorer.studies.references import ResolvedNetwork, require_one_data_set, resolved
from explorer.training.evaluation import log_probabilities

MOST_KEPT = 256 * 2**20  # bytes of probabilities, so that those of an ensemble are not computed twice

Keys = tuple[str, str, str, int, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Predictions:
    """Predictions of a network.

    Attributes:
        keys: `tables.MEASURED_KEYS`.
        data: name of the data set.
        log_probabilities: (N, classes).
        labels, indices: (N,), of the images.
    """

    keys: Keys
    data: str
    log_probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    seconds: float


def evaluations(
    references: Sequence[str], *, data: str = "", images: int | None = None, crops: int = 1
) -> list[Evaluation]:
    """Evaluate networks on their test sets.

    Args:
        references: of networks, see `studies.references`.
        data: name of the data set, the same for all; empty takes the one that each network was trained on, for
            untrained ones that of the first trained one, else the digits.
        images: number of images, balanced over classes; None takes the whole test set.
        crops: views of each image whose probabilities are averaged, 1 or 10, see `data.crops`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, no network was named, or `images` or `crops` is invalid.
        DataMissing: the data set is not on this machine.
    """
    return [_evaluation(each, crops) for each in _predicted(references, data, images, crops)]


def evaluation(reference: str, *, data: str = "", images: int | None = None, crops: int = 1) -> Evaluation:
    """Evaluate one network on its test set; args and errors as for `evaluations`."""
    (found,) = evaluations((reference,), data=data, images=images, crops=crops)
    return found


def table(
    references: Sequence[str], *, part: Part = "errors", data: str = "", images: int | None = None, crops: int = 1
) -> pd.DataFrame:
    """A part of the evaluations of networks as one table.

    Args and errors as for `evaluations`, and:
        part: "errors", `tables.EVALUATIONS`, one row per network; "class_errors", "confusion", "calibration" or
            "mistakes" of each `Evaluation`, after `tables.MEASURED_KEYS`; or "pairs" of their `ensemble`.
    """
    if part == "pairs":
        return ensemble(references, data=data, images=images, crops=crops).pairs
    found = evaluations(references, data=data, images=images, crops=crops)
    return evaluation_table(found) if part == "errors" else part_table(found, part)


def ensemble(references: Sequence[str], *, data: str = "", images: int | None = None, crops: int = 1) -> Ensemble:
    """Evaluate an ensemble by the mean of class probabilities, and compare its members.

    Args and errors as for `evaluations`; the networks must be of one data set.
    """
    if len(facts_and_data(references, data)) < 2:
        raise BadSettings("An ensemble is of two networks or more. Name another one.")
    require_one_data_set(references, data)
    predicted = _predicted(references, data, images, crops)
    labels, alone = predicted[0].labels, [each.log_probabilities for each in predicted]
    words = f"{len(predicted)} networks together"
    joint = _Predictions(
        keys=(words, words, "ensemble", max(each.keys[3] for each in predicted), None),
        data=predicted[0].data,
        log_probabilities=joint_log_probabilities(alone),
        labels=labels,
        indices=predicted[0].indices,
        seconds=sum(each.seconds for each in predicted),
    )
    predictions = {each.keys[0]: each.log_probabilities.argmax(axis=1) for each in predicted}
    rows = [
        (*each.keys, _error(alone[number], labels), _error_without(number, alone, labels))
        for number, each in enumerate(predicted)
    ]
    return Ensemble(
        _evaluation(joint, crops),
        pd.DataFrame(rows, columns=tables.MEMBERS).astype({"error_without": float}),
        member_pairs(predictions, labels),
        shared_mistakes(predictions, labels),
    )


def _predicted(references: Sequence[str], data: str, images: int | None, crops: int) -> list[_Predictions]:
    if images is not None:
        require_between("images", images, 1, MOST_IMAGES)
    total = len(dict.fromkeys(references))
    found = []
    for done, each in enumerate(resolved(references, data=data)):
        with progress.part(done, total):
            found.append(_of_network(each, images, crops))
    return found


_kept: ByteCache[_Predictions] = ByteCache(MOST_KEPT)


def _of_network(net: ResolvedNetwork, images: int | None, crops: int) -> _Predictions:
    """Predictions of a network for test images, cached as long as neither changes."""
    row = dataset(net.data)  # a new object if a folder has changed
    key = (_weights(net.network), net.reference, row, net.image_size, net.normalisation,
           images, crops, data_folder())  # fmt: skip
    kept = _kept.get(key)
    if kept is not None:
        return kept
    indices, sample = net.test_sample(row.test_images if images is None else images)
    start = time.perf_counter()
    found = log_probabilities(net.network, sample, crops=crops).numpy()
    predicted = _Predictions(net.keys, net.data, found, sample.labels, indices, time.perf_counter() - start)
    _kept.keep(key, predicted, found.nbytes)
    return predicted


def _weights(network: Network) -> str:
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _evaluation(predicted: _Predictions, crops: int) -> Evaluation:
    classes = dataset(predicted.data).classes
    table = image_predictions(predicted.log_probabilities, predicted.labels, predicted.indices)
    numbers = summary(table, len(classes))
    counts = confusion(table)
    return Evaluation(
        *predicted.keys,
        data=predicted.data,
        classes=classes,
        images=len(table),
        crops=crops,
        error=numbers.error,
        standard_error=numbers.standard_error,
        top5_error=numbers.top5_error,
        loss=numbers.loss,
        ece=numbers.ece,
        seconds=predicted.seconds,
        predictions=table,
        class_errors=class_errors(counts, classes),
        confusion=counts,
        calibration=calibration(table),
        mistakes=most_confident_mistakes(table),
    )


def _error(log_probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float((log_probabilities.argmax(axis=1) != labels).mean())


def _error_without(number: int, alone: Sequence[NDArray[np.float32]], labels: NDArray[np.int64]) -> float | None:
    """Error of the ensemble without one member."""
    others = [each for place, each in enumerate(alone) if place != number]
    return _error(joint_log_probabilities(others), labels) if len(others) > 1 else None
