"""Cascading randomisation: how similar a map stays as layers are randomised from the top down."""

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
from explorer.map_results import Badge
from explorer.models.layers import main_path
from explorer.models.network import initialise
from explorer.models.recording import working_copy
from explorer.progress import part

OTHER_SEEDS = 1_000_000  # added to `seed`: the seed of a run would give its initial weights
CALIBRATION_BATCH = 250

# Bounds of the mean rank correlation over the stages: from `SIMILAR` on, at least half of the rank variance is shared
# with networks whose layers are randomised; below `DISSIMILAR`, less than a quarter. In between it cannot be told.
SIMILAR = 0.5**0.5
DISSIMILAR = 0.5


def randomisation(
    network: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    parameters: Mapping[str, Any],
    calibration: Tensor,
    *,
    points: int = 10,
) -> pd.DataFrame:
    """Similarity of a map to those of networks with more and more layers randomised, from the classifier down.

    Args:
        network: trained.
        image: (1, C, H, W), normalised for `network`.
        target: the class explained, the same at every stage.
        method, parameters: see `attribute`.
        calibration, points: see `map_similarity`.

    Returns:
        See `map_similarity`.

    Raises:
        UnknownName: no such method.
        BadSettings: not one image; and what `attribute` and `map_similarity` raise.

    Source: Adebayo et al. 2018 (arXiv 1810.03292), section 3, cascading randomisation.
    """
    require_one(image)
    height, width = image.shape[2:]

    def position_map(stage: nn.Module) -> Map:
        found = explained(stage, image, target, method, **parameters)
        (one,) = position_maps(found.values, (height, width), summed=found.summed)
        values: Map = one.numpy(force=True).astype(np.float64)  # on the CPU: Apple GPUs have no float64
        return values

    return map_similarity(network, position_map, calibration, points=points)


def map_similarity(
    network: nn.Module,
    position_map: Callable[[nn.Module], Map],
    calibration: Tensor,
    *,
    points: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """Similarity of the map of a network to its maps with more and more layers randomised.

    A layer's norm is reset with it; the projection of a shortcut is randomised with the last layer of its block. After
    each stage the norms of the randomised layers get the mean and variance of `calibration`: otherwise their outputs
    would have the wrong scale, and every map would change for that reason alone. Norms below keep their statistics,
    since their inputs have not changed. Computed on a copy.

    Args:
        network: trained.
        position_map: returns the map (H, W) of a network; called once per stage.
        calibration: (N, C, H, W), images normalised for `network`, N at least 2; 100 are enough.
        points: maximum number of stages, 2 or more, evenly spread over the layers: the first randomises the classifier
            alone, the last all layers.
        seed: of the random weights.

    Returns:
        The columns of `tables.RANDOMISATION`; the first row is the unchanged network. NaN where a map is constant.

    Raises:
        BadSettings: the network has no layers, or `points` or `calibration` is too small.
    """
    layers = main_path(network)
    if not layers:
        raise BadSettings(f"{type(network).__name__} has no convolution or linear layer to randomise.")
    if points < 2:
        raise BadSettings(f"`points` (={points}) is not at least 2: the classifier alone, and all layers. Take 10.")
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
    """Verdict on a table of `randomisation`, from the mean rank correlation of the signed maps.

    "ignores_weights": the map hardly changes, so it shows the image rather than what the network learned.
    "follows_weights": little of the map is left. "cannot_tell": in between, or most maps are constant and have no
    order. Absolute values are not used: with methods that multiply by the input, the image itself keeps them similar
    (Adebayo et al. 2018, section 5.1).
    """
    correlations = table.loc[table["randomised"] > 0, "rank_correlation"]
    if correlations.notna().mean() < 0.5:
        return "cannot_tell"
    mean = correlations.mean()
    if mean >= SIMILAR:
        return "ignores_weights"
    return "follows_weights" if mean < DISSIMILAR else "cannot_tell"


def _compared(original: Map, found: Map) -> tuple[float, ...]:
    return (
        rank_correlation(original, found),
        rank_correlation(np.abs(original), np.abs(found)),
        ssim(original, found),
        top_overlap(original, found),
    )


def _stages(copy: nn.Module, counts: list[int], calibration: Tensor, seed: int) -> Iterator[tuple[int, nn.Module]]:
    """The unchanged copy, then the copy with as many of its topmost layers randomised as `counts` says."""
    yield 0, copy
    groups = _groups(copy, _randomised(copy, OTHER_SEEDS + seed))
    done = 0
    for count in counts:
        for old, new in chain(*groups[len(groups) - count : len(groups) - done]):
            _replace(old, new)
        done = count
        topmost = [old for old, _ in chain(*groups[len(groups) - count :])]
        _calibrate([module for module in topmost if isinstance(module, nn.BatchNorm2d)], copy, calibration)
        yield count, copy


def _randomised(network: nn.Module, seed: int) -> nn.Module:
    fresh = deepcopy(network).cpu()  # the same weights on any device
    initialise(fresh, seed)
    for module in fresh.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GroupNorm | nn.LayerNorm):
            module.reset_parameters()
    return fresh


def _groups(network: nn.Module, fresh: nn.Module) -> list[list[tuple[nn.Module, nn.Module]]]:
    """For each layer, pairs of old and new modules: its own, its norm and, after the last of a block, the shortcut."""
    starts = {layer.module for layer in main_path(network)}
    groups: list[list[tuple[nn.Module, nn.Module]]] = []
    for old, new in zip(network.modules(), fresh.modules(), strict=True):
        if old in starts:
            groups.append([])
        if groups:  # modules before the stem prepare images and are not learned
            groups[-1].append((old, new))
    return groups


@torch.no_grad()
def _replace(old: nn.Module, new: nn.Module) -> None:
    """Copy parameters and buffers of `new` into `old`, not those of submodules."""
    pairs = zip(old.parameters(recurse=False), new.parameters(recurse=False), strict=True)
    buffers = zip(old.buffers(recurse=False), new.buffers(recurse=False), strict=True)
    for target, source in chain(pairs, buffers):
        target.copy_(source)


@torch.no_grad()
def _calibrate(norms: list[nn.BatchNorm2d], copy: nn.Module, calibration: Tensor) -> None:
    """Set the running statistics of norms to those of the calibration images."""
    if not norms:
        return
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    for images in calibration.chunk(ceil(len(calibration) / CALIBRATION_BATCH)):
        copy(images)
    copy.eval()
