"""Following an experiment until it ends, and pausing it; imports no torch."""

import time
from collections.abc import Iterator
from contextlib import suppress

from explorer.errors import RunError
from explorer.processes import sleep
from explorer.runs.experiments import Experiment, experiment, refreshed
from explorer.training.launch import pause, start_next
from explorer.training.watchdog import is_running

POLL_SECONDS = 0.5
PAUSE_SECONDS = 60.0  # for an experiment to pause, unless a watchdog is still running


def advanced(found: Experiment) -> Experiment:
    """The experiment as it is now; if it is queued and nothing else trains, it is started."""
    if found.state == "queued":
        start_next()
    return refreshed(found)


def updates(experiment_id: str) -> Iterator[Experiment]:
    """The experiment twice a second until none of its runs is active, and then a last time.

    Raises:
        RunError: there is no such experiment, or a run of it is deleted meanwhile.
    """
    found = experiment(experiment_id)
    while True:
        found = advanced(found)
        yield found
        if not found.active:
            return
        sleep(POLL_SECONDS)


def paused(experiment_id: str) -> Experiment:
    """Pause an experiment and wait until it has, at most a minute; the experiment as it is then."""
    with suppress(RunError):  # it has just ended by itself
        pause(experiment_id)
    deadline = time.monotonic() + PAUSE_SECONDS
    while experiment(experiment_id).active and (time.monotonic() < deadline or is_running(experiment_id)):
        sleep(POLL_SECONDS)
    return experiment(experiment_id)
