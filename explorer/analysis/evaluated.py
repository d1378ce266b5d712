"""Predictions of a network in an evaluation: by image, summarised, and the most confident mistakes."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.analysis.calibration import calibration, calibration_error

MOST_MISTAKES = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """Measures of a network's predictions, see `tables.EVALUATIONS`; the errors are fractions wrong."""

    error: float
    standard_error: float
    top5_error: float | None
    loss: float
    ece: float


def image_predictions(
    log_probabilities: NDArray[np.float32], labels: NDArray[np.int64], indices: NDArray[np.int64]
) -> pd.DataFrame:
    """The predictions of a network, one row per image.

    Args:
        log_probabilities: (N, classes), logarithms of the softmax.
        labels: (N,), the true classes.
        indices: (N,), of the images in the test set.

    Returns:
        The columns of `tables.EVALUATED`.
    """
    order = np.argsort(-log_probabilities, axis=1, kind="stable")
    own = np.take_along_axis(log_probabilities, labels[:, None], axis=1)[:, 0].astype(float)
    best = np.take_along_axis(log_probabilities, order[:, :1], axis=1)[:, 0].astype(float)
    return pd.DataFrame(
        {
            "index": indices,
            "label": labels,
            "prediction": order[:, 0],
            "probability": np.exp(best),
            "label_probability": np.exp(own),
            "label_rank": (order == labels[:, None]).argmax(axis=1) + 1,
            "loss": -own,
        }
    )[tables.EVALUATED]


def summary(table: pd.DataFrame, classes: int) -> Summary:
    """Measures of a network's predictions.

    Args:
        table: result of `image_predictions`.
        classes: number of classes of the network.
    """
    error = float((table["prediction"] != table["label"]).mean())
    return Summary(
        error=error,
        standard_error=sqrt(error * (1 - error) / len(table)),
        top5_error=float((table["label_rank"] > tables.TOP).mean()) if classes > tables.TOP else None,
        loss=float(table["loss"].mean()),
        ece=calibration_error(calibration(table)),
    )


def most_confident_mistakes(table: pd.DataFrame, most: int = MOST_MISTAKES) -> pd.DataFrame:
    """The images that a network misclassifies, the most confident first.

    Args:
        table: result of `image_predictions`.
        most: maximum of rows.

    Returns:
        The columns of `tables.EVALUATED`.
    """
    wrong = table[table["prediction"] != table["label"]]
    ordered = wrong.sort_values(["probability", "index"], ascending=[False, True])
    return ordered.head(most)[tables.EVALUATED].reset_index(drop=True)


def images_of(table: pd.DataFrame, label: int, prediction: int) -> pd.DataFrame:
    """The images with this label and this prediction, the most confident first; columns of `tables.EVALUATED`."""
    chosen = table[(table["label"] == label) & (table["prediction"] == prediction)]
    return chosen.sort_values(["probability", "index"], ascending=[False, True]).reset_index(drop=True)
