"""Scores of operated versions of a network, computed together: each from the first block on that differs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.fused import fused, fused_part
from explorer.models.network import Network
from explorer.models.operated import BlockMaker, Snapshots, require_ours, without_hooks
from explorer.models.operations import Arrangement, OperatedBlock, intact
from explorer.models.threads import several_at_once


def operated_scores(
    network: Network,
    parts: Iterable[Tensor],
    arrangements: Sequence[Arrangement],
    *,
    snapshots: Snapshots | None = None,
) -> Iterator[Tensor]:
    """Scores before softmax of operated versions of a network, in evaluation mode; the network is not changed.

    What the versions have in common with the network is computed once: with each of n blocks deleted in turn, half of
    the blocks. Batch norm is folded into convolutions.

    Args:
        network: one of `explorer.models`.
        parts: images, normalised, on the network's device; a part should be small, since on a CPU each thread
            computes one of its own.
        arrangements: the versions, see `models.operations.arrangement`.
        snapshots: see `models.operated.operated`.

    Yields:
        (versions, N, classes) for each part, on the CPU.

    Raises:
        BadSettings: see `models.operated.operated`.
    """
    require_ours(network)
    versions = _Versions(without_hooks(network).eval(), arrangements, snapshots)
    on_cpu = next(network.parameters()).device.type == "cpu"
    yield from several_at_once(versions.scores, parts) if on_cpu else map(versions.scores, parts)


class _Versions:
    """Versions of a network, in the order in which they begin to differ from it."""

    def __init__(self, network: Network, arrangements: Sequence[Arrangement], snapshots: Snapshots | None) -> None:
        self._usual = intact(network.config)
        make = BlockMaker(network, snapshots)
        needed = {there: None for arrangement in (self._usual, *arrangements) for there in arrangement}
        self._blocks: dict[OperatedBlock, nn.Module] = {there: fused_part(make(there)) for there in needed}
        self._network: Any = fused(network)
        starts = [_first_difference(each, self._usual) for each in arrangements]
        self._versions = [(starts[number], number, arrangements[number]) for number in range(len(arrangements))]
        self._versions.sort(key=lambda version: version[0])

    @torch.inference_mode()
    def scores(self, images: Tensor) -> Tensor:
        """(versions, N, classes), on the CPU."""
        features = self._network.stem(images)
        found: dict[int, Tensor] = {}
        done = 0
        for start, number, arrangement in self._versions:
            while done < start:
                features = self._blocks[self._usual[done]](features)
                done += 1
            own = features.clone()  # a fused block may overwrite its input
            for there in arrangement[start:]:
                own = self._blocks[there](own)
            found[number] = self._ended(own)
        return torch.stack([found[number] for number in range(len(found))]).float().cpu()

    def _ended(self, features: Tensor) -> Tensor:
        network = self._network
        scores: Tensor = network.scores(features if network.end is None else network.end(features))
        return scores


def _first_difference(arrangement: Arrangement, usual: Arrangement) -> int:
    pairs = zip(arrangement, usual, strict=True)
    return next((place for place, (there, own) in enumerate(pairs) if there != own), len(usual))
