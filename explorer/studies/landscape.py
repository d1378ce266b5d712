"""Loss landscapes of networks by reference, on training images; points once computed are kept for finer grids."""

from collections.abc import Hashable, Sequence
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from explorer import progress, tables
from explorer.analysis import landscape as analysis
from explorer.block_results import Trajectory
from explorer.cache import ByteCache
from explorer.data.catalogue import MOST_IMAGES
from explorer.errors import BadSettings, RunError
from explorer.models.network import Network
from explorer.runs.checkpoint_facts import moments, run_and_step
from explorer.runs.store import read_run
from explorer.settings import require_between
from explorer.studies.layers import chosen_images
from explorer.studies.references import ResolvedNetwork, resolved

IMAGES = 500
MOST_POINTS = 201  # a side
SPAN = 1.0  # to either side of the network, in the unit of its filters' norms
MARGIN = 0.2  # around a trajectory, as a part of its extent
MOST_KEPT = 2**24  # bytes
POINT_BYTES = 300  # of a kept point, with its key

Point = tuple[Fraction, Fraction]  # as fractions of the span, from -1 to 1
Losses = dict[Point, tuple[float, float]]  # loss and error

_kept: ByteCache[Losses] = ByteCache(MOST_KEPT)


def landscape(
    references: Sequence[str],
    *,
    data: str = "",
    images: int = IMAGES,
    points: int = progress.GRIDS[-1],
    span: float = SPAN,
    dimensions: int = 2,
    seed: int = 0,
    parameters: Sequence[str] = (),
) -> pd.DataFrame:
    """The loss around networks, along random directions with the filters' own norms, or of single parameters.

    See `analysis.landscape` for what moves and what does not. Networks with layers of the same names, such as a plain
    network and its residual twin, move along the same directions apart from the norms. For first results soon, ask for
    the grids of `progress.GRIDS` one after the other (`LINES` in one dimension): only new points are computed, also
    after a cancelled call.

    Args:
        references: of networks.
        data: name of the data set; empty takes the one that each network was trained on.
        images: number of training images, balanced over classes, always the same ones; test images of a folder without
            training images.
        points: a side, an odd number from 3.
        span: to either side of the network; at 1 each filter is moved by a random one of its own norm.
        dimensions: 1 for a line, 2 for a plane.
        seed: of the directions.
        parameters: one for each dimension that alone moves along it, see `analysis.landscape.random_direction`; empty
            moves all weights.

    Returns:
        The columns of `tables.MEASURED_KEYS` and `tables.LANDSCAPE`, one row per point, row by row; b is 0 on a line.

    Raises:
        UnknownName, RunError, StorageError: a network or parameter cannot be found or read.
        BadSettings: it does not take these images, or a number is out of range.
        DataMissing: the data set is not on this machine.
    """
    _require(points, images, dimensions, parameters)
    require_between("span", span, 1e-6, 1e6)
    names = [*parameters, "", ""][:2]
    found = []
    for number, each in enumerate(resolved(references, data=data)):
        with progress.part(number, len(references)):
            inputs = _inputs(each, images)
            directions = [
                analysis.random_direction(each.network, seed=seed, axis=axis, parameter=name)
                for axis, name in enumerate(names[:dimensions])
            ]
            key = each.identity, images, span, seed, *names
            losses = _losses(key, each.network, directions, _grid(points, dimensions), (span, span), (0, 0), inputs)
        table = _surface(losses, points, dimensions, (span, span), (0, 0))
        for place, (column, value) in enumerate(zip(tables.MEASURED_KEYS, each.keys, strict=True)):
            table.insert(place, column, value)
        found.append(table)
    return pd.concat(found, ignore_index=True)


