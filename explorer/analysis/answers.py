"""Test images that several networks misclassify or disagree about."""

from typing import Literal

import pandas as pd

from explorer import tables
from explorer.errors import BadSettings

Show = Literal["all", "wrong", "disagree"]


def ranked_images(table: pd.DataFrame, *, show: Show = "all", label: int | None = None) -> pd.DataFrame:
    """Predictions of several networks summarised by image, the most informative images first.

    Args:
        table: result of `studies.predictions` for the networks to compare.
        show: "all", in the order of the test set; "wrong", the images that a network misclassifies, by the number of
            these networks, then by their confidence; "disagree", the images with different predictions, by the
            fraction of disagreeing pairs, then by the spread of the label's probability.
        label: only images of this class.

    Returns:
        The columns of `tables.ANSWERS`.

    Raises:
        BadSettings: `show` is none of these.
    """
    if show not in ("all", "wrong", "disagree"):
        raise BadSettings(f"`show` (={show!r}) is not known. Known: 'all', 'wrong', 'disagree'.")
    table = table.assign(wrong=table["prediction"] != table["label"])
    table["mistake"] = table["probability"].where(table["wrong"])
    images = table.groupby("index")
    summary = images.agg(
        label=("label", "first"),
        networks=("reference", "size"),
        wrong=("wrong", "sum"),
        mistake_probability=("mistake", "mean"),
        predictions=("prediction", tuple),
    )
    summary["disagreement"] = _disagreement(table)
    summary["spread"] = images["label_probability"].max() - images["label_probability"].min()
    summary = summary.reset_index()
    if label is not None:
        summary = summary[summary["label"] == label]
    if show != "all":
        first, then = {"wrong": ("wrong", "mistake_probability"), "disagree": ("disagreement", "spread")}[show]
        summary = summary[summary[first] > 0].sort_values([first, then, "index"], ascending=[False, False, True])
    return summary[tables.ANSWERS].reset_index(drop=True)


def _disagreement(table: pd.DataFrame) -> pd.Series:
    """The fraction of pairs of networks with different predictions, by image; 0 for a single network."""
    alike = table.groupby(["index", "prediction"]).size()
    same, all_pairs = _pairs(alike).groupby("index").sum(), _pairs(table.groupby("index").size())
    return 1 - (same / all_pairs).fillna(1.0)


def _pairs(count: pd.Series) -> pd.Series:
    return count * (count - 1) / 2
