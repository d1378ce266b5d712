"""Calibration of a network: accuracy against confidence."""

import numpy as np
import pandas as pd

from explorer import tables

BINS = 15  # Guo et al. 2017, section 5


def calibration(table: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """The accuracy of a network by bins of its confidence.

    Args:
        table: one row per image, with label, prediction and its probability, the confidence.
        bins: number of bins of equal width between 0 and 1; each includes its upper edge.

    Returns:
        The columns of `tables.CALIBRATION`, one row per bin.

    Source: Guo et al. 2017 (arXiv 1706.04599), section 2.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.digitize(table["probability"].to_numpy(), edges[1:-1], right=True)
    right = (table["prediction"] == table["label"]).to_numpy()
    images = np.bincount(place, minlength=bins)
    filled = np.where(images, images, np.nan)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "images": images,
            "confidence": np.bincount(place, table["probability"], minlength=bins) / filled,
            "accuracy": np.bincount(place, right, minlength=bins) / filled,
        }
    )[tables.CALIBRATION]


def calibration_error(bins: pd.DataFrame) -> float:
    """The expected calibration error (ECE): |accuracy - confidence| of a bin, mean over images; 0 to 1.

    Args:
        bins: result of `calibration`.

    Source: Guo et al. 2017, equation 3.
    """
    filled = bins[bins["images"] > 0]
    gap = (filled["accuracy"] - filled["confidence"]).abs()
    return float(np.average(gap, weights=filled["images"]))
