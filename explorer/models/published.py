"""Published errors on CIFAR-10, with their sources."""

import pandas as pd

from explorer import tables
from explorer.models.catalogue import NETWORKS
from explorer.models.config import Kind

REIMPLEMENTATION = "akamaster/pytorch_resnet_cifar10"

# README of github.com/akamaster/pytorch_resnet_cifar10: test error of its published weights
_REIMPLEMENTED = {20: 0.0827, 32: 0.0737, 44: 0.0690, 56: 0.0661, 110: 0.0632, 1202: 0.0618}
_NOT_BELOW = {"plain110": 0.60}
_NOT_BELOW_SOURCE = "He et al. 2015, figure 6"  # caption: above 60%, not displayed

# He et al. 2015, section 4.2, under the labels of `Recipe`
PROTOCOL = {
    "Training images": "45,000 (5,000 for validation)",
    "Steps": "64,000",
    "Batch size": "128",
    "Learning rate": "0.1, divided by 10 at 32,000 and 48,000 steps",
    "Crop and mirror": "yes",
    "Normalisation": "mean image subtracted",
    "Image size": "32×32",
    "Test images": "10,000, the original view",
}


def published() -> pd.DataFrame:
    """Published errors on CIFAR-10.

    Returns:
        The columns of `tables.PUBLISHED`, one row per network and source.
    """
    rows: list[tuple[str, Kind, int, float | None, float | None, str]] = [
        (name, row.config.kind, row.config.depth, row.published_error, None, row.source)
        for name, row in NETWORKS.items()
        if row.published_error is not None and row.published_data == "cifar10"
    ]
    rows += [
        (name, "plain", NETWORKS[name].config.depth, None, bound, _NOT_BELOW_SOURCE)
        for name, bound in _NOT_BELOW.items()
    ]
    rows += [
        (f"resnet{depth}", "residual", depth, error, None, REIMPLEMENTATION) for depth, error in _REIMPLEMENTED.items()
    ]
    return pd.DataFrame(rows, columns=tables.PUBLISHED).astype({"test_error": float, "above": float})
