"""Which classes does a network take for which?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from explorer import tables


def confusion(table: pd.DataFrame) -> pd.DataFrame:
    """How many images of each class are given which class.

    Args:
        table: one row an image, with label and prediction.

    Returns:
        The columns of `tables.CONFUSION`, by label, then by prediction; pairs of which there is no image are left out.
    """
    counts = table.groupby(["label", "prediction"]).size().reset_index(name="images")
    counts["fraction"] = counts["images"] / counts.groupby("label")["images"].transform("sum")
    return counts[tables.CONFUSION]


def confused_pairs(counts: pd.DataFrame) -> pd.DataFrame:
    """The mistakes, the most frequent first.

    Args:
        counts: what `confusion` gave.

    Returns:
        The columns of `tables.CONFUSION`.
    """
    wrong = counts[counts["label"] != counts["prediction"]]
    ordered = wrong.sort_values(["images", "label", "prediction"], ascending=[False, True, True])
    return ordered[tables.CONFUSION].reset_index(drop=True)


def class_errors(counts: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The error of each class, and what it is taken for most often.

    Args:
        counts: what `confusion` gave.
        classes: names, in order of label.

    Returns:
        The columns of `tables.CLASS_ERRORS`, one row a class of which there are images.
    """
    images = counts.groupby("label")["images"].sum()
    pairs = confused_pairs(counts).drop_duplicates("label").set_index("label")
    predicted = counts.groupby("prediction")["images"].sum()
    right = counts[counts["label"] == counts["prediction"]].set_index("label")["images"]
    found = pd.DataFrame({"label": images.index, "images": images.to_numpy()}, index=images.index)
    found["class"] = [classes[label] for label in found["label"]]
    found["wrong"] = images - right.reindex(images.index, fill_value=0)
    found["error"] = found["wrong"] / images
    found["predicted"] = predicted.reindex(images.index, fill_value=0)
    taken = pairs["prediction"].reindex(images.index)
    found["taken_for"] = ["" if np.isnan(other) else classes[int(other)] for other in taken]
    found["taken_for_images"] = pairs["images"].reindex(images.index, fill_value=0)
    return found[tables.CLASS_ERRORS].reset_index(drop=True)
