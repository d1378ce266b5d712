"""Which of the networks with the same weights these were trained as, measured by their loss on images."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer import progress
from explorer.data.batches import Normalisation, Sample, balanced_subset
from explorer.data.pixels import Data
from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.fused import fused
from explorer.models.network import Network
from explorer.models.size import require_size
from explorer.numerals import percent
from explorer.results import Candidate
from explorer.training.normalisation_choice import CLEAR, excess, image_losses, kinds_of
from explorer.weights.choices import alternatives, assumptions, difference
from explorer.weights.matching import mapped

IMAGES, AT_ONCE, FIRST = 400, 100, 50  # of the last candidates; of a group; of the first one, which all see
LEAST = 200  # that the two best see
MOST_ROUNDS = 4
HOPELESS = 0.9  # fraction of the error by chance above which no candidate is right: pairs of changes are tried


class _Trial:
    """A candidate and its losses so far, on the same images as the others of its race."""

    def __init__(self, config: NetworkConfig, state: Mapping[str, Tensor]) -> None:
        with torch.device("meta"):
            network = Network(config)
        # Mapped for each: where biases go in a pre-activation network depends on where its shortcuts start
        network.load_state_dict(mapped(network, state), assign=True)
        self.config, self._state = config, state
        self.network = fused(network.eval())
        self.losses, self._wrong = torch.zeros(0, dtype=torch.float64), 0

    def see(self, sample: Sample) -> None:
        """Add the losses of a group of images."""
        losses, wrong = image_losses(self.network, sample)
        self.losses, self._wrong = torch.cat([self.losses, losses]), self._wrong + wrong

    def afresh(self) -> "_Trial":
        """The same candidate before its first image."""
        return _Trial(self.config, self._state)

    @property
    def images(self) -> int:
        return len(self.losses)

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def error(self) -> float:
        return self._wrong / max(1, self.images)


@dataclass(frozen=True, slots=True)
class Measured:
    """The network that was chosen, and all that were measured, the best first."""

    config: NetworkConfig
    candidates: tuple[Candidate, ...]
    decisions: tuple[str, ...]


def measured_network(
    config: NetworkConfig, state: Mapping[str, Tensor], data: Data, normalisation: str = ""
) -> Measured:
    """The network of these weights with the lowest loss on up to 400 images, if it is clearly the lowest.

    Networks that differ from `config` in one choice that weights do not show are compared with it, then those that
    differ from the best, until none is better. Candidates that are clearly worse are dropped on the way. Images are
    normalised in the way that suits the best candidate so far.

    Args:
        config: the network assumed; it stays where others are not clearly better.
        state: the weights, under any names.
        data: of its channels and classes; training images if there are any.
        normalisation: a kind, see `data.normalisations`; empty measures that too.

    Returns:
        Reasons as sentences; no candidates if weights show everything.
    """
    if not alternatives(config):
        return Measured(config, (), ())
    images = _Images(data, normalisation)
    hopeless = HOPELESS * (1 - 1 / config.classes)
    best = winner = _Trial(config, state)
    tried: dict[str, _Trial] = {}
    for number in range(MOST_ROUNDS):
        images.suit(best)
        new = _fitting(best.config, images.side)
        winner = _race([best, *(_Trial(other, state) for other in new)], images, tried)
        if winner is best and number == 0 and best.error > hopeless:
            pairs = {two.name: two for other in new for two in _fitting(other, images.side) if two.name not in tried}
            winner = _race([best.afresh(), *(_Trial(two, state) for two in pairs.values())], images, tried)
        progress.report((number + 1) / MOST_ROUNDS)
        if winner.config.name == best.config.name:
            break
        best = winner.afresh()
    if winner.error > hopeless:
        winner = tried[config.name]
    order = sorted(tried.values(), key=lambda each: (each.config.name != winner.config.name, -each.images, each.loss))
    found = tuple(_candidate(each, config, winner, images.kind) for each in order)
    if winner.error > hopeless:
        said = f"Of {len(found)} networks that have the same weights none does clearly better than chance: assumed "
        return Measured(config, found, (f"{said}{config.name}.", *assumptions(config)))
    return Measured(winner.config, found, tuple(_reasons(found, images.source)))


class _Images:
    """Balanced images of a data set in groups, normalised by one kind."""

    def __init__(self, data: Data, normalisation: str) -> None:
        trains = len(data.train_labels) > 0
        self.source = "training images" if trains else "test images"
        self._pixels = data.train_pixels if trains else data.test_pixels
        self._labels = data.train_labels if trains else data.test_labels
        self.side = self._pixels.shape[1]
        chosen = balanced_subset(self._labels, min(IMAGES, len(self._labels)), 0)
        self._chosen = np.random.default_rng(0).permutation(chosen)  # digits and folders are in order of class
        self._kinds = {normalisation: Normalisation.of(data, normalisation)} if normalisation else kinds_of(data)
        self.kind = next(iter(self._kinds))

    def groups(self) -> Iterator[Sample]:
        """The images in groups, a small one first."""
        edges = [0, *range(FIRST, len(self._chosen), AT_ONCE), len(self._chosen)]
        return (self._sample(self._chosen[start:end], self.kind) for start, end in pairwise(edges))

    def suit(self, trial: _Trial) -> None:
        """Normalise by the kind with which this candidate's loss on the first images is lowest."""
        if len(self._kinds) == 1:
            return
        losses = {}
        for kind in self._kinds:
            first, _ = image_losses(trial.network, self._sample(self._chosen[:FIRST], kind))
            losses[kind] = float(first.mean()) if first.isfinite().all() else float("inf")
        self.kind = min(losses, key=losses.__getitem__)

    def _sample(self, chosen: NDArray[np.int64], kind: str) -> Sample:
        part = np.sort(chosen)
        return Sample(self._pixels[part], self._labels[part], self._kinds[kind], torch.device("cpu"))


