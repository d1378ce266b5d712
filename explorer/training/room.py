"""Room on the disk: what a training will still write, told before it starts."""

import shutil
from collections.abc import Iterable

from explorer.errors import StorageError
from explorer.files import home
from explorer.models.config import NetworkConfig
from explorer.models.structure import layer_shapes
from explorer.runs.reserve import BYTES as RESERVE_BYTES
from explorer.training.recipe import Recipe

TENSOR_BYTES = 250  # that a tensor takes in a snapshot beside its values
LAYER_TENSORS = (6, 3)  # of a layer with its batch norm: in the network, and in the optimiser with momentum
ROW_BYTES = 70  # of a step in metrics.db
CLEARLY = 0.8  # of what is needed: with less, a training does not even begin


def room_needed(config: NetworkConfig, recipe: Recipe, step: int | None = None) -> int:
    """Bytes that a run will still write, without its layers and blocks at some steps.

    Args:
        step: that it goes on from; None for one that begins.
    """
    layers = list(layer_shapes(config))
    parameters = sum(each.own_parameters + each.norm_parameters for each in layers)
    statistics = sum(each.norm_parameters for each in layers)  # as many as batch norms have parameters
    copies, tensors = (2, sum(LAYER_TENSORS)) if recipe.momentum else (1, LAYER_TENSORS[0])
    state = 4 * (copies * parameters + statistics) + TENSOR_BYTES * tensors * len(layers)
    begun = -1 if step is None else step
    snapshots = sum(each > begun for each in kept_steps(recipe.steps))
    rows = ROW_BYTES * (recipe.steps - begun)
    return (snapshots + 1) * state + 4 * parameters + rows + RESERVE_BYTES  # one more: the latest state, or its next


def require_room(action: str, runs: Iterable[tuple[NetworkConfig, Recipe, int | None]]) -> None:
    """Raise StorageError where what some runs will still write clearly has no room in the folder of runs.

    Args:
        action: that needs it, such as "Resuming".
        runs: as for `room_needed`.
    """
    needed = sum(room_needed(*each) for each in runs)
    free = shutil.disk_usage(home()).free
    if free < CLEARLY * needed:
        raise StorageError(
            f"{action} needs about {_megabytes(needed)} in {home()}; {_megabytes(free)} are free. Make room, for "
            "example by deleting experiments that you no longer need, then try again."
        )


def kept_steps(steps: int) -> list[int]:
    """The steps of a run at which its weights are kept, ascending; those of `runs.snapshots.is_snapshot_step`."""
    kept = {0, steps}
    power = 1
    while power <= steps:
        kept |= {step for step in (power, 2 * power, 5 * power) if step <= steps}
        power *= 10
    return sorted(kept)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"
