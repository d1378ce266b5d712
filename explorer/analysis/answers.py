"""Where several networks err or disagree about the same test images: which images are worth a look."""

from typing import Literal

import pandas as pd

from explorer import tables
from explorer.errors import BadSettings

Show = Literal["all", "wrong", "disagree"]


def interesting(table: pd.DataFrame, *, show: Show = "all", label: int | None = None) -> pd.DataFrame:
    """The images that networks were asked about, one row each, those worth a look first.

    Args:
        table: what `studies.predictions` gave, of the networks to be compared.
        show: "all" in the order of the test set; "wrong" those that a network has wrong: first what most have wrong,
            among them first what they were surest of; "disagree" those that get different answers: first what most
            pairs of networks disagree about, among them first where the probabilities of the label differ most.
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
    found = images.agg(
        label=("label", "first"),
        networks=("reference", "size"),
        wrong=("wrong", "sum"),
        mistake_probability=("mistake", "mean"),
        predictions=("prediction", tuple),
    )
    found["disagreement"] = _disagreement(table)
    found["spread"] = images["label_probability"].max() - images["label_probability"].min()
    found = found.reset_index()
    if label is not None:
        found = found[found["label"] == label]
    if show != "all":
        first, then = {"wrong": ("wrong", "mistake_probability"), "disagree": ("disagreement", "spread")}[show]
        found = found[found[first] > 0].sort_values([first, then, "index"], ascending=[False, False, True])
    return found[tables.ANSWERS].reset_index(drop=True)


def _disagreement(table: pd.DataFrame) -> pd.Series:
    """By image, the fraction of the pairs of networks that answer differently; 0 where there is one network."""
    alike = table.groupby(["index", "prediction"]).size()
    same, all_pairs = _pairs(alike).groupby("index").sum(), _pairs(table.groupby("index").size())
    return 1 - (same / all_pairs).fillna(1.0)


def _pairs(count: pd.Series) -> pd.Series:
    return count * (count - 1) / 2
