"""Inference of the normalisation that a network was trained with, by measuring its loss."""

from contextlib import suppress

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import progress
from explorer.data.batches import Normalisation, Sample, balanced_subset
from explorer.data.normalisations import NORMALISATIONS
from explorer.data.pixels import Data
from explorer.errors import BadSettings
from explorer.numerals import percent
from explorer.training.evaluation import evaluation_mode

IMAGES, AT_ONCE = 1000, 100
CLEAR = 3.0  # standard errors above the best at which a kind is dropped; more than the usual 2 since tests repeat


def measured_normalisation(network: nn.Module, data: Data) -> tuple[str, list[str]]:
    """The kind with the lowest mean loss on up to 1,000 training images.

    All kinds are evaluated on the same images in small groups; a kind that is clearly worse than the best is dropped.

    Args:
        network: on the CPU; its mode is restored.
        data: with training images, of the network's channels and classes.

    Returns:
        Its name in `NORMALISATIONS`, and sentences that explain the choice.

    Raises:
        BadSettings: the loss is not finite with any kind.
    """
    chosen = balanced_subset(data.train_labels, min(IMAGES, len(data.train_labels)), 0)
    chosen = np.random.default_rng(0).permutation(chosen)  # digits and folders are in order of class
    running = kinds_of(data)
    losses = {kind: torch.zeros(0, dtype=torch.float64) for kind in running}
    wrong = dict.fromkeys(running, 0)
    for start in range(0, len(chosen), AT_ONCE):
        part = np.sort(chosen[start : start + AT_ONCE])
        for kind, normalisation in running.items():
            sample = Sample(data.train_pixels[part], data.train_labels[part], normalisation, torch.device("cpu"))
            new, mistakes = image_losses(network, sample)
            losses[kind], wrong[kind] = torch.cat([losses[kind], new]), wrong[kind] + mistakes
        running = {kind: each for kind, each in running.items() if losses[kind].isfinite().all()}
        if not running:
            raise BadSettings(
                "With these weights the loss is not finite (NaN or infinity) however the images are normalised: they "
                "are damaged, or of another network. Name it with `network`, or take an earlier file."
            )
        best = min(running, key=lambda kind: float(losses[kind].mean()))
        running = {kind: each for kind, each in running.items() if excess(losses[kind], losses[best]) < CLEAR}
        progress.report((start + len(part)) / len(chosen))
        if len(running) == 1:
            break
    measured = f"{_summary(losses[best], wrong[best])}; {_runner_up(losses, wrong, best)}"
    reasons = [f"Normalisation: {best}, chosen by measuring: {measured}."]
    if len(running) > 1:
        others = " or ".join(kind for kind in running if kind != best)
        reasons.append(f"Within chance it could be {others} too: name the kind with `normalisation` if you know it.")
    return best, reasons


def kinds_of(data: Data) -> dict[str, Normalisation]:
    """The kinds that fit the data set's channels, without duplicates up to rounding."""
    kinds: dict[str, Normalisation] = {}
    for kind in NORMALISATIONS:
        with suppress(BadSettings):  # for other channels
            new = Normalisation.of(data, kind)
            if not any(_alike(new.mean, old.mean) and _alike(new.std, old.std) for old in kinds.values()):
                kinds[kind] = new
    return kinds


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=1e-3)


def excess(losses: Tensor, best: Tensor) -> float:
    """Mean excess of losses over the best on the same images, in standard errors."""
    differences = losses - best
    deviation = float(differences.std())
    return float(differences.mean()) / deviation * len(differences) ** 0.5 if deviation else 0.0


def _summary(losses: Tensor, wrong: int) -> str:
    return (
        f"loss {float(losses.mean()):.3g} and error {percent(wrong / len(losses))} on {len(losses):,} training images"
    )


def _runner_up(losses: dict[str, Tensor], wrong: dict[str, int], best: str) -> str:
    """A clause about the second-best kind: dropped last, and among those with the lowest loss."""
    rivals = [kind for kind, each in losses.items() if kind != best and each.isfinite().all()]
    if not rivals:
        return "no other gives a finite loss"
    rival = min(rivals, key=lambda kind: (-len(losses[kind]), float(losses[kind].mean())))
    return f"the next is {rival} with {_summary(losses[rival], wrong[rival])}"


def image_losses(network: nn.Module, sample: Sample) -> tuple[Tensor, int]:
    """The cross-entropy of each image, and the number misclassified."""
    losses, wrong = [], 0
    with torch.inference_mode(), evaluation_mode(network):
        for images, labels in sample:
            scores = network(images)
            losses.append(functional.cross_entropy(scores, labels, reduction="none"))
            wrong += int((scores.argmax(1) != labels).sum())
    return torch.cat(losses).double(), wrong
