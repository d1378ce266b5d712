import gc
import itertools
import json
import os
from datetime import UTC, datetime

import pytest

from explorer.processes import WAIT_PASSIVELY

os.environ.update(WAIT_PASSIVELY | os.environ)  # before a test imports PyTorch

from explorer.models.catalogue import network_config
from explorer.runs import store
from explorer.runs.facts import RunFacts
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import create_run, run_folder
from explorer.training.recipe import Recipe


def pytest_collection_finish():
    gc.freeze()  # what was imported stays, and need not be looked through again and again


@pytest.fixture(scope="session")
def empty_folders(tmp_path_factory):
    """Folders for one test each; `mktemp` looks through all there are before it makes another."""
    parent = tmp_path_factory.mktemp("empty")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def shipped(empty_folders, monkeypatch):
    """Tests see only the runs they make; gives the folder for those that are to come with the program."""
    folder = next(empty_folders)
    folder.mkdir()
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


@pytest.fixture
def make_weights(make_run):
    """Makes a run on the digits with weights of steps 5 and 10, the last as a checkpoint; gives its id.

    The weights of step N are those of seed N. The scales of its batch norms go evenly from 1 to `scale`, and with them
    the spread of its responses. Needs EXPLORER_HOME.
    """
    import torch  # the tests that need no weights begin without it

    from explorer.models.config import NetworkConfig
    from explorer.models.network import build
    from explorer.runs.checkpoint_facts import CheckpointFacts
    from explorer.runs.checkpoints import save_checkpoint
    from explorer.runs.snapshots import write_snapshot

    def made(network="resnet8-w4", *, scale=1.0, channels=1, **facts):
        run_id = make_run(network, steps=10, **facts)
        folder = run_folder(run_id)
        known = json.loads((folder / "run.json").read_text())
        known["network"]["channels"] = channels
        (folder / "run.json").write_text(json.dumps(known))
        config = NetworkConfig(**known["network"])

        def network_at(step):
            found = build(config, seed=step)
            for module in found.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    torch.nn.init.constant_(module.weight, 1 + (scale - 1) * step / 10)
            return found

        write_snapshot(folder, {"step": 5, "network": network_at(5).state_dict()})
        at_the_end = CheckpointFacts(network=config, data="digits", recipe=known["recipe"], step=10)
        save_checkpoint(network_at(10), folder / "checkpoint.safetensors", at_the_end)
        return run_id

    return made


@pytest.fixture
def make_imported():
    """Makes a checkpoint as an import without `data` does: its images are not known; gives its id."""
    from explorer.models.catalogue import network_config
    from explorer.models.config import NetworkConfig
    from explorer.models.network import build
    from explorer.runs.checkpoint_facts import CheckpointFacts
    from explorer.runs.checkpoints import save_checkpoint
    from explorer.runs.store import checkpoint_folder

    def made(network="resnet8-w4-sigmoid", name="mine", *, classes=("no", "yes"), count=2, normalisation="imagenet"):
        config = NetworkConfig(**(network_config(network).model_dump() | {"classes": count}))
        path = checkpoint_folder() / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = CheckpointFacts(network=config, normalisation=normalisation, classes=tuple(classes))
        save_checkpoint(build(config, seed=1).eval(), path, facts)
        return name

    return made


@pytest.fixture
def imported(make_imported):
    """A network of one output for two classes, whose images are not known."""
    return make_imported()
