"""The confusion matrix of a network, and errors by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from explorer import tables


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """The number of images by label and prediction.

    Args:
        table: one row per image, with label and prediction.

    Returns:
        The columns of `tables.CONFUSION`, by label, then by prediction; pairs without images are left out.
    """
    counts = table.groupby(["label", "prediction"]).size().reset_index(name="images")
    counts["fraction"] = counts["images"] / counts.groupby("label")["images"].transform("sum")
    return counts[tables.CONFUSION]


def confused_pairs(counts: pd.DataFrame) -> pd.DataFrame:
    """The pairs of label and wrong prediction, the most frequent first.

    Args:
        counts: result of `confusion`.

    Returns:
        The columns of `tables.CONFUSION`.
    """
    wrong = counts[counts["label"] != counts["prediction"]]
    ordered = wrong.sort_values(["images", "label", "prediction"], ascending=[False, True, True])
    return ordered[tables.CONFUSION].reset_index(drop=True)


def class_errors(counts: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The error of each class, and the class that it is most often mistaken for.

    Args:
        counts: result of `confusion`.
        classes: names, in order of label.

    Returns:
        The columns of `tables.CLASS_ERRORS`, one row per class with images.
    """
    images = counts.groupby("label")["images"].sum()
    pairs = confused_pairs(counts).drop_duplicates("label").set_index("label")
    predicted = counts.groupby("prediction")["images"].sum()
    right = counts[counts["label"] == counts["prediction"]].set_index("label")["images"]
    errors = pd.DataFrame({"label": images.index, "images": images.to_numpy()}, index=images.index)
    errors["class"] = [classes[label] for label in errors["label"]]
    errors["wrong"] = images - right.reindex(images.index, fill_value=0)
    errors["error"] = errors["wrong"] / images
    errors["predicted"] = predicted.reindex(images.index, fill_value=0)
    taken = pairs["prediction"].reindex(images.index)
    errors["taken_for"] = ["" if np.isnan(other) else classes[int(other)] for other in taken]
    errors["taken_for_images"] = pairs["images"].reindex(images.index, fill_value=0)
    return errors[tables.CLASS_ERRORS].reset_index(drop=True)
