"""Loss landscapes: the loss on lines and planes through the weights of a network.

As in Li et al. 2018 (arXiv 1712.09913) and their code (github tomgoldstein/loss-landscape, option `ignore=biasbn`), the
weights of convolutions and of the classifier move; biases, norms and single scalars do not. Batch norm is in evaluation
mode, with the running statistics of the network at the origin, which are not measured anew at other points.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from explorer import progress
from explorer.analysis.images import require_images
from explorer.errors import BadSettings, quoted
from explorer.models.fused import fused
from explorer.models.layers import network_name
from explorer.models.recording import working_copy
from explorer.models.threads import LEAST_IMAGES, PIXELS, several_at_once
from explorer.registry import lookup

Weights = dict[str, Tensor]  # by the name of the parameter; a direction has the same names and shapes

_VALUE = re.compile(r"(?P<name>[^\[\]]+?)(?:\[(?P<place>\d{1,9}(?:,\d{1,9})*)\])?")


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The plane through the last of several weights of a network in which they differ most.

    Attributes:
        directions: two orthogonal directions of norm 1.
        places: (N, 2), coordinates of each weights in the plane; the last are at the origin.
        outside: (N,), distance of each from the plane.
        explained: the fractions of the variance along each direction.
    """

    directions: tuple[Weights, Weights]
    places: NDArray[np.float64]
    outside: NDArray[np.float64]
    explained: tuple[float, float]


def moving_weights(network: nn.Module) -> Weights:
    """The weights that move: those of convolutions and linear layers."""
    return {name: value.detach() for name, value in network.named_parameters() if value.ndim > 1}


def random_direction(network: nn.Module, *, seed: int = 0, axis: int = 0, parameter: str = "") -> Weights:
    """A random direction with the filters' own norms: Gaussian, each filter scaled to the norm of the network's.

    A filter is one output channel of a convolution, or one row of the classifier. The numbers depend only on seed, axis
    and a layer's name, so a plain network and its residual twin get the same before scaling.

    Args:
        axis: 0 or 1; another direction for each.
        parameter: the only one that moves: its name, such as "stages.0.0.conv1.weight", or one of its values, such as
            "stages.0.0.conv1.weight[3,0,1,1]", which then moves by the norm of its filter. Of a norm or bias each value
            is a filter of its own. Empty moves all weights.

    Raises:
        UnknownName, BadSettings: there is no such parameter or value.

    Source: Li et al. 2018, section 4.
    """
    if parameter:
        name, value, place = _parameter(network, parameter)
        if place is not None:
            return {name: _one_value(value, place)}
        chosen = {name: value}
    else:
        chosen = moving_weights(network)
        if not chosen:
            raise BadSettings(f"{network_name(network)} has no convolution or linear layer whose weights could move.")
    found = {}
    for name, value in chosen.items():
        stream = torch.Generator().manual_seed(crc32(f"{seed} {axis} {name}".encode()))
        drawn = torch.randn(value.shape, generator=stream).to(value)
        found[name] = drawn * _filter_norms(value) / _filter_norms(drawn)
    return found


def _filter_norms(value: Tensor) -> Tensor:
    """Euclidean norm of each filter, shaped to be multiplied with it."""
    inside = tuple(range(1, value.ndim))
    return torch.linalg.vector_norm(value, dim=inside, keepdim=True) if inside else value.abs()


def _one_value(value: Tensor, place: tuple[int, ...]) -> Tensor:
    found = torch.zeros_like(value)
    norm = float(_filter_norms(value)[place[0] if place else ...].reshape(()))
    found[place] = norm or 1.0  # else a bias that is zero would not move
    return found


def _parameter(network: nn.Module, text: str) -> tuple[str, Tensor, tuple[int, ...] | None]:
    """Name, value and place of what moves alone."""
    named = {name: value.detach() for name, value in network.named_parameters()}
    match = _VALUE.fullmatch(text.replace(" ", ""))
    name = match["name"] if match else text
    value = lookup(named, name, f"parameter of {network_name(network)}")
    if match is None or match["place"] is None:
        return name, value, None
    place = tuple(map(int, match["place"].split(",")))
    if len(place) != value.ndim or any(at >= size for at, size in zip(place, value.shape, strict=True)):
        last = ",".join(str(size - 1) for size in value.shape)
        raise BadSettings(
            f"{quoted(text)} is not a value of {name}, which has the shape {tuple(value.shape)}: the last is "
            f"{name}[{last}]."
        )
    return name, value, place


