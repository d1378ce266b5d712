"""Checks of one attribution map: deletion and insertion, infidelity, sensitivity."""

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
from explorer.map_results import Curves, Infidelity
from explorer.models.recording import working_copy
from explorer.progress import part, report

AT_ONCE = 50  # images per pass, which bounds the memory


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
    """Probability of `target` as positions are deleted or inserted, those with the highest values of a map first.

    Deleted positions get the baseline's values. Insertion starts from a blurred image, so that inserted positions have
    no sharp edges around them. Ties are broken in row-major order. Computed on a copy.

    Unlike in the source, the map is compared with random orders: those of the map itself, shifted. Orders of single
    random positions would be no fair comparison: scattered holes harm a network much more than one hole of the same
    area, so smooth maps would lose in deletion and win in insertion whatever they show.

    Args:
        network: returns scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        ranking: (H, W), the map of the image.
        steps: of equal fractions of the positions; the curves have one point more, from 0 to 1.
        baseline: broadcast to `image`; None is zero, the mean colour of the training images.
        random_orders: how many, the same for both curves; an uninformative map beats all of ten with a probability of
            at most 1/11.
        seed: of the shifts.

    Raises:
        BadSettings: not one image, a map of another size, or `steps` or `random_orders` out of range.

    Source: Petsiuk et al. 2018 (arXiv 1806.07421), section 4.2.
    """
    require_one(image, ranking)
    if not 1 <= steps <= ranking.numel():
        raise BadSettings(f"`steps` (={steps}) is not between 1 and the {ranking.numel()} positions of the map.")
    if random_orders < 1:
        raise BadSettings(f"`random_orders` (={random_orders}) is not at least 1: a map is compared with one or more.")
    copy = working_copy(network)
    hidden = torch.zeros_like(image) if baseline is None else baseline.to(image).expand_as(image)
    orders = [_order(each, image) for each in (ranking, *_shifted(ranking, random_orders, seed))]
    ends = {"deletion": (image, hidden), "insertion": (blurred(image), image)}
    fractions = np.linspace(0, 1, steps + 1)
    rows, areas = [], {}
    for number, (curve, (start, end)) in enumerate(ends.items()):
        with part(number, len(ends)):
            found = np.stack(list(_probabilities(copy, start, end, orders, fractions, target)))
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
    seed: int = 0,
) -> Infidelity:
    """Error of the sum of a map over a square as a prediction of the fall of `target`'s score when it is hidden.

    Random squares with sides up to a third of the image's get the mean colour of the training images. The map is first
    scaled by the best single factor (Captum's normalize=True), so that methods with different units can be compared.
    Computed on a copy.

    Args:
        network: returns scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        values: (H, W), the map of the image.
        samples: number of squares.
        seed: of the squares.

    Raises:
        BadSettings: not one image, a map of another size, or fewer than two samples.

    Source: Yeh et al. 2019 (arXiv 1901.09392), definition 2.1 with square removal; `captum.metrics.infidelity`.
    """
    require_one(image, values)
    _require_samples(samples, 2)
    copy = working_copy(network)
    hidden = torch.zeros_like(image)
    spread = values.to(image).expand_as(image) / image.shape[1]  # evenly over the channels, which are hidden together
    known: list[Tensor] = []

    def error(attributions: Tensor) -> float:
        """Infidelity of one map; the squares are the same for all maps, and their scores are computed once."""
        numbers, calls, drawn = np.random.default_rng(seed), count(), 0

        def hide(images: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal drawn
            drawn += len(images)
            squares = _squares(numbers, images)
            return squares.to(images).expand_as(images), torch.where(squares, hidden, images)

        def scores(images: Tensor) -> Tensor:
            call = next(calls)
            if call == len(known):
                known.append(copy(images))
                report(drawn / samples)
            return known[call]

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
        return max(0.0, found.item())  # rounding may give a small negative number

    value = error(spread)
    even, change = error(torch.ones_like(spread)), error(torch.zeros_like(spread))  # a zero map explains nothing
    return Infidelity(value, _unexplained(value, change), _unexplained(even, change))


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
    """Largest relative change of an attribution when every value of the image changes by at most `radius`.

    The largest found among random neighbours of the image: the Euclidean norm of the difference over that of the
    attribution. The target stays the same.

    Args:
        network: returns scores (N, classes).
        image: (1, C, H, W), normalised for `network`.
        target: a class.
        method, parameters: see `attribute`; a method with random numbers uses the same ones for every neighbour.
        radius: in units of the normalised image.
        samples: number of neighbours.
        seed: of the neighbours.

    Raises:
        BadSettings: not one image, or no samples; and what `attribute` raises.

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
        image = images[0] if isinstance(images, tuple) else images
        with part(next(calls), samples + 1):
            found = attribute(network, image, target, method, **parameters).contiguous()  # Captum needs views of it
        return (found,) if isinstance(images, tuple) else found  # Captum iterates over the result of a tuple

    found: Tensor = metrics.sensitivity_max(
        explain, image, neighbours, perturb_radius=radius, n_perturb_samples=samples, max_examples_per_batch=1
    )
    return found.item()


def _probabilities(
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
    """Positions in order of decreasing value."""
    return ranking.detach().flatten().argsort(descending=True, stable=True).to(image.device)


def _shifted(ranking: Tensor, shifts: int, seed: int) -> Iterator[Tensor]:
    """The map shifted circularly by at least a quarter of both sides."""
    numbers = np.random.default_rng(seed)
    for _ in range(shifts):
        by = [int(numbers.integers(side // 4, side - side // 4, endpoint=True)) for side in ranking.shape]
        yield ranking.roll(by, (0, 1))


def _unexplained(error: float, change: float) -> float:
    """Fraction of the change of the score that a map does not explain."""
    return min(1.0, error / change) if change else nan


def _squares(numbers: np.random.Generator, images: Tensor) -> Tensor:
    """Mask of one square in each image, bool (N, 1, H, W), of random side and position."""
    height, width = images.shape[2:]
    sides = numbers.integers(1, max(1, min(height, width) // 3), len(images), endpoint=True)[:, None]
    tops, lefts = (numbers.integers(0, side - sides, endpoint=True) for side in (height, width))
    rows, columns = np.arange(height), np.arange(width)
    in_rows = ((rows >= tops) & (rows < tops + sides))[:, None, :, None]
    in_columns = ((columns >= lefts) & (columns < lefts + sides))[:, None, None, :]
    return torch.from_numpy(in_rows & in_columns).to(images.device)


def require_one(image: Tensor, values: Tensor | None = None) -> None:
    """Raise BadSettings unless this is one image, (1, C, H, W), and a map (H, W) of it."""
    if image.ndim != 4 or len(image) != 1:
        raise BadSettings(f"`image` has shape {tuple(image.shape)}; expected (1, C, H, W): one image at a time.")
    if values is not None and values.shape != image.shape[2:]:
        raise BadSettings(
            f"The map has shape {tuple(values.shape)}; expected {tuple(image.shape[2:])}, one value for each position "
            "of the image."
        )


def _require_samples(samples: int, fewest: int) -> None:
    if samples < fewest:
        raise BadSettings(f"`samples` (={samples}) is not at least {fewest}. Take more.")
