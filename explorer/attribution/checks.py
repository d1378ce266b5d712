"""Can one map be trusted? What hiding its positions does to the network, and how steady it is."""

from collections.abc import Iterator, Mapping
from itertools import count
from math import nan
from typing import Any

import numpy as np
import pandas as pd
import torch
from captum import metrics
from torch import Tensor, nn

from explorer import tables
from explorer.attribution.attribute import attribute
from explorer.attribution.baselines import blurred
from explorer.errors import BadSettings
from explorer.models.recording import working_copy
from explorer.progress import part, report
from explorer.results import Curves, Infidelity

AT_ONCE = 50  # images computed at once: memory grows with this, not with their number


def deletion_and_insertion(
    network: nn.Module,
    image: Tensor,
    target: int,
    ranking: Tensor,
    *,
    steps: int = 32,
    baseline: Tensor | None = None,
    random_orders: int = 10,
    seed: int = 0,
) -> Curves:
    """How the probability of `target` changes as positions are hidden, or shown, the highest of a map first.

    Deleted positions get the baseline's values. Insertion begins with a blurred image, so that no sharp edges stand
    around what is there already. Where values are equal the earlier position, row by row, comes first. Computed on a
    copy.

    The random orders, against which a map is held, are those of the map itself, shifted: departing from the source,
    which has none. Positions scattered one by one would be no measure, since such holes harm a network much more than
    one hole of the same area, so that smooth maps would lose in deletion and win in insertion whatever they show.

    Args:
        network: gives scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        ranking: (H, W), a map of the image.
        steps: the curves have one more point, at equal fractions of the positions, 0 and 1 included.
        baseline: broadcast to `image`; None is zero, the mean colour of the training images.
        random_orders: how many, the same for both curves; a map that says nothing beats all of ten at most once in
            eleven times.
        seed: of the shifts.

    Raises:
        BadSettings: not one image, a map of another size, or `steps` or `random_orders` out of range.

    Source: Petsiuk et al. 2018 (arXiv 1806.07421), section 4.2.
    """
    require_one(image, ranking)
    if not 1 <= steps <= ranking.numel():
        raise BadSettings(f"`steps` (={steps}) is not between 1 and the {ranking.numel()} positions of the map.")
    if random_orders < 1:
        raise BadSettings(f"`random_orders` (={random_orders}) is not at least 1; there has to be one to compare with.")
    copy = working_copy(network)
    hidden = torch.zeros_like(image) if baseline is None else baseline.to(image).expand_as(image)
    orders = [_order(each, image) for each in (ranking, *_moved(ranking, random_orders, seed))]
    ends = {"deletion": (image, hidden), "insertion": (blurred(image), image)}
    fractions = np.linspace(0, 1, steps + 1)
    rows, areas = [], {}
    for number, (curve, (start, end)) in enumerate(ends.items()):
        with part(number, len(ends)):
            found = np.stack(list(_each(copy, start, end, orders, fractions, target)))
        areas[curve] = np.trapezoid(found, fractions, axis=1).tolist()
        random = found[1:]
        columns = fractions, found[0], random.mean(0), random.min(0), random.max(0)
        rows += [(curve, *point) for point in zip(*columns, strict=True)]
    table = pd.DataFrame(rows, columns=tables.DELETION_INSERTION)
    (deletion, *by_deletion), (insertion, *by_insertion) = areas["deletion"], areas["insertion"]
    return Curves(table, deletion, insertion, tuple(by_deletion), tuple(by_insertion))


