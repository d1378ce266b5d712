"""The kind of normalisation whose numbers a weights file holds."""

from collections.abc import Sequence
from contextlib import suppress

import torch

from explorer.data.batches import Normalisation
from explorer.data.normalisations import NORMALISATIONS
from explorer.data.pixels import Data
from explorer.errors import BadSettings
from explorer.weights.contents import WeightsFile

ROUNDED = 6e-4  # of mean and deviation; published ones have three or four decimals


def stated_normalisation(file: WeightsFile, channels: int, data: Data | None) -> tuple[str, list[str]]:
    """The known kind whose mean and deviation a file holds.

    Args:
        file: with numbers of a normalisation, or without.
        channels: of the network.
        data: that it was trained on, if it is on this machine: then a kind that is measured on it counts too.

    Returns:
        Its name in `NORMALISATIONS`, empty if there is none; and sentences that explain it.
    """
    if not file.mean:
        return "", []
    numbers = f"a mean of {_listed(file.mean)} and a deviation of {_listed(file.std)}"
    for kind, row in NORMALISATIONS.items():
        if not row.measured and _alike(row.mean, file.mean, channels) and _alike(row.std, file.std, channels):
            return kind, [f"Normalisation: {kind}, since the file holds {numbers}."]
    if data is not None and len(data.train_labels):
        with suppress(BadSettings):
            own = Normalisation.of(data, "channel")
            mean, std = own.mean.flatten().tolist(), own.std.flatten().tolist()
            if _alike(mean, file.mean, channels) and _alike(std, file.std, channels):
                return "channel", [f"Normalisation: channel, since the file holds {numbers}, as measured here."]
    return "", [f"The file holds {numbers}, which no known kind of normalisation has."]


def _alike(one: Sequence[float], other: Sequence[float], channels: int) -> bool:
    if len(one) not in (1, channels) or len(other) not in (1, channels):
        return False
    return torch.allclose(
        torch.tensor(one).expand(channels), torch.tensor(other).expand(channels), rtol=0, atol=ROUNDED
    )


def _listed(numbers: Sequence[float]) -> str:
    return f"({', '.join(f'{each:.4g}' for each in numbers)})"
