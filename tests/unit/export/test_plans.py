"""A plan that was written from an experiment starts the same plan again, and a table is the same in Parquet."""

import pandas as pd
import pytest

import explorer
from explorer.errors import ExplorerError, RunError, StorageError
from explorer.export import parquet
from explorer.export.parquet import write_parquet
from explorer.export.plans import export_plan, plan_text
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.experiments import experiment
from explorer.runs.facts import Where
from explorer.runs.store import checkpoint_folder, update_run
from explorer.training import launch
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.sweep import read_sweep, yaml_text


def queued(where=None, **settings):
    """An experiment that waits, and its plan."""
    plan = Plan(**{"networks": ("plain8",), **settings})
    return launch.queue(plan, where or Where()), plan


RECIPES = [
    {},
    {"steps": 7, "learning_rate": 1e-5, "weight_decay": 0.0, "schedule": "one-cycle", "warmup_steps": 3},
    {"train_images": 200, "batch_size": 200, "augment": False, "precision": "fp32", "normalisation": "pixel"},
    {"evaluate_every": 5, "last_images": 50, "probe_every": 0, "momentum": 0.5, "augment": True},
]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("ending", ["yaml", "json", "txt"])
def test_recipes_come_back(tmp_path, recipe, ending):
    identity, plan = queued(networks=("plain8", "resnet20-b", "wrn-16-4"), recipe=Recipe(**recipe), seeds=(3, 0, 11))
    path = export_plan(identity, tmp_path / f"plan.{ending}")
    assert read_sweep(path) == ([plan], Where())


@pytest.mark.parametrize("where", [Where(engine="ray", gpus_per_run=0.25), Where(lanes=3), Where(engine="slurm")])
def test_where_it_trained_comes_back(tmp_path, where):
    identity, plan = queued(where)
    assert read_sweep(export_plan(identity, tmp_path / "plan.yaml")) == ([plan], where)


TITLES = [
    "1e5", "yes", "null", "0x1F", "12:30:00", "- a: b # c", "'quoted\"", "*", "&a", "!tag", "{}", "%", "@", "",
    "한국어", "\N{GRINNING FACE}" * 200, "a" * 200, "2026-01-01",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
def test_titles_come_back(tmp_path, title):
    identity, plan = queued(title=title)
    assert read_sweep(export_plan(identity, tmp_path / "plan.yaml"))[0] == [plan]


def test_an_experiment_of_many_networks_gets_its_title_again(tmp_path):
    identity, plan = queued(networks=tuple(f"resnet{6 * n + 2}" for n in range(1, 31)))
    assert len(plan.display_title()) > 200
    assert read_sweep(export_plan(identity, tmp_path / "plan.yaml"))[0] == [plan]


def test_starting_it_finds_the_experiment_that_runs_already(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "_start_next", lambda: None)
    identity, _ = queued(seeds=(0, 1), recipe=Recipe(steps=20))
    plans, where = read_sweep(export_plan(identity, tmp_path / "plan.yaml"))
    assert launch.start_all(plans, where) == [identity]


def checkpoint(path, seed=0):
    config = Plan(networks=("plain8",)).network_configs()[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_checkpoint(build(config, seed=seed), path, CheckpointFacts(network=config, data="digits"))


def test_initial_weights_come_back_by_name_and_by_path(tmp_path, monkeypatch):
    checkpoint(checkpoint_folder() / "mine.safetensors")
    checkpoint(tmp_path / "other.safetensors")
    monkeypatch.chdir(tmp_path)
    for given, expected in (("mine", "mine"), ("other.safetensors", str(tmp_path / "other.safetensors"))):
        identity, plan = queued(initial=given)
        (found,), _ = read_sweep(export_plan(identity, tmp_path / f"{given}.yaml"))
        assert found == plan.model_copy(update={"initial": expected})


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_initial_weights_that_are_gone_are_taken_from_the_run(tmp_path, home, change):
    place = checkpoint_folder() / "mine.safetensors"
    facts = checkpoint(place)
    identity, _ = queued(initial="mine")
    checkpoint(place, seed=1) if change == "replaced" else place.unlink()
    (found,), _ = read_sweep(export_plan(identity, tmp_path / "plan.yaml"))
    assert found.initial == str(home / f"{identity}-plain8-s0" / "initial.safetensors")
    again = launch.queue(found)
    assert {run.facts.initial_sha256 for run in experiment(again).runs} == {facts.sha256}


def test_one_run_has_a_plan_of_its_own(tmp_path):
    identity, plan = queued(networks=("plain8", "resnet8"), seeds=(0, 1))
    path = export_plan(identity, tmp_path / "plan.yaml", [f"{identity}-resnet8-s1"])
    (found,), _ = read_sweep(path)
    assert (found.networks, found.seeds, found.recipe) == (("resnet8",), (1,), plan.recipe)


def test_runs_of_several_recipes_have_no_plan(tmp_path):
    identity, _ = queued(networks=("plain8", "resnet8"))
    update_run(f"{identity}-resnet8-s0", recipe=Recipe(steps=5).model_dump())
    with pytest.raises(RunError, match=r"have different recipe: no one plan trains both\. Give the id of a run"):
        export_plan(identity, tmp_path / "plan.yaml")
    assert not (tmp_path / "plan.yaml").exists()


def test_a_run_that_cannot_be_read_has_no_plan(home):
    identity, _ = queued()
    (home / f"{identity}-plain8-s0" / "run.json").write_text("{}")
    with pytest.raises(RunError, match="has schema version None"):
        plan_text(experiment(f"{identity}-plain8-s0").runs)


def test_a_file_that_is_there_is_not_replaced(tmp_path, make_run):
    identity, _ = queued()
    path = tmp_path / "there"
    path.write_text("kept")
    for export in (lambda: export_plan(identity, path), lambda: write_parquet(pd.DataFrame({"a": [1]}), path)):
        with pytest.raises(StorageError, match=r"there is there already\. Choose another file, or remove it\."):
            export()
    assert path.read_text() == "kept"
    with pytest.raises(StorageError, match=r"Give a file in a folder that is there\."):
        export_plan(identity, tmp_path / "none" / "plan.yaml")


def test_a_list_in_a_text_is_no_list():
    assert yaml_text({"a": ["1e5", 2, None], "b": "[x]"}) == "a: ['1e5', 2, null]\nb: '[x]'\n"


def test_parquet_has_the_table_of_metrics(tmp_path, make_run):
    table = explorer.metrics([make_run(), make_run("resnet8-w4")], points=None)
    found = pd.read_parquet(write_parquet(table, tmp_path / "metrics.parquet"))
    pd.testing.assert_frame_equal(found, table, check_exact=True)


def test_without_pyarrow_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    with pytest.raises(ExplorerError, match=r"`python -m pip install -r requirements-export\.txt`"):
        write_parquet(pd.DataFrame(), tmp_path / "metrics.parquet")
