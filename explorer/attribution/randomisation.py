"""Does a map depend on what the network has learned? Its likeness as the weights are drawn anew, from the top down."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from explorer import tables
from explorer.attribution.agreement import Map, rank_correlation, ssim, top_overlap
from explorer.attribution.attribute import explained
from explorer.attribution.checks import require_one
from explorer.attribution.maps import position_maps
from explorer.errors import BadSettings
from explorer.models.layers import main_path
from explorer.models.network import initialise
from explorer.models.recording import working_copy
from explorer.progress import part
from explorer.results import Badge

OTHER_SEEDS = 1_000_000  # added to `seed`: weights drawn from the seed of a run would be those it started from
CALIBRATED_AT_ONCE = 250

# Mean rank correlation over the stages. Rank variance shared with networks that have unlearned the class: from here on
# at least half of it; below the second, less than a quarter. Between them one image says neither.
ALIKE = 0.5**0.5
UNLIKE = 0.5


def randomisation(
    network: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    parameters: Mapping[str, Any],
    calibration: Tensor,
    *,
    points: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """How much of a map is left when the network's layers are drawn anew, from the classifier down to the stem.

    Args:
        network: trained.
        image: (1, C, H, W), normalised for `network`.
        target: the class that is explained, the same at every stage.
        method, parameters: as of `attribute`.
        calibration: see `likeness`.
        points, seed: see `likeness`.

    Returns:
        See `likeness`.

    Raises:
        BadSettings: not one image, or what `attribute` and `likeness` refuse. UnknownName: no such method.

    Source: Adebayo et al. 2018 (arXiv 1810.03292), section 3, the cascading randomisation.
    """
    require_one(image)
    height, width = image.shape[2:]

    def position_map(stage: nn.Module) -> Map:
        found = explained(stage, image, target, method, **parameters)
        (one,) = position_maps(found.values, (height, width), summed=found.summed)
        values: Map = one.numpy(force=True).astype(np.float64)  # on the CPU: Apple GPUs have no float64
        return values

    return likeness(network, position_map, calibration, points=points, seed=seed)


def likeness(
    network: nn.Module,
    position_map: Callable[[nn.Module], Map],
    calibration: Tensor,
    *,
    points: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """What `position_map` gives of networks with more and more layers drawn anew, compared with what it gives first.

    A layer's norm is reset with it; the projection of a shortcut goes with the last layer of its block. After each
    stage the norms of the layers drawn anew get the mean and variance that `calibration` has there: with those of the
    trained network, or none, what comes out of a layer would be off by its scale, and every map would change for that
    reason alone. Norms below keep theirs, since what reaches them has not changed. Computed on a copy.

    Args:
        network: trained.
        position_map: gives (H, W) for a network; called once a stage.
        calibration: (N, C, H, W), images normalised for `network`, N at least 2; a hundred do.
        points: stages at most, 2 or more, evenly spread over the layers: the first is the classifier alone, the last
            all layers.
        seed: of the new weights.

    Returns:
        The columns of `tables.RANDOMISATION`; the first row is the network as it is. NaN where a map is constant.

    Raises:
        BadSettings: the network has no layers, or `points` or `calibration` are too few.
    """
    layers = main_path(network)
    if not layers:
        raise BadSettings(f"{type(network).__name__} has no convolution or linear layer to draw anew.")
    if points < 2:
        raise BadSettings(f"`points` (={points}) is not at least 2: the classifier alone, and all layers.")
    if calibration.ndim != 4 or len(calibration) < 2:
        raise BadSettings(f"`calibration` has shape {tuple(calibration.shape)}; expected (N, C, H, W), N at least 2.")
    depth = len(layers)
    counts = np.unique(np.linspace(1, depth, min(points, depth)).round().astype(int)).tolist()
    stages = _stages(working_copy(network), counts, calibration, seed)
    rows: list[tuple[Any, ...]] = []
    original: Map | None = None
    for number, (count, stage) in enumerate(stages):
        with part(number, len(counts) + 1):
            found = position_map(stage)
        original = found if original is None else original
        lowest = layers[depth - count] if count else None
        where = (lowest.number, lowest.name) if lowest else (0, "")
        rows.append((count, *where, count / depth, *_compared(original, found)))
    return pd.DataFrame(rows, columns=tables.RANDOMISATION)


def badge(table: pd.DataFrame) -> Badge:
    """What a table of `randomisation` says about the map, in a word, by its order of positions as drawn.

    "ignores_weights": it stays much the same, so it shows the image rather than what the network learned.
    "follows_weights": little of it is left. "cannot_tell": something between, or no order at most of the stages, since
    the maps are constant. The sizes alone are not judged: of methods that multiply by the input the image itself keeps
    them alike (Adebayo et al. 2018, section 5.1).
    """
    correlations = table.loc[table["randomised"] > 0, "rank_correlation"]
    if correlations.notna().mean() < 0.5:
        return "cannot_tell"
    mean = correlations.mean()
    if mean >= ALIKE:
        return "ignores_weights"
    return "follows_weights" if mean < UNLIKE else "cannot_tell"


def _compared(original: Map, found: Map) -> tuple[float, ...]:
    return (
        rank_correlation(original, found),
        rank_correlation(np.abs(original), np.abs(found)),
        ssim(original, found),
        top_overlap(original, found),
    )


def _stages(copy: nn.Module, counts: list[int], calibration: Tensor, seed: int) -> Iterator[tuple[int, nn.Module]]:
    """The copy as it is, then with its topmost layers drawn anew, as many as each of `counts` says."""
    yield 0, copy
    groups = _groups(copy, _drawn_anew(copy, OTHER_SEEDS + seed))
    done = 0
    for count in counts:
        for old, new in chain(*groups[len(groups) - count : len(groups) - done]):
            _replace(old, new)
        done = count
        topmost = [old for old, _ in chain(*groups[len(groups) - count :])]
        _calibrate([module for module in topmost if isinstance(module, nn.BatchNorm2d)], copy, calibration)
        yield count, copy


def _drawn_anew(network: nn.Module, seed: int) -> nn.Module:
    fresh = deepcopy(network).cpu()  # the same weights on any device
    initialise(fresh, seed)
    for module in fresh.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GroupNorm | nn.LayerNorm):
            module.reset_parameters()
    return fresh


def _groups(network: nn.Module, fresh: nn.Module) -> list[list[tuple[nn.Module, nn.Module]]]:
    """For each layer, its module and all that stand between it and the next one, each with its fresh twin.

    Those are its norm and, after the last layer of a block, the shortcut of the block.
    """
    begins = {layer.module for layer in main_path(network)}
    groups: list[list[tuple[nn.Module, nn.Module]]] = []
    for old, new in zip(network.modules(), fresh.modules(), strict=True):
        if old in begins:
            groups.append([])
        if groups:  # what stands before the stem prepares images and is not learned
            groups[-1].append((old, new))
    return groups


@torch.no_grad()
def _replace(old: nn.Module, new: nn.Module) -> None:
    """Give a module the parameters and buffers of another, not those of modules inside it."""
    pairs = zip(old.parameters(recurse=False), new.parameters(recurse=False), strict=True)
    buffers = zip(old.buffers(recurse=False), new.buffers(recurse=False), strict=True)
    for mine, other in chain(pairs, buffers):
        mine.copy_(other)


@torch.no_grad()
def _calibrate(norms: list[nn.BatchNorm2d], copy: nn.Module, calibration: Tensor) -> None:
    """Let the running statistics of some norms be those of the calibration images."""
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    for images in calibration.chunk(ceil(len(calibration) / CALIBRATED_AT_ONCE)):
        copy(images)
    copy.eval()
