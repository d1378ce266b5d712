"""Lanes: the worker processes that train the runs of an experiment at the same time, chosen without importing torch.

Small networks do not keep several cores busy, several networks do. Each lane trains its share of the runs in lockstep;
lanes wait for each other, see `training.lockstep`. Within a lane the number of threads never changes, since with
another one the results differ in their last bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from explorer.machine import available_memory, core_count, has_gpu
from explorer.models.config import NetworkConfig
from explorer.models.size import multiply_adds
from explorer.models.structure import layer_shapes
from explorer.training.memory import SHARE, training_bytes
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

THREADS_GAIN = 0.5  # speed by threads is about threads ** THREADS_GAIN: measured 1.2 to 1.5 times with two
LAYER_MULTIPLY_ADDS = 19e6  # that take as long as what a layer costs whatever its size: 0.8 ms a step
PROCESS_BYTES = 500 * 10**6  # PyTorch and its working memory


@dataclass(frozen=True, slots=True)
class Work:
    """What is left of a run: its network, its recipe, the side of its images in pixels, and the step it has reached."""

    config: NetworkConfig
    recipe: Recipe
    size: int
    step: int = 0

    @property
    def cost(self) -> float:
        """In multiply-adds that take as long."""
        layers = sum(1 for _ in layer_shapes(self.config))
        images = multiply_adds(self.config, self.size) * self.recipe.batch_size
        return (images + LAYER_MULTIPLY_ADDS * layers) * max(1, self.recipe.steps - self.step)

    @property
    def step_bytes(self) -> int:
        """Memory of a training step."""
        return training_bytes(self.config, batch_size=self.recipe.batch_size, image_size=self.size)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How an experiment is spread over processes.

    Attributes:
        threads: of each lane.
        shares: the numbers of the runs of each lane, ascending.
    """

    threads: int
    shares: tuple[tuple[int, ...], ...]

    def last(self, costs: Sequence[float]) -> float:
        """The time of the lane that ends last, given the costs of the runs in one thread."""
        slowest = max(sum(costs[run] for run in share) for share in self.shares)
        return slowest / float(self.threads**THREADS_GAIN)


def choose(costs: Sequence[float], *, cores: int, lanes: int = 0, threads: int = 0, most: int | None = None) -> Lanes:
    """Spread runs over lanes so that the last one ends early.

    Args:
        costs: of the runs, in any unit.
        cores: that may be used.
        lanes: how many; 0 takes what ends first, and of equals the fewest.
        threads: of each lane; 0 gives every core to one.
        most: lanes at most, such as fit into the memory.
    """
    limit = min(len(costs), cores // (threads or 1), len(costs) if most is None else most)
    counts = [min(lanes, len(costs))] if lanes else range(1, max(1, limit) + 1)
    found = [Lanes(threads or max(1, cores // count), _shares(costs, count)) for count in counts]
    return min(found, key=lambda each: (each.last(costs), len(each.shares)))


def lanes_for(runs: Sequence[Work], *, lanes: int = 0, threads: int = 0, in_use: int = 0) -> Lanes:
    """The lanes on this machine for runs.

    Args:
        lanes, threads: as for `choose`.
        in_use: cores that are taken already.
    """
    costs = [run.cost for run in runs]
    if has_gpu():
        return choose(costs, cores=1, lanes=lanes or 1, threads=1)
    each = PROCESS_BYTES + max(run.step_bytes for run in runs)
    most = int(SHARE * available_memory() / each)
    return choose(costs, cores=max(1, core_count() - in_use), lanes=lanes, threads=threads, most=most)


def lanes_of_plan(plan: Plan, lanes: int = 0) -> Lanes:
    """The lanes on this machine for a new experiment."""
    size = plan.dataset.side(plan.recipe.image_size)
    return lanes_for(
        [Work(config, plan.recipe, size) for _ in plan.seeds for config in plan.network_configs()], lanes=lanes
    )


def _shares(costs: Sequence[float], count: int) -> tuple[tuple[int, ...], ...]:
    """The most expensive run first, each to the lane with the least so far."""
    shares: list[list[int]] = [[] for _ in range(count)]
    loads = [(0.0, lane) for lane in range(count)]
    heapify(loads)
    for run in sorted(range(len(costs)), key=lambda each: -costs[each]):
        load, lane = loads[0]
        heapreplace(loads, (load + costs[run], lane))
        shares[lane].append(run)
    return tuple(sorted(tuple(sorted(share)) for share in shares))
