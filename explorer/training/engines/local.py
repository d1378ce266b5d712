"""Training on this machine, in as many lanes as it has cores and memory for."""

from collections.abc import Sequence

from explorer.data.catalogue import dataset
from explorer.errors import BadSettings, StorageError, UnknownName
from explorer.runs.facts import MOST_THREADS, Lane, RunFacts
from explorer.runs.store import Run
from explorer.training.lanes import Work, lanes_for
from explorer.training.recipe import Recipe
from explorer.training.starting import begin


def begin_lanes(experiment_id: str, runs: Sequence[Run], training: Sequence[Run]) -> None:
    """Start the workers of the queued `runs` of an experiment.

    Args:
        training: its other runs that are being trained, whose workers go on.

    Raises:
        StorageError: no worker could be started; then all runs are queued as before.
    """
    taken = {run.facts.lane for run in training if run.facts and run.facts.lane}
    facts = [run.facts for run in runs if run.facts]
    chosen = lanes_for(
        [_work(run.facts, run.progress.step) for run in runs if run.facts],
        lanes=facts[0].where.lanes,
        threads=max(map(_threads_so_far, facts)),  # so that they end with the same bits
        in_use=sum(lane.threads for lane in taken),
    )
    first = max((lane.number for lane in taken), default=-1) + 1
    trouble: list[StorageError] = []
    for number, share in enumerate(chosen.shares, first):
        lane = Lane(number=number, of=first + len(chosen.shares), threads=chosen.threads)
        try:
            begin("worker", [runs[place].id for place in share], experiment_id, str(number), lane=lane)
        except StorageError as error:  # its runs stay queued, the others train
            trouble.append(error)
    if len(trouble) == len(chosen.shares):
        raise trouble[0]


def _work(facts: RunFacts, step: int) -> Work:
    try:
        recipe = Recipe(**facts.recipe)
        return Work(facts.network, recipe, dataset(facts.data).side(recipe.image_size), step)
    except (BadSettings, UnknownName):  # its worker will say what is wrong
        return Work(facts.network, Recipe(), facts.network.image_size)


def _threads_so_far(facts: RunFacts) -> int:
    """The threads that a run has been trained with, in earlier versions by its environment alone; 0 for a new one."""
    threads = facts.lane.threads if facts.lane else facts.environment.get("threads")
    return threads if type(threads) is int and 0 < threads <= MOST_THREADS else 0
