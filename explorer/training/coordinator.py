"""The coordinator process of an experiment on a cluster: each of its runs trains elsewhere and is mirrored here.

Started by `training.engines` as `python -m explorer.training.coordinator EXPERIMENT`. It is to its runs what the worker
is on this machine: it holds their locks, writes their heartbeats and follows requests. A run whose node ends goes on
elsewhere from the last state that came back.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress

import psutil

from explorer.errors import ExplorerError, StorageError, one_line, reason_in
from explorer.processes import lock_is_held, sleep
from explorer.runs.control import Request, requested, withdraw
from explorer.runs.experiments import experiment
from explorer.runs.facts import HERE, Lane, RunFacts, WorkerProcess, with_notice
from explorer.runs.heartbeat import Heartbeat
from explorer.runs.mirror import Changes, Mirror, Start
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import LOCK, REASON, Run, read_facts, update_run
from explorer.runs.tidying import tidy
from explorer.training import launch
from explorer.training.engines.catalogue import engine
from explorer.training.engines.cluster import Cluster, Place, PlaceLost
from explorer.training.lockstep import record_failure
from explorer.training.resources import Resources, now
from explorer.training.worker import Terminated

MOST_MOVES = 3  # of a run whose node ended
POLL_SECONDS = 0.5  # between two questions about a run
LEAVING_SECONDS = 60.0  # at most, for a coordinator whose runs have ended to leave its cluster tidy
ALONE = Lane(number=0, of=1, threads=1)


def main(experiment_id: str) -> int:
    """Train the queued runs of an experiment on its cluster; 1 if one did not end as asked."""
    _allow_many_files()
    tidy()
    found = experiment(experiment_id).runs
    runs = [run for run in found if run.state in ("queued", "starting") and not _of_another(run)]
    _wait_until_left(runs)
    with ExitStack() as held:
        resources: dict[str, Resources] = {}
        for run in runs:
            try:
                resources[run.id] = held.enter_context(closing(Resources(run)))
            except StorageError as error:  # such as a link in place of its lock
                with suppress(ExplorerError):
                    update_run(run.id, state="paused", reason=str(error), worker=None)
        runs = [run for run in runs if run.id in resources]
        for run in runs:
            update_run(run.id, worker=WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time()))
        ended_well = _train(runs, resources)
    launch.start_next()
    return 0 if ended_well else 1


def _of_another(run: Run) -> bool:
    """Whether another coordinator has the run."""
    worker = run.facts.worker if run.facts else None
    return worker is not None and worker.pid != os.getpid() and lock_is_held(run.path / LOCK) is not False


def _wait_until_left(runs: Sequence[Run]) -> None:
    """Wait for the coordinator of runs that were resumed as soon as they had paused."""
    end = time.monotonic() + LEAVING_SECONDS
    while time.monotonic() < end and any(lock_is_held(run.path / LOCK) for run in runs):
        sleep(0.2)


def _train(runs: Sequence[Run], resources: Mapping[str, Resources]) -> bool:
    """Train runs until each has ended; an error ends its run only."""
    with ExitStack() as held:
        try:
            cluster = held.enter_context(closing(_connect(runs)))
        except Exception as error:  # noqa: BLE001 of any library
            known = isinstance(error, ExplorerError)
            reason = str(error) if known else f"The cluster cannot be used: {reason_in(error)}."
            for run in runs:
                resources[run.id].reserve.release()
                update_run(run.id, state="paused", reason=reason, worker=None)
            return False
        terminated = Terminated()  # after connecting, which can set a handler of its own
        going = [
            _Elsewhere(run, cluster, resources[run.id], held.enter_context(closing(Heartbeat([run.path]))))
            for run in runs
        ]
        ended_well = True
        while going:
            for each in list(going):
                try:
                    goes_on = each.advance("pause" if terminated() else None)
                except Exception as error:  # noqa: BLE001
                    goes_on = each.ended_well = False
                    each.close()
                    record_failure(error, each.run, resources[each.run.id])
                if not goes_on:
                    going.remove(each)
                    ended_well = ended_well and each.ended_well
            sleep(POLL_SECONDS / 2)
    return ended_well


def _allow_many_files() -> None:
    """Raise the limit of open files, of which every run needs a handful, as far as this user may."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _connect(runs: Sequence[Run]) -> Cluster:
    where = next((run.facts.where for run in runs if run.facts), HERE)
    connect = engine(where.engine).connect
    assert connect is not None, f"{where.engine} needs no coordinator"
    return connect(where, [run.id for run in runs])


