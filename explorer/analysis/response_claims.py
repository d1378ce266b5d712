"""The two claims of He et al. 2015 about figure 7, checked on a table of responses."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

ClaimResult = Literal["as_published", "opposite", "no_difference"]

SAME = 0.02  # relative differences below it count as none: seeds alone cause them


@dataclass(frozen=True, slots=True)
class Claim:
    """One comparison of two networks.

    Attributes:
        sentence: the two means and a conclusion.
    """

    outcome: ClaimResult
    sentence: str


def response_claims(table: pd.DataFrame) -> list[Claim]:
    """Whether residual networks respond less than plain ones of the same depth, and deeper residual ones less still.

    Compares means of the layers' standard deviations; the classifier is left out, as in the figure.

    Args:
        table: network, kind, depth, then `tables.RESPONSES`; each network once, all on the same images.

    Returns:
        One claim per pair of networks in the table that the figure compares.
    """
    layers = table[table["layer"] < table["depth"]]
    means = layers.groupby(["network", "kind", "depth"], sort=False)["response_std"].mean().reset_index()
    means = means.sort_values("depth", kind="stable")
    return [
        _claim(less, more)
        for less, more in _pairs(means)
        if pd.notna(less["response_std"]) and pd.notna(more["response_std"])
    ]


def _pairs(means: pd.DataFrame) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Pairs of networks, of which the first should respond less."""
    residual = [row for _, row in means[means["kind"] == "residual"].iterrows()]
    for row in residual:
        twins = means[(means["kind"] == "plain") & (means["depth"] == row["depth"])]
        yield from ((row, twin) for _, twin in twins.iterrows())
    yield from ((deeper, shallower) for shallower, deeper in pairwise(residual) if deeper["depth"] > shallower["depth"])


def _claim(less: pd.Series, more: pd.Series) -> Claim:
    small, large = float(less["response_std"]), float(more["response_std"])
    numbers = f"{less['network']} {small:.3g}, {more['network']} {large:.3g}"
    if abs(small - large) < SAME * large:
        return Claim("no_difference", f"{numbers}: no clear difference.")
    if small < large:
        return Claim("as_published", f"{numbers}: as in figure 7, {less['network']} responds less.")
    return Claim("opposite", f"{numbers}: not as in figure 7, where the first would respond less.")
