"""Networks by reference, as they were trained or untrained.

A reference is the id of a run (its final weights), "RUN@STEP" (a snapshot), the name of a checkpoint beside the runs or
a .safetensors file, or a name such as "resnet56", which stands for the untrained network.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.data.catalogue import DATASETS
from explorer.models.catalogue import network_config
from explorer.models.network import Network, build
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import facts_and_data
from explorer.runs.checkpoints import load_checkpoint
from explorer.training.devices import best_device
from explorer.training.evaluation import require_channels


@dataclass(frozen=True, slots=True, eq=False)
class Referenced:
    """A network, and which images it takes.

    Attributes:
        data: name of the data set that it is shown.
        image_size: side in pixels of its images.
        normalisation: "channel" or "pixel".
        step: updates made; None where that is not known.
    """

    reference: str
    network: Network
    data: str
    image_size: int
    normalisation: Literal["channel", "pixel"]
    step: int | None


def referenced(references: Sequence[str], *, data: str = "") -> Iterator[Referenced]:
    """The networks one after the other, on the device that computes best.

    Args:
        references, data: see `runs.checkpoint_facts.facts_and_data`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read, or there is no such data set.
        BadSettings: it does not take these images, or no network was named.
    """
    for reference, (found, name) in facts_and_data(references, data).items():
        row = lookup(DATASETS, name, "data set")
        size = found.recipe.get("image_size") if found and found.data == name else None
        if found is None:
            network = build(network_config(reference), channels=row.channels, classes=len(row.classes))
        else:
            network = load_checkpoint(reference)
        require_channels(network, row)
        yield Referenced(
            reference,
            network.to(best_device()),
            name,
            int(size or row.sizes[0]),
            "pixel" if found and found.normalisation == "pixel" else "channel",
            found.step if found else 0,
        )
