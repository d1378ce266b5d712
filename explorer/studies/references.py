"""Resolve references to networks.

A reference is the id of a run (its final weights), "RUN@STEP" (a snapshot), the name of a checkpoint, the path of a
.safetensors file, or a network name such as "resnet56", which means the untrained network.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.data.batches import Normalisation, Sample, sample_of_test_set
from explorer.data.catalogue import DATASETS, DatasetRow, dataset
from explorer.data.crops_of_photographs import crops_of_photographs
from explorer.data.normalisations import normalisation_row
from explorer.data.unknown import is_unknown
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build
from explorer.models.two_classes import with_class_scores
from explorer.runs.checkpoint_facts import CheckpointFacts, facts_and_data
from explorer.runs.checkpoints import load_checkpoint, weights_identity
from explorer.training.devices import best_device
from explorer.training.evaluation import require_channels


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

    @property
    def keys(self) -> tuple[str, str, str, int, int | None]:
        """The values of `tables.MEASURED_KEYS`."""
        config = self.network.config
        return self.reference, config.name, config.kind, config.depth, self.step

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def identity(self) -> Hashable:
        """Another where the weights or the images are others, for caches."""
        ((facts, _),) = facts_and_data([self.reference], self.data).values()
        known = (facts.model_dump_json(), *weights_identity(self.reference, facts)) if facts else ()
        return self.reference, known, dataset(self.data), self.image_size, self.normalisation

    @property
    def has_images(self) -> bool:
        """Whether its data set has test images, not names of classes alone."""
        return dataset(self.data).test_images > 0

    def photographs(self, count: int) -> Tensor:
        """Crops of photographs as the network takes images, (N, C, H, W), on its device."""
        pixels = crops_of_photographs(count, self.image_size, self.network.config.channels)
        return Normalisation.known(self.data, self.image_size, self.normalisation)(pixels, self.device)

    def test_sample(self, count: int) -> tuple[NDArray[np.int64], Sample]:
        """A fixed class-balanced sample of test images on that device, and their indices."""
        return sample_of_test_set(
            self.data, self.image_size, count, normalisation=self.normalisation, device=self.device
        )


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
        network = with_class_scores(network)
        yield ResolvedNetwork(
            reference,
            network.to(best_device()),
            row.name,
            _image_size(found, network.config, row),
            _normalisation(found, row),
            found.step if found else 0,
        )


def require_one_data_set(references: Sequence[str], data: str) -> None:
    """Check that networks are shown the same images; args and errors as for `resolved`.

    Raises:
        BadSettings: they were trained on different data sets.
    """
    names = sorted({name for _, name in facts_and_data(references, data).values()})
    if len(names) > 1:
        raise BadSettings(
            f"These networks were trained on different data sets ({', '.join(names)}), which have no image in common. "
            "Choose networks of one data set, or name it with `data`."
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
    return config.image_size


def _normalisation(found: CheckpointFacts | None, row: DatasetRow) -> str:
    """Normalisation as in training, measured on the training images then; for untrained networks the data set's."""
    if found is None:
        return row.normalisation
    measured = normalisation_row(found.normalisation).measured
    if measured and is_unknown(row.name) and ":" not in found.normalisation:
        raise BadSettings(
            f"Its images were normalised by `{found.normalisation}`, which is measured on training images, and these "
            "are not known. Import its file again with `normalisation`, such as imagenet, or with its `data`."
        )
    if measured and found.data not in ("", row.name):
        return f"{found.normalisation}:{found.data}"
    return found.normalisation
