import time

import pytest

from explorer.runs.experiments import experiment
from explorer.training.launch import stop


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder for runs; what still trains there at the end is stopped."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def until():
    """Wait for an experiment to reach a state or step; fails with its log after a minute."""
    watched = set()

    def wait(experiment_id, *states, step=0, seconds=90):
        watched.add(experiment_id)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = experiment(experiment_id)
            if found.state in states and found.step >= step:
                return found
            time.sleep(0.05)
        log = found.runs[0].path / "worker.log"
        pytest.fail(f"{found.state} at step {found.step}; {log.read_text() if log.exists() else 'no log'}")

    yield wait
    for experiment_id in watched:
        if experiment(experiment_id).active:
            stop(experiment_id)
            wait(experiment_id, "stopped", "failed", "finished", "crashed")
