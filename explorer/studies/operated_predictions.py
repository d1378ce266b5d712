"""Predictions of operated networks by reference, kept for each operated network and image."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from explorer import progress
from explorer.analysis.lesions import operated_scores
from explorer.cache import ByteCache
from explorer.data.batches import Sample
from explorer.data.catalogue import MOST_IMAGES, data_folder, dataset
from explorer.models.config import NetworkConfig
from explorer.models.operated import Snapshots
from explorer.models.operations import Arrangement
from explorer.models.threads import LEAST_IMAGES, PIXELS
from explorer.runs.checkpoint_facts import facts_and_data, is_untrained
from explorer.runs.checkpoints import load_checkpoint, weights_identity
from explorer.settings import require_between
from explorer.studies.references import ResolvedNetwork, resolved

MOST_TOGETHER = 1500  # images times versions, after which a computation can be cancelled

UNKNOWN = -1  # no class
NETWORK_BYTES, PREDICTION_BYTES = 2**28, 2**26

_networks: ByteCache[ResolvedNetwork] = ByteCache(NETWORK_BYTES)
_predictions: ByteCache[NDArray[np.int32]] = ByteCache(PREDICTION_BYTES)  # of all test images, by index


@dataclass(frozen=True, slots=True, eq=False)
class OperatedPredictions:
    """A network and the test images on which versions of it are compared.

    Attributes:
        net: the network.
        identity: another one where the network or the test images are others.
        indices: of the images in the test set; labels: of the images.
    """

    net: ResolvedNetwork
    identity: Hashable
    indices: NDArray[np.int64]
    sample: Sample

    @property
    def config(self) -> NetworkConfig:
        return self.net.network.config

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.sample.labels

    def wrong(self, arrangements: Sequence[Arrangement]) -> NDArray[np.bool_]:
        """Which images each version misclassifies (versions, images); progress is reported.

        Raises:
            BadSettings: a version needs weights that there are not.
            RunError, StorageError: the weights of a step cannot be read.
        """
        known = {each: self._known(each) for each in dict.fromkeys(arrangements)}
        missing = [each for each, predicted in known.items() if (predicted[self.indices] == UNKNOWN).any()]
        if missing:
            unseen = np.logical_or.reduce([known[each][self.indices] == UNKNOWN for each in missing])
            self._predict(missing, known, np.flatnonzero(unseen))
        return np.stack([known[each][self.indices] != self.labels for each in arrangements])

    def _known(self, arrangement: Arrangement) -> NDArray[np.int32]:
        """The predictions kept for a version, `UNKNOWN` for images without one."""
        kept = _predictions.get((self.identity, arrangement))
        return np.full(dataset(self.net.data).test_images, UNKNOWN, np.int32) if kept is None else kept

    def _predict(
        self, missing: Sequence[Arrangement], known: dict[Arrangement, NDArray[np.int32]], chosen: NDArray[np.int64]
    ) -> None:
        sample = replace(self.sample, pixels=self.sample.pixels[chosen], labels=self.sample.labels[chosen])
        side = sample.pixels.shape[1]
        together = max(LEAST_IMAGES, min(PIXELS // side**2, MOST_TOGETHER // len(missing)))
        together = min(together, -(-len(sample) // torch.get_num_threads()))
        parts = (part for images, _ in sample for part in images.split(together))  # type: ignore[no-untyped-call]
        done = 0
        try:
            for scores in operated_scores(self.net.network, parts, missing, snapshots=self.snapshots):
                predicted = scores.argmax(-1).numpy()
                places = self.indices[chosen[done : done + predicted.shape[1]]]
                for arrangement, classes in zip(missing, predicted, strict=True):
                    known[arrangement][places] = classes
                done += predicted.shape[1]
                progress.report(done / len(sample))
        finally:  # what there is after a cancelled call
            for each in missing:
                _predictions.keep((self.identity, each), known[each], known[each].nbytes)

    @property
    def snapshots(self) -> Snapshots | None:
        """Gives the weights of a step of the network's training; None for an untrained network."""
        if is_untrained(self.net.reference):
            return None
        run, _, _ = self.net.reference.partition("@")
        return lambda step: load_checkpoint(f"{run}@{step}").state_dict()


def operated_predictions(references: Sequence[str], data: str, images: int) -> Iterator[OperatedPredictions]:
    """The networks, one at a time, each with a fixed class-balanced sample of test images; samples are nested.

    Progress reported while one is used is scaled to its part of all.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, no network was named, or `images` is out of bounds.
        DataMissing: the data set is not on this machine.
    """
    require_between("images", images, 1, MOST_IMAGES)
    found = facts_and_data(references, data)
    for done, (reference, (facts, name)) in enumerate(found.items()):
        known_by = (facts.model_dump_json(), *weights_identity(reference, facts)) if facts else ()
        identity = reference, known_by, dataset(name), data_folder()  # the data set is a new object if a folder changed
        net = _networks.get(identity)
        if net is None:
            (net,) = resolved([reference], data=data or name)
            size = sum(each.nbytes for each in net.network.state_dict().values())
            _networks.keep(identity, net, size)
        with progress.part(done, len(found)):
            yield OperatedPredictions(net, identity, *net.test_sample(images))
