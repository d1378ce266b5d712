from datetime import UTC, datetime

import pytest

from explorer.models.config import NetworkConfig
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import RunFacts, create_run, run_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def make_run(home):
    """Make a run folder with metrics up to a step; gives its id."""

    def make(network="plain8", *, experiment="e1", seed=0, steps=10, step=10, state="finished", order=0):
        depth = int("".join(c for c in network if c.isdigit()))
        facts = RunFacts(
            id=f"{experiment}-{network}-s{seed}",
            experiment=experiment,
            title="A title",
            order=order,
            created=datetime(2026, 1, 1, tzinfo=UTC),
            network=NetworkConfig(depth=depth, shortcut="none" if network.startswith("plain") else "A"),
            data="digits",
            recipe={"steps": steps},
            seed=seed,
            state=state,
        )
        create_run(facts)
        with MetricsWriter(run_folder(facts.id)) as metrics:
            for number in range(step + 1):
                evaluated = number % 5 == 0
                error = 0.9 - 0.01 * number
                metrics.append(
                    (number, 2.0, error, 0.1, number / 10, *([error, error, 100.0] if evaluated else [None] * 3))
                )
        return facts.id

    return make
