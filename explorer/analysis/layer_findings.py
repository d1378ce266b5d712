"""What a study of layers shows, in one sentence computed from its table; importing this does not import torch."""

import pandas as pd

from explorer.analysis.findings import first_to_last


def ledger_finding(table: pd.DataFrame) -> str:
    """How much a block adds to its input, mean over the blocks that keep the shape; empty without residual networks.

    Args:
        table: `tables.LEDGER` after `tables.MEASURED_KEYS`, at one moment.
    """
    kept = table[(table["kind"] == "residual") & (table["shortcut"] == "identity")]
    means = kept.groupby("network", sort=False)["branch_ratio"].mean()
    parts = [f"{mean:.2f} times its input in {network}" for network, mean in means.items()]
    return f"on average a block adds {', '.join(parts)}" if parts else ""


def gradient_finding(table: pd.DataFrame) -> str:
    """The gradient that arrives at the first layer, compared with that of the last convolution.

    Args:
        table: `tables.GRADIENTS` after `tables.MEASURED_KEYS`, at one moment.
    """
    ratios = {str(network): first_to_last(rows) for network, rows in table.groupby("network", sort=False)}
    parts = [f"{ratio:.2g} times in {network}" for network, ratio in ratios.items()]
    return f"the first layer's gradient, relative to the last convolution's, is {', '.join(parts)}" if parts else ""