def plane_of(weights: Sequence[Mapping[str, Tensor]]) -> Plane:
    """The plane through the last of several weights, along the two principal directions of their differences from it.

    The principal components are those of the centred differences, as in Li et al. 2018, section 7; the plane passes
    through the last weights, not through the mean. A random walk in many dimensions also has most of its variance in
    two directions (Antognini and Sohl-Dickstein 2018, arXiv 1806.08805), so a large fraction alone says little.

    Args:
        weights: of one network at three moments or more; `moving_weights` of each.

    Raises:
        BadSettings: there are fewer, or all are equal.
    """
    if len(weights) < 3:
        raise BadSettings(f"A plane needs the weights of 3 moments or more; there are {len(weights)}.")
    products: Tensor = sum((_products([each[name] for each in weights]) for name in weights[-1]), torch.zeros(()))
    gram = products.numpy()  # of the differences
    centred = gram - gram.mean(0) - gram.mean(1)[:, None] + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    (first, second), mixes = np.maximum(values[:-3:-1], 0), vectors[:, :-3:-1]
    whole = float(np.maximum(values, 0).sum())
    if not whole > 0:
        raise BadSettings("The weights of all moments are equal, so they lie in no plane. Take others.")
    scaled = mixes / np.sqrt([first, max(second, 1e-12 * first)])
    directions = tuple(_mixed(weights, scaled[:, axis]) for axis in range(2))
    places = gram @ scaled
    outside = np.sqrt(np.maximum(0, np.diag(gram) - np.square(places).sum(1)))
    return Plane((directions[0], directions[1]), places, outside, (float(first / whole), float(second / whole)))


def _products(values: Sequence[Tensor]) -> Tensor:
    """Scalar products of the differences from the last value, in double precision."""
    rows = torch.stack([(each - values[-1]).flatten().cpu() for each in values]).double()
    return rows @ rows.T


def _mixed(weights: Sequence[Mapping[str, Tensor]], parts: NDArray[np.float64]) -> Weights:
    """Weighted sum of differences from the last weights."""
    last = weights[-1]
    return {
        name: sum(
            (float(part) * (each[name] - last[name]) for each, part in zip(weights, parts, strict=True)),
            torch.zeros_like(last[name]),
        )
        for name in last
    }


def losses(
    network: nn.Module,
    directions: Sequence[Mapping[str, Tensor]],
    places: Iterable[Sequence[float]],
    images: Tensor,
    labels: Tensor,
) -> Iterator[tuple[float, float]]:
    """Loss and error at points of a line or plane: the network's weights plus the directions times the coordinates.

    Computed on a copy with batch norm folded into the convolutions, see `models.fused`; progress is not reported for
    whole points alone, but for each part of the images.

    Args:
        network: at the origin.
        places: coordinates, as many for each point as there are directions.
        images: (N, C, H, W), normalised for `network`, on its device; labels: (N,).

    Yields:
        For each point in order: mean cross-entropy in nats, which may be infinite or NaN, and the fraction wrong.

    Raises:
        BadSettings: `images` or `labels` do not fit.
    """
    require_images(network, images, labels)
    places = [tuple(place) for place in places]
    size = max(LEAST_IMAGES, PIXELS // prod(images.shape[2:]))
    parts = list(zip(images.split(size), labels.split(size), strict=True))  # type: ignore[no-untyped-call]
    copy = working_copy(network)
    origin = {name: value.detach().clone() for name, value in copy.named_parameters()}

    def passes() -> Iterator[tuple[nn.Module, Tensor, Tensor]]:
        for place in places:
            moved = _moved(copy, origin, directions, place)
            for part, classes in parts:
                yield moved, part, classes

    several = images.device.type == "cpu"
    found = several_at_once(_sums, passes()) if several else map(_sums, passes())
    total, wrong = 0.0, 0
    for number, (loss, mistakes) in enumerate(found, start=1):
        total, wrong = total + loss, wrong + mistakes
        progress.report(number / (len(places) * len(parts)))
        if number % len(parts) == 0:
            yield total / len(images), wrong / len(images)
            total, wrong = 0.0, 0


@torch.no_grad()
def _moved(
    copy: nn.Module, origin: Weights, directions: Sequence[Mapping[str, Tensor]], place: Sequence[float]
) -> nn.Module:
    """A fused copy of the network at a point."""
    for name, value in copy.named_parameters():
        there = origin[name]
        for direction, part in zip(directions, place, strict=True):
            if part and name in direction:
                there = there + part * direction[name]
        value.copy_(there)
    moved = fused(copy)
    return working_copy(copy) if moved is copy else moved


@torch.inference_mode()
def _sums(one: tuple[nn.Module, Tensor, Tensor]) -> tuple[float, int]:
    """Sum of the cross-entropy, and the number of mistakes."""
    network, images, labels = one
    scores = network(images).float()
    return float(functional.cross_entropy(scores, labels, reduction="sum")), int((scores.argmax(1) != labels).sum())
