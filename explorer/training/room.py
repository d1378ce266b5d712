"""Disk space that a training needs, checked before it starts."""

import shutil
from collections.abc import Iterable

from explorer.errors import StorageError
from explorer.files import home
from explorer.models.config import NetworkConfig
from explorer.models.structure import layer_shapes
from explorer.runs.reserve import BYTES as RESERVE_BYTES
from explorer.training.recipe import Recipe

TENSOR_BYTES = 250  # overhead of a tensor in a snapshot
LAYER_TENSORS = (6, 3)  # of a layer with its batch norm: in the network, and in the optimiser with momentum
ROW_BYTES = 70  # of a step in metrics.db
CLEARLY = 0.8  # fraction of the needed space below which a training is refused


def room_needed(config: NetworkConfig, recipe: Recipe, step: int | None = None, *, snapshots: bool = True) -> int:
    """Bytes that a run will write, without its probes.

    Args:
        step: from which it resumes; None for a new run.
        snapshots: whether it keeps them, see `RunFacts`.
    """
    layers = list(layer_shapes(config))
    parameters = sum(each.own_parameters + each.norm_parameters for each in layers)
    statistics = sum(each.norm_parameters for each in layers)  # running statistics: as many as norm parameters
    copies, tensors = (2, sum(LAYER_TENSORS)) if recipe.momentum else (1, LAYER_TENSORS[0])
    state = 4 * (copies * parameters + statistics) + TENSOR_BYTES * tensors * len(layers)
    begun = -1 if step is None else step
    kept = sum(each > begun for each in kept_steps(recipe.steps)) if snapshots else 0
    snapshot = 2 * parameters + 4 * statistics + TENSOR_BYTES * LAYER_TENSORS[0] * len(layers)  # in half precision
    rows = ROW_BYTES * (recipe.steps - begun)
    return kept * snapshot + 2 * state + 4 * parameters + rows + RESERVE_BYTES  # the latest state and the one before


def require_room(action: str, runs: Iterable[tuple[NetworkConfig, Recipe, int | None, bool]]) -> None:
    """Raise StorageError if the disk clearly has too little space for what runs will write.

    Args:
        action: for the message, such as "Resuming".
        runs: arguments of `room_needed`.
    """
    needed = sum(room_needed(config, recipe, step, snapshots=kept) for config, recipe, step, kept in runs)
    free = shutil.disk_usage(home()).free
    if free < CLEARLY * needed:
        raise StorageError(
            f"{action} needs about {_megabytes(needed)} in {home()}; {_megabytes(free)} are free. Make room, for "
            "example by deleting experiments that you no longer need, then try again."
        )


def kept_steps(steps: int) -> list[int]:
    """The steps of a run's snapshots, ascending; those of `runs.snapshots.is_snapshot_step` between 0 and the last."""
    regular = (digit * 10**zeros for zeros in range(len(str(steps))) for digit in (1, 2, 5))
    return [step for step in regular if step < steps]


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"
