"""Training on a Ray cluster: an actor for each run starts the usual worker on a node, which needs no checkout.

The package goes to the nodes with the job; they need requirements.txt and ray in the version used here, and the data
sets. The address is that of RAY_ADDRESS, else of a cluster that was started on this machine.
"""

import os
import platform
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from explorer.data.catalogue import data_folder
from explorer.errors import ExplorerError, one_line, reason_in
from explorer.files import PROJECT
from explorer.runs.control import Request
from explorer.runs.facts import Where
from explorer.runs.mirror import Changes, Seen, Start
from explorer.training.engines.cluster import PlaceLost, require_installed, required
from explorer.training.workplace import Workplace

THREADS = 1  # of each run, as its lane says
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 15.0  # for the nodes to remove what they made
LEFT_OUT = ["installed/", "**/__pycache__/"]  # of the package: shipped runs


def require(where: Where) -> None:
    """Raise ExplorerError if Ray is not installed."""
    require_installed("ray")


class Node:
    """The actor that trains one run."""

    def name(self) -> str:
        """The name of the node."""
        return platform.node()

    def begin(self, start: Start, data: str) -> None:
        """Start the worker."""
        self._workplace = Workplace(start, data)

    def changes(self, seen: Seen) -> Changes:
        """What is new since `seen`."""
        return self._workplace.changes(seen)

    def request(self, action: Request) -> None:
        """Ask the worker to pause or stop."""
        self._workplace.request(action)

    def close(self) -> None:
        """End the worker and remove its home."""
        self._workplace.close()


class RayCluster:
    """A connection to a Ray cluster.

    Raises:
        ExplorerError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, where: Where, run_ids: Sequence[str]) -> None:
        self._ray = required("ray")
        given = os.environ.get("RAY_ADDRESS", "")
        try:
            _require_listening(given)  # Ray itself would try for minutes
            self._ray.init(
                address="auto",  # RAY_ADDRESS comes first
                runtime_env={"py_modules": [str(PROJECT / "explorer")], "excludes": LEFT_OUT},
                log_to_driver=False,
                configure_logging=False,
            )
        except OSError as error:
            raise ExplorerError(
                f"No Ray cluster answers at {given or 'this machine'}: {reason_in(error)}. Start one with "
                "`ray start --head`, or set RAY_ADDRESS to the address of one, then resume."
            ) from error
        self._actor = self._ray.remote(num_cpus=THREADS, num_gpus=where.gpus_per_run, max_restarts=0)(Node)
        self._closing: list[Any] = []

    def left_behind(self, run_id: str) -> None:
        """Nowhere: actors end with the coordinator."""

    def place(self, run_id: str, start: Callable[[], Start]) -> "RayPlace":
        """An actor for a run, which waits for a node."""
        return RayPlace(self._ray, self._actor.remote(), start, self._closing)

    def close(self) -> None:
        """Leave the cluster, once its nodes are tidy."""
        if self._closing:
            self._ray.wait(self._closing, num_returns=len(self._closing), timeout=CLOSE_SECONDS)
        self._ray.shutdown()


def _require_listening(address: str) -> None:
    """Raise OSError if nobody listens at an address like HOST:PORT or ray://HOST:PORT; others pass."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


class RayPlace:
    """The actor of a run; one question at a time is on its way."""

    def __init__(self, ray: Any, actor: Any, start: Callable[[], Start], closing: list[Any]) -> None:
        self.node = ""
        self._ray = ray
        self._actor = actor
        self._start: Callable[[], Start] | None = start
        self._closing = closing
        self._answer = actor.name.remote()  # comes once it has a node

    def poll(self, seen: Seen) -> Changes | None:
        """What has come back since `seen`."""
        if self._answer is None:
            self._answer = self._actor.changes.remote(seen)
        if not self._ray.wait([self._answer], timeout=0)[0]:
            return None
        answer, self._answer = self._answer, None
        try:
            value = self._ray.get(answer)
        except self._ray.exceptions.ActorUnavailableError:  # it may answer again
            return None
        except self._ray.exceptions.RayActorError as error:
            print(f"{self.node}: {one_line(error)}", flush=True)  # to the log
            what = "its node has died" if "node has died" in str(error) else "its process has ended"
            raise PlaceLost(what) from None
        except (self._ray.exceptions.RayError, ExplorerError) as error:
            raise PlaceLost(reason_in(error)) from None
        if self._start is not None:
            self.node = value
            self._answer = self._actor.begin.remote(self._start(), str(data_folder()))
            self._start = None
        return value if isinstance(value, Changes) else None

    def request(self, action: Request) -> None:
        """Ask the worker there to pause or stop."""
        self._actor.request.remote(action)

    def close(self) -> None:
        """End the actor: at once if it waits, else once it has removed its files."""
        if self.node:
            self._closing.append(self._actor.close.remote())
        else:
            with suppress(Exception):
                self._ray.kill(self._actor)
        self._actor = None
