"""The places where experiments can train. A new one is a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.registry import lookup
from explorer.runs.facts import Where
from explorer.runs.store import Run
from explorer.training.engines import local, ray, slurm
from explorer.training.engines.cluster import Cluster
from explorer.training.starting import begin


@dataclass(frozen=True, slots=True)
class Engine:
    """A place where experiments can train.

    Attributes:
        title: in menus.
        begin: starts the processes that train the queued runs (second) of an experiment (first), beside those of its
            runs that are being trained already (third), and returns at once.
        here: whether it uses the cores of this machine, which train one experiment at a time.
        require: raises ExplorerError if nothing can be trained there as asked.
        connect: gives the cluster to the coordinator of some runs; None if it needs none.
    """

    title: str
    begin: Callable[[str, Sequence[Run], Sequence[Run]], None]
    here: bool = False
    require: Callable[[Where], None] = lambda where: None
    connect: Callable[[Where, Sequence[str]], Cluster] | None = None


def _begin_coordinator(experiment_id: str, runs: Sequence[Run], training: Sequence[Run]) -> None:
    """Start the coordinator of the queued `runs`, which train beside those of another coordinator."""
    begin("coordinator", [run.id for run in runs], experiment_id, lane=None)


ENGINES: dict[str, Engine] = {
    "local": Engine("This machine", local.begin_lanes, here=True),
    "ray": Engine("Ray cluster", _begin_coordinator, require=ray.require, connect=ray.RayCluster),
    "slurm": Engine("SLURM cluster", _begin_coordinator, require=slurm.require, connect=slurm.SlurmCluster),
}


def engine(name: str) -> Engine:
    """The engine of this name; raises UnknownName."""
    return lookup(ENGINES, name, "engine")
