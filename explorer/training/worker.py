"""The worker process, which trains the runs of one lane of an experiment.

Started by `training.engines` as `python -m explorer.training.worker EXPERIMENT LANE`; independent of server and
terminal.
"""

import os
import signal
import sys
from contextlib import ExitStack, closing, suppress
from types import FrameType

import psutil

from explorer import progress
from explorer.errors import ExplorerError, StorageError, is_out_of_memory, reason_in
from explorer.processes import wait_passively
from explorer.runs.experiments import experiment
from explorer.runs.facts import WorkerProcess
from explorer.runs.heartbeat import Heartbeat
from explorer.runs.store import REASON, Run, update_run
from explorer.runs.tidying import tidy
from explorer.training import launch
from explorer.training.lockstep import Lockstep
from explorer.training.resources import Resources, now

NICENESS = 10  # so that pages stay quick while all cores train
NO_MEMORY_TO_START = (
    "Out of memory at the start: close other programs or raise the limit of memory (ulimit -v), then resume."
)


def main(experiment_id: str, lane: int = 0) -> int:
    """Train the queued runs of a lane, then start the next in the queue; 1 if an error ended a run."""
    terminated = Terminated()
    tidy()
    found = experiment(experiment_id).runs
    runs = [run for run in found if run.state in ("queued", "starting") and _lane(run) == lane]
    with ExitStack() as held:
        places = {}
        for run in runs:
            try:
                places[run.id] = held.enter_context(closing(Resources(run)))
            except StorageError as error:  # such as a link in place of its lock; the others train without it
                with suppress(ExplorerError):
                    update_run(run.id, state="paused", reason=str(error), worker=None)
        runs = [run for run in runs if run.id in places]
        others = [run.path for run in found if run.id not in places]
        heartbeat = held.enter_context(closing(Heartbeat(run.path for run in runs)))
        try:
            for run in runs:
                update_run(run.id, worker=WorkerProcess(pid=os.getpid(), started=psutil.Process().create_time()))
            with progress.listening(lambda fraction: heartbeat.beat()):
                ended_well = Lockstep(places, heartbeat, others, terminated).train(runs)
        except Exception as error:
            reason = NO_MEMORY_TO_START if is_out_of_memory(error) else f"{reason_in(error)}."
            for place in places.values():
                place.log(f"{REASON}{reason}")
            raise
    launch.start_next()
    return 0 if ended_well else 1


def _lane(run: Run) -> int:
    return run.facts.lane.number if run.facts and run.facts.lane else 0


class Terminated:
    """True after SIGTERM: then runs pause, as if the user had requested it."""

    def __init__(self) -> None:
        self._received = False
        signal.signal(signal.SIGTERM, self._receive)

    def __call__(self) -> bool:
        return self._received

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._received = True


if __name__ == "__main__":
    os.nice(NICENESS) if hasattr(os, "nice") else None
    wait_passively()
    print(f"{now()} worker {os.getpid()} starts {' '.join(sys.argv[1:])}", flush=True)
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