class _Elsewhere:
    """A run that trains on a cluster.

    Attributes:
        ended_well: whether it finished or ended as asked.
    """

    def __init__(self, run: Run, cluster: Cluster, resources: Resources, heart: Heartbeat) -> None:
        self.run = run
        self.ended_well = True
        self._cluster = cluster
        self._resources = resources
        self._heart = heart
        self._mirror: Mirror | None = None
        self._place: Place | None = None
        self._beat = b""
        self._moves = 0
        self._asked: Request | None = None
        self._polled = 0.0

    def advance(self, action: Request | None) -> bool:
        """Follow a request, write what has come back; False once the run has ended."""
        if self._mirror is None:
            self._mirror = Mirror(self.run)
            if not self._took_over(self._mirror):
                return False
        action = requested(self.run.path) or action
        if action and not self._asked:
            self._asked = action
            if self._place is None or not self._place.node:  # it has not begun there
                return self._leave(action)
            self._place.request(action)
        if self._place is None:
            self._place = self._cluster.place(self.run.id, self._start)
            self._beat = b""
        return self._poll(self._mirror, self._place)

    def close(self) -> None:
        """Leave the place and close the files."""
        if self._place is not None:
            with suppress(Exception):  # it can be lost
                self._place.close()
        if self._mirror is not None:
            self._mirror.close()
        self._resources.reserve.release()

    def _poll(self, mirror: Mirror, place: Place) -> bool:
        if not place.node:
            self._heart.beat()
        if time.monotonic() - self._polled < POLL_SECONDS:
            return True
        try:
            new = place.poll(mirror.seen)
        except PlaceLost as error:
            return self._move(place, str(error))
        if new is not None:
            return self._write(mirror, place, new)
        if not place.node:
            self._polled = time.monotonic()
        return True

    def _start(self) -> Start:
        assert self._mirror is not None
        return self._mirror.start(where=HERE, lane=ALONE)

    def _took_over(self, mirror: Mirror) -> bool:
        """Take what a coordinator that was killed has left on the cluster; False if the run has ended there."""
        left = self._cluster.left_behind(self.run.id)
        if left is None:
            return True
        while (new := left.poll(mirror.seen)) is not None:
            mirror.write(new)
            self._log(new)
            if new.complete:
                break
        self._place = left
        if new is not None and new.ended and new.facts.state in ("finished", "failed"):
            self._end(new.facts)
            return False
        left.close()
        self._place = None
        return True

    def _write(self, mirror: Mirror, place: Place, new: Changes) -> bool:
        self._polled = time.monotonic() if new.complete else 0.0
        if new.beat != self._beat or not new.beat:  # none before it trains
            self._beat = new.beat
            self._heart.beat()
        mirror.write(new, node=place.node)
        self._log(new)
        if new.lost:
            return self._move(place, new.lost)
        if not new.ended:
            return True
        if new.facts.state == "paused" and not (self._asked or new.facts.reason):
            return self._move(place, "it was told to end")
        self._end(new.facts)
        return False

    def _log(self, new: Changes) -> None:
        if new.log:
            self._resources.log(new.log.decode(errors="replace").rstrip("\n"))

    def _end(self, facts: RunFacts) -> None:
        assert self._mirror is not None
        assert self._place is not None
        self.ended_well = facts.state == "finished" or self._asked is not None
        reason = f"On {self._place.node}: {facts.reason}" if facts.reason else ""
        self.close()
        self._mirror.end(facts.model_copy(update={"reason": reason}), node=self._place.node)
        withdraw(self.run.path)

    def _leave(self, action: Request) -> bool:
        """End the run here, at what has come back."""
        self.close()
        update_run(self.run.id, state="paused" if action == "pause" else "stopped", worker=None)
        withdraw(self.run.path)
        return False

    def _move(self, place: Place, trouble: str) -> bool:
        """Let the run go on elsewhere; False if that was tried too often or the run is to end anyway."""
        node = place.node or "a node"
        with suppress(Exception):  # it is lost
            place.close()
        self._place = None
        self._resources.log(f"{now()} {node} is lost: {trouble}")
        if self._asked:
            return self._leave(self._asked)
        self._moves += 1
        if self._moves > MOST_MOVES:
            return self._give_up(f"Its node was lost {self._moves} times, at last {node}: {one_line(trouble, 300)}.")
        step = newest_verified_step(self.run.path) or 0
        sentence = f"Lost {node} ({one_line(trouble, 300)}): training went on elsewhere from step {step}."
        update_run(self.run.id, notice=with_notice(read_facts(self.run.path), sentence))
        return True

    def _give_up(self, reason: str) -> bool:
        """End the run as crashed, which can be resumed."""
        self.ended_well = False
        self.close()
        self._resources.log(f"{REASON}{reason}")
        update_run(self.run.id, state="running", worker=None)  # a run that is starting would be queued again
        self._resources.lock.release()
        return False


if __name__ == "__main__":
    print(f"{now()} coordinator {os.getpid()} starts {sys.argv[1]}", flush=True)
    sys.exit(main(sys.argv[1]))