def trajectory(run: str, *, data: str = "", images: int = IMAGES, points: int = progress.GRIDS[-1]) -> Trajectory:
    """The way of a training through the plane in which its weights differ most, and the loss on that plane.

    Args:
        run: id of a run with the weights of three moments or more; those of snapshots are in half precision.
        data, images, points: as for `landscape`.

    Raises:
        RunError: there is no such run, or it has the weights of fewer moments.
        Others as for `landscape`.
    """
    _require(points, images, 2, ())
    run, _ = run_and_step(run)
    steps = moments(read_run(run))
    if len(steps) < 3:
        there = f"those of step {', '.join(map(str, steps))}" if steps else "none"
        raise RunError(
            f"{run} has the weights of {len(steps)} moments ({there}); a plane needs 3. Train with snapshots, which "
            "the first seed of an experiment keeps."
        )
    networks = list(resolved([f"{run}@{step}" for step in steps], data=data))
    plane = analysis.plane_of([analysis.moving_weights(each.network) for each in networks])
    inputs = _inputs(networks[-1], images)
    rows = []
    for number, each in enumerate(networks):
        with progress.part(number, 2 * len(networks)):
            key = each.identity, images
            ((loss, error),) = _losses(key, each.network, (), [_HERE], (1, 1), (0, 0), inputs).values()
        a, b = plane.places[number]
        away = float(np.hypot(np.hypot(a, b), plane.outside[number]))
        rows.append((each.step, a, b, plane.outside[number] / away if away else 0.0, loss, error))
    low, high = plane.places.min(0), plane.places.max(0)
    spans, middle = (high - low) / 2 * (1 + 2 * MARGIN), (high + low) / 2
    spans = np.maximum(spans, 1e-3 * spans.max())
    with progress.part(1, 2):
        last = networks[-1]
        keys = tuple(each.identity for each in networks), images
        losses = _losses(keys, last.network, plane.directions, _grid(points, 2), spans, middle, inputs)
    config = last.network.config
    return Trajectory(
        reference=run,
        network=config.name,
        kind=config.kind,
        depth=config.depth,
        explained=plane.explained,
        moments=pd.DataFrame(rows, columns=tables.TRAJECTORY),
        surface=_surface(losses, points, 2, spans, middle),
    )


_HERE: Point = (Fraction(0), Fraction(0))


def _require(points: int, images: int, dimensions: int, parameters: Sequence[str]) -> None:
    require_between("points", points, 3, MOST_POINTS)
    require_between("images", images, 2, MOST_IMAGES)
    if points % 2 == 0:
        raise BadSettings(f"`points` (={points}) is even, so none would be at the network itself. Take {points + 1}.")
    if dimensions not in (1, 2):
        raise BadSettings(f"`dimensions` (={dimensions}) is not 1, for a line, or 2, for a plane.")
    if len(parameters) not in (0, dimensions):
        raise BadSettings(
            f"`parameters` names {len(parameters)}, for {dimensions} dimensions. Name one for each, or none to move "
            "all weights."
        )


def _inputs(net: ResolvedNetwork, images: int) -> tuple[Tensor, Tensor]:
    """The images and their labels."""
    return chosen_images(net.data, net.image_size, net.normalisation, images, "train")


def _ticks(points: int) -> list[Fraction]:
    return [Fraction(2 * place, points - 1) - 1 for place in range(points)]


def _grid(points: int, dimensions: int) -> list[Point]:
    """Points row by row, b upwards."""
    ticks = _ticks(points)
    return [(a, b) for b, a in product(ticks if dimensions == 2 else [Fraction(0)], ticks)]


def _losses(
    key: Hashable,
    network: Network,
    directions: Sequence[analysis.Weights],
    grid: Sequence[Point],
    spans: Sequence[float] | NDArray[np.float64],
    middle: Sequence[float] | NDArray[np.float64],
    inputs: tuple[Tensor, Tensor],
) -> Losses:
    """Loss and error at each point of a grid; those of earlier calls are kept."""
    known = _kept.get(key) or {}
    missing = [point for point in grid if point not in known]
    places = [[float(middle[axis] + float(at) * spans[axis]) for axis, at in enumerate(point)] for point in missing]
    places = [place[: len(directions)] for place in places]
    try:
        for point, found in zip(missing, analysis.losses(network, directions, places, *inputs), strict=True):
            known[point] = found
    finally:
        _kept.keep(key, known, POINT_BYTES * len(known))
    return {point: known[point] for point in grid}


def _surface(
    losses: Losses,
    points: int,
    dimensions: int,
    spans: Sequence[float] | NDArray[np.float64],
    middle: Sequence[float] | NDArray[np.float64],
) -> pd.DataFrame:
    rows = [
        (float(middle[0] + float(a) * spans[0]), float(middle[1] + float(b) * spans[1]), *losses[a, b])
        for a, b in _grid(points, dimensions)
    ]
    return pd.DataFrame(rows, columns=tables.LANDSCAPE)
