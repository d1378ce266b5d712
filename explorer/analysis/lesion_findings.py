"""What the deletion of blocks shows, in sentences computed from its tables; importing this does not import torch."""

import pandas as pd

from explorer.numerals import minus

CHEAP = 0.05  # rise of the error


def lesion_finding(table: pd.DataFrame) -> str:
    """What the deletion of one block costs each network: median and worst case; empty where nothing is measured.

    Args:
        table: `tables.LESION`.
    """
    parts = []
    for network, rows in table[table["error"].notna()].groupby("network", sort=False):
        rises = 100 * rows["rise"]
        worst = rows.iloc[int(rises.to_numpy().argmax())]
        place = f"block {worst['stage']}.{worst['block']}"
        parts.append(f"{rises.median():.1f} points in {network}, at most {rises.max():.1f} ({place})")
    return minus(f"Without one block the error rises, in the median, by {'; '.join(parts)}.") if parts else ""


def operated_finding(table: pd.DataFrame) -> str:
    """How the error of networks changes with the same operations.

    Args:
        table: `tables.OPERATED`.
    """
    rows = table[table["class"] == ""].to_dict("records")
    parts = [f"{row['network']} from {100 * row['intact_error']:.1f} to {100 * row['error']:.1f} %" for row in rows]
    return f"On {rows[0]['images']:,} test images the error changes: {'; '.join(parts)}." if parts else ""


def deletions_finding(table: pd.DataFrame) -> str:
    """The error with the most deleted blocks, of those that all networks have.

    Args:
        table: `tables.RANDOM_LESIONS`.
    """
    most = int(table.groupby("reference")["deleted"].max().min())
    if not most:
        return "These networks have no blocks that could be deleted."
    count = "1 block" if most == 1 else f"{most} blocks"
    return f"With {count} deleted at random, the error is {_errors(table[table['deleted'] == most])}."


def shuffle_finding(table: pd.DataFrame) -> str:
    """The error when a part of the pairs of blocks stands in reversed order.

    Args:
        table: `tables.SHUFFLES`.
    """
    half = table.loc[(table["distance"] - 0.5).abs().groupby(table["reference"], sort=False).idxmin()]
    parts = ", ".join(dict.fromkeys(f"{100 * distance:.0f} %" for distance in half["distance"]))
    return f"In an order with {parts} of the pairs reversed, the error is {_errors(half)}."


def strength_finding(table: pd.DataFrame) -> str:
    """How weak shortcuts may be before the error has doubled.

    Args:
        table: `tables.SHORTCUT_STRENGTHS`.
    """
    parts = []
    for network, rows in table.groupby("network", sort=False):
        doubled = rows.loc[rows["error"] > 2 * rows["intact_error"], "alpha"]
        intact = 100 * float(rows["intact_error"].iloc[0])
        words = f"at alpha {doubled.max():g}" if len(doubled) else "not at all"
        parts.append(f"{words} in {network} (from {intact:.1f} %)")
    return f"With weaker shortcuts the error more than doubles {'; '.join(parts)}."


def critical_finding(table: pd.DataFrame) -> str:
    """How many blocks of each network can be set back, one at a time, at a small cost.

    Args:
        table: `tables.CRITICAL`.
    """
    parts = []
    for network, rows in table.groupby("network", sort=False):
        steps = rows["weights_step"]
        first = rows[steps == steps.min()] if steps.notna().any() else rows
        words = f"weights of step {steps.min():,.0f}" if steps.notna().any() else "new weights"
        cheap = int((first["rise"] <= CHEAP).sum())
        parts.append(f"{cheap} of {len(first)} blocks of {network} ({words})")
    return f"At a cost of at most {100 * CHEAP:.0f} points of error each, one can set back {'; '.join(parts)}."


def _errors(rows: pd.DataFrame) -> str:
    """ "51.3 % in plain56 (intact 47.6) and 17.0 % in resnet56 (intact 15.3)"."""
    return "; ".join(
        f"{100 * row['error']:.1f} % in {row['network']} (intact {100 * row['intact_error']:.1f})"
        for row in rows.to_dict("records")
    )
