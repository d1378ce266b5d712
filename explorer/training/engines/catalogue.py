"""The places where experiments can train. A new one is a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.registry import lookup
from explorer.runs.store import Run
from explorer.training.engines import local


@dataclass(frozen=True, slots=True)
class Engine:
    """A place where experiments can train.

    Attributes:
        title: in menus.
        begin: starts the processes that train the queued runs (second) of an experiment (first), beside those of its
            runs that are being trained already (third), and returns at once.
        here: whether it uses the cores of this machine, which train one experiment at a time.
    """

    title: str
    begin: Callable[[str, Sequence[Run], Sequence[Run]], None]
    here: bool = False


ENGINES: dict[str, Engine] = {
    "local": Engine("This machine", local.begin_lanes, here=True),
}


def engine(name: str) -> Engine:
    """The engine of this name; raises UnknownName."""
    return lookup(ENGINES, name, "engine")
