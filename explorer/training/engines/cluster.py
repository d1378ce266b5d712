"""What a cluster gives to the coordinator of an experiment."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from explorer.errors import ExplorerError
from explorer.runs.control import Request
from explorer.runs.mirror import Changes, Seen, Start


class PlaceLost(Exception):
    """The node of a run has ended, or what runs there; the text is a clause without a full stop."""


class Place(Protocol):
    """A place on a cluster where one run trains, or waits for a node.

    Attributes:
        node: its name; empty while the run waits.
    """

    node: str

    def poll(self, seen: Seen) -> Changes | None:
        """What has come back since `seen`, without waiting; None if there is no answer yet, as when it called `start`.

        Raises:
            PlaceLost: the run cannot go on there.
        """

    def request(self, action: Request) -> None:
        """Ask the worker there to pause or stop."""

    def close(self) -> None:
        """Leave the place; what trains there ends."""


class Cluster(Protocol):
    """A connection to a cluster."""

    def left_behind(self, run_id: str) -> Place | None:
        """Where a coordinator that was killed has left the run, and nothing trains any more; None if nowhere."""

    def place(self, run_id: str, start: Callable[[], Start]) -> Place:
        """A place for a run; it may have to wait for a node, and calls `start` once that is needed."""

    def close(self) -> None:
        """Leave the cluster."""


def require_installed(library: str) -> None:
    """Raise ExplorerError if a library of requirements-cluster.txt is not installed; does not import it."""
    if find_spec(library) is None:
        raise ExplorerError(
            f"{library} is not installed. Install it with `python -m pip install -r requirements-cluster.txt`."
        )


def required(library: str) -> Any:
    """A library of requirements-cluster.txt, imported; raises as `require_installed` does."""
    require_installed(library)
    return import_module(library)