def _fitting(config: NetworkConfig, side: int) -> list[NetworkConfig]:
    """The alternatives that can take images of this size."""
    found = []
    for other, _ in alternatives(config):
        with suppress(BadSettings):
            require_size(other, side)
            found.append(other)
    return found


def _race(trials: list[_Trial], images: _Images, tried: dict[str, _Trial]) -> _Trial:
    """The best of them if it is clearly better than the first, else the first; all are added to `tried`."""
    tried |= {each.config.name: each for each in trials}
    running = best = trials
    for sample in images.groups():
        for each in running:
            each.see(sample)
        finite = [each for each in running if each.losses.isfinite().all()]
        if not finite:
            break
        best = sorted(finite, key=lambda each: each.loss)
        kept = best[:2] if best[0].images < LEAST else best[:1]
        running = [each for each in finite if each in kept or not _clearly_worse(each, best[0])]
        if len(running) == 1:
            break
    return best[0] if _clearly_worse(trials[0], best[0]) else trials[0]


def _candidate(trial: _Trial, assumed: NetworkConfig, chosen: _Trial, kind: str) -> Candidate:
    return Candidate(
        network=trial.config.name,
        what=difference(assumed, trial.config),
        normalisation=kind,
        loss=trial.loss,
        error=trial.error,
        images=trial.images,
        possible=not _clearly_worse(trial, chosen),
    )


def _clearly_worse(trial: _Trial, other: _Trial) -> bool:
    """Whether its losses are clearly higher on the images that both have seen, in the same order."""
    both = min(trial.images, other.images)
    finite = trial.losses.isfinite().all()
    return not finite or excess(trial.losses[:both], other.losses[:both]) >= CLEAR


def _reasons(found: tuple[Candidate, ...], source: str) -> Iterator[str]:
    """Sentences on a measurement: the chosen candidate, the next best, and those that could be it too."""
    first, second = found[0], found[1]
    what = f", with {first.what}" if first.what else ""
    yield (
        f"Network: {first.network}{what}, chosen by measuring {len(found)} networks that have the same weights: "
        f"{_summary(first, source)}; the next is {second.network} with {_summary(second, source)}."
    )
    rivals = [each.network for each in found[1:] if each.possible]
    if rivals:
        yield f"Within chance it could be {' or '.join(rivals)} too: name the network with `network` if you know it."


def _summary(found: Candidate, source: str) -> str:
    return f"loss {found.loss:.3g} and error {percent(found.error)} on {found.images} {source}"