def infidelity(
    network: nn.Module,
    image: Tensor,
    target: int,
    values: Tensor,
    *,
    samples: int = 200,
    baseline: Tensor | None = None,
    seed: int = 0,
) -> Infidelity:
    """Does the sum of a map over a square foretell how far the score of `target` falls when the square is hidden?

    Squares of all sides up to a third of the image's, anywhere in it, get the baseline's values. The map may be scaled
    by one number before it is held against the falls (Captum's normalize=True), so methods of different units compare.
    Computed on a copy.

    Args:
        network: gives scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        values: (H, W), a map of the image.
        samples: squares.
        baseline: broadcast to `image`; None is zero, the mean colour of the training images.
        seed: of the squares.

    Raises:
        BadSettings: not one image, a map of another size, or fewer than two samples.

    Source: Yeh et al. 2019 (arXiv 1901.09392), definition 2.1 with square removal; `captum.metrics.infidelity`.
    """
    require_one(image, values)
    _require_samples(samples, 2)
    copy = working_copy(network)
    hidden = torch.zeros_like(image) if baseline is None else baseline.to(image).expand_as(image)
    spread = values.to(image).expand_as(image) / image.shape[1]  # evenly over the channels, all hidden together

    answers: list[Tensor] = []

    def error(attributions: Tensor) -> float:
        """Of one map, always on the same squares, whose scores are computed for the first map only."""
        numbers, calls, drawn = np.random.default_rng(seed), count(), 0

        def hide(images: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal drawn
            drawn += len(images)
            squares = _squares(numbers, images)
            return squares.to(images).expand_as(images), torch.where(squares, hidden, images)

        def scores(images: Tensor) -> Tensor:
            call = next(calls)
            if call == len(answers):
                answers.append(copy(images))
                report(drawn / samples)
            return answers[call]

        found: Tensor = metrics.infidelity(
            scores,
            hide,
            image,
            attributions,
            target=target,
            n_perturb_samples=samples,
            max_examples_per_batch=min(AT_ONCE, samples),
            normalize=True,
        )
        return max(0.0, found.item())  # rounding may leave a little less than nothing

    value = error(spread)
    even, change = error(torch.ones_like(spread)), error(torch.zeros_like(spread))  # a map of nothing explains nothing
    return Infidelity(value, _share(value, change), _share(even, change))


def sensitivity(
    network: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    parameters: Mapping[str, Any],
    *,
    radius: float = 0.02,
    samples: int = 10,
    seed: int = 0,
) -> float:
    """How far an attribution can change when every value of the image changes by at most `radius`.

    The largest change found among random neighbours of the image, as the Euclidean norm of the difference over that
    of the attribution itself; the target stays the same.

    Args:
        network: gives scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        method, parameters: as of `attribute`; a method that draws random numbers draws the same for every neighbour.
        radius: in units of the normalised image.
        samples: neighbours.
        seed: of the neighbours.

    Raises:
        BadSettings: not one image, no samples; or whatever `attribute` raises.

    Source: Yeh et al. 2019 (arXiv 1901.09392), definition 3.1; `captum.metrics.sensitivity_max`.
    """
    require_one(image)
    _require_samples(samples, 1)
    stream = torch.Generator().manual_seed(seed)
    calls = iter(range(samples + 1))

    def neighbours(images: Tensor, radius: float) -> Tensor:
        drawn = torch.rand(images.shape, generator=stream, dtype=torch.float64)  # on the CPU: the same on any device
        return images + ((2 * drawn - 1) * radius).to(images)

    def explain(images: Tensor | tuple[Tensor]) -> Tensor | tuple[Tensor]:
        given = images[0] if isinstance(images, tuple) else images
        with part(next(calls), samples + 1):
            found = attribute(network, given, target, method, **parameters).contiguous()  # Captum takes views of it
        return (found,) if isinstance(images, tuple) else found  # Captum goes through what it gets for a tuple

    found: Tensor = metrics.sensitivity_max(
        explain, image, neighbours, perturb_radius=radius, n_perturb_samples=samples, max_examples_per_batch=1
    )
    return found.item()


def _each(
    copy: nn.Module, start: Tensor, end: Tensor, orders: list[Tensor], fractions: np.ndarray, target: int
) -> Iterator[np.ndarray]:
    """For each order, the probabilities of the target at each fraction of positions taken from `end`."""
    counts = torch.from_numpy(np.rint(fractions * orders[0].numel())).long().to(start.device)
    for number, order in enumerate(orders):
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        probabilities = []
        with torch.inference_mode():
            for some in counts.split(AT_ONCE):  # type: ignore[no-untyped-call]
                taken = (place < some[:, None]).view(-1, 1, *start.shape[2:])
                scores = copy(torch.where(taken, end, start))
                probabilities.append(scores.cpu().double().softmax(1)[:, target])
        report((number + 1) / len(orders))
        yield torch.cat(probabilities).numpy(force=True)


def _order(ranking: Tensor, image: Tensor) -> Tensor:
    """Positions, the highest first."""
    return ranking.detach().flatten().argsort(descending=True, stable=True).to(image.device)


def _moved(ranking: Tensor, shifts: int, seed: int) -> Iterator[Tensor]:
    """The map shifted by at least a quarter of both sides, what leaves it on one side coming back on the other."""
    numbers = np.random.default_rng(seed)
    for _ in range(shifts):
        by = [int(numbers.integers(side // 4, side - side // 4, endpoint=True)) for side in ranking.shape]
        yield ranking.roll(by, (0, 1))


def _share(error: float, change: float) -> float:
    return min(1.0, error / change) if change else nan


def _squares(numbers: np.random.Generator, images: Tensor) -> Tensor:
    """One square in each image, bool (N, 1, H, W), of a random side and place, wholly within."""
    height, width = images.shape[2:]
    sides = numbers.integers(1, max(1, min(height, width) // 3), len(images), endpoint=True)[:, None]
    tops, lefts = (numbers.integers(0, side - sides, endpoint=True) for side in (height, width))
    rows, columns = np.arange(height), np.arange(width)
    within = ((rows >= tops) & (rows < tops + sides))[:, None, :, None]
    beside = ((columns >= lefts) & (columns < lefts + sides))[:, None, None, :]
    return torch.from_numpy(within & beside).to(images.device)


def require_one(image: Tensor, values: Tensor | None = None) -> None:
    """Raise BadSettings unless this is one image, (1, C, H, W), and a map (H, W) of it."""
    if image.ndim != 4 or len(image) != 1:
        raise BadSettings(
            f"`image` has shape {tuple(image.shape)}; expected (1, C, H, W): one image is checked at a time."
        )
    if values is not None and values.shape != image.shape[2:]:
        raise BadSettings(
            f"The map has shape {tuple(values.shape)}; expected {tuple(image.shape[2:])}, one value for each position "
            "of the image."
        )


def _require_samples(samples: int, fewest: int) -> None:
    if samples < fewest:
        raise BadSettings(f"`samples` (={samples}) is not at least {fewest}.")
