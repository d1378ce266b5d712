import os
from datetime import UTC, datetime

import pytest

from explorer.processes import WAIT_PASSIVELY

os.environ.update(WAIT_PASSIVELY | os.environ)  # before a test imports PyTorch

from explorer.models.catalogue import network_config
from explorer.runs import store
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import RunFacts, create_run, run_folder
from explorer.training.recipe import Recipe


@pytest.fixture(autouse=True)
def shipped(tmp_path_factory, monkeypatch):
    """Tests see only the runs they make; gives the folder for those that are to come with the program."""
    folder = tmp_path_factory.mktemp("shipped")
    monkeypatch.setattr(store, "SHIPPED", folder)
    return folder


@pytest.fixture
def make_run():
    """Makes a run folder as a worker leaves it, with an error that falls to `end` in equal steps; gives its id.

    Needs EXPLORER_HOME. `step` is how far it came; `recipe` holds settings besides `steps`.
    """

    def made(
        network="plain8",
        *,
        experiment="e1",
        seed=0,
        steps=10,
        step=None,
        end=0.8,
        evaluate_every=5,
        recipe=None,
        **facts,
    ):
        settings = Recipe(steps=steps, batch_size=16, evaluate_every=evaluate_every, **(recipe or {}))
        run_id = f"{experiment}-{network}-s{seed}"
        usual = {"title": "A title", "created": datetime(2026, 1, 1, tzinfo=UTC), "data": "digits", "state": "finished"}
        create_run(
            RunFacts(
                id=run_id,
                experiment=experiment,
                network=network_config(network),
                recipe=settings.model_dump(),
                seed=seed,
                **usual | facts,
            )
        )
        with MetricsWriter(run_folder(run_id)) as metrics:
            for number in range((steps if step is None else step) + 1):
                error = 0.9 - (0.9 - end) * number / steps
                trained = (2 * error, error, 0.1) if number else (None, None, None)
                evaluated = (error, error + 0.01, 100.0) if number % evaluate_every == 0 else (None, None, None)
                metrics.append((number, *trained, number / 10, *evaluated))
        return run_id

    return made
