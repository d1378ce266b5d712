"""Resolve references to networks.

A reference is the id of a run (its final weights), "RUN@STEP" (a snapshot), the name of a checkpoint, the path of a
.safetensors file, or a network name such as "resnet56", which means the untrained network.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.data.catalogue import DATASETS, LARGE, DatasetRow, dataset
from explorer.data.normalisations import normalisation_row
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build
from explorer.runs.checkpoint_facts import CheckpointFacts, facts_and_data
from explorer.runs.checkpoints import load_checkpoint
from explorer.training.devices import best_device
from explorer.training.evaluation import require_channels

SMALL = 32  # default side in pixels of images for networks with a small stem


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedNetwork:
    """A network loaded by reference, and the images it takes.

    Attributes:
        data: name of the data set; its labels are the network's classes.
        image_size: side in pixels of its images.
        normalisation: a kind, see `data.normalisations`.
        step: of training; None if unknown.
    """

    reference: str
    network: Network
    data: str
    image_size: int
    normalisation: str
    step: int | None


def resolved(references: Sequence[str], *, data: str = "") -> Iterator[ResolvedNetwork]:
    """Resolve references to networks, one at a time, on the best device.

    Args:
        references, data: see `runs.checkpoint_facts.facts_and_data`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read, or there is no such data set.
        BadSettings: it does not take these images, or no network was named.
    """
    for reference, (found, name) in facts_and_data(references, data).items():
        row = dataset(name)
        if found is None:
            network = build(network_config(reference), channels=row.channels, classes=len(row.classes))
        else:
            network = load_checkpoint(reference)
        require_channels(network, row)
        yield ResolvedNetwork(
            reference,
            network.to(best_device()),
            row.name,
            _image_size(found, network.config, row),
            _normalisation(found, row),
            found.step if found else 0,
        )


def _image_size(found: CheckpointFacts | None, config: NetworkConfig, row: DatasetRow) -> int:
    """Image size as in training; for pictures of any size, the one the network is designed for."""
    trained = found.recipe.get("image_size") if found and (found.data == row.name or row.any_size) else None
    if trained:
        return int(trained)
    if not row.any_size or (found and found.data == row.name):
        return row.sizes[0]
    if found and found.data in DATASETS:
        return DATASETS[found.data].sizes[0]
    return LARGE if config.stem != "small" else SMALL


def _normalisation(found: CheckpointFacts | None, row: DatasetRow) -> str:
    """Normalisation as in training, measured on the training images then; for untrained networks the data set's."""
    if found is None:
        return row.normalisation
    if normalisation_row(found.normalisation).measured and found.data not in ("", row.name):
        return f"{found.normalisation}:{found.data}"
    return found.normalisation
