"""Plans of experiments as files that `train --from FILE` starts again."""

import json
from collections.abc import Sequence
from pathlib import Path

from explorer.errors import BadSettings, ExplorerError, RunError
from explorer.files import require_free, write_text_atomically
from explorer.runs.checkpoint_facts import checkpoint_facts, checkpoint_file
from explorer.runs.experiments import experiment
from explorer.runs.facts import RunFacts
from explorer.runs.store import Run
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.sweep import LONGEST_TITLE, Sweep, yaml_text


def export_plan(experiment_id: str, path: str | Path, run_ids: Sequence[str] = ()) -> Path:
    """Write the plan of an experiment to a file for `train --from`: JSON if its name ends so, else YAML.

    Args:
        experiment_id: which experiment.
        path: a new file.
        run_ids: only these runs of it; empty takes all.

    Raises:
        RunError: there is no such experiment, no run of it can be read, or they have different recipes.
        StorageError: the file is there already, or cannot be written.
    """
    path = Path(path)
    require_free(path)
    runs = [run for run in experiment(experiment_id).runs if not run_ids or run.id in run_ids]
    write_text_atomically(path, plan_text(runs, as_json=path.suffix == ".json"))
    return path


def plan_text(runs: Sequence[Run], *, as_json: bool = False) -> str:
    """The plan of the runs of an experiment as YAML or JSON; raises as `export_plan` does."""
    values = sweep_of(runs).model_dump(mode="json", exclude={"kinds", "depths"})
    if as_json:
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    return yaml_text(values)


def sweep_of(runs: Sequence[Run]) -> Sweep:
    """The settings that train the networks and seeds of these runs; all of the recipe are given, also the usual ones.

    Raises:
        RunError: no run can be read, or they have different recipes, data sets or initial weights, or unknown settings.
    """
    facts = [run.facts for run in runs if run.facts is not None]
    if not facts:
        raise RunError(runs[0].damage if runs else "There are no runs to make a plan of.")
    first = facts[0]
    for each in facts:
        for what in ("recipe", "data", "initial_sha256"):
            if getattr(each, what) != getattr(first, what):
                raise RunError(
                    f"{each.id} and {first.id} have different {what.removesuffix('_sha256')}: no one plan trains both. "
                    "Give the id of a run to write its plan alone."
                )
    try:
        recipe = Recipe(**first.recipe)
    except BadSettings as error:
        raise RunError(
            f"{first.id} has settings that this program does not know, so no plan trains it: {error}"
        ) from None
    where = first.where
    return Sweep(
        title=_given_title(first, facts),
        networks=tuple(dict.fromkeys(each.network.name for each in facts)),
        data=first.data,
        seeds=tuple(dict.fromkeys(each.seed for each in facts)),
        initial=_initial(runs, first),
        recipe=recipe.model_dump(),
        engine=where.engine,
        lanes=where.lanes,
        gpus_per_run=where.gpus_per_run,
    )


def _given_title(first: RunFacts, facts: Sequence[RunFacts]) -> str:
    """The title; empty if it was made from the networks and the data, which it will be again."""
    networks = tuple(dict.fromkeys(each.network.name for each in facts))
    made = Plan.model_construct(networks=networks, data=first.data, initial=first.initial, title="")
    try:
        return "" if first.title == made.display_title() else first.title[:LONGEST_TITLE]
    except ExplorerError:  # data of another machine
        return first.title[:LONGEST_TITLE]


def _initial(runs: Sequence[Run], first: RunFacts) -> str:
    """The checkpoint that the runs started from: as it was given if it still has these weights, else the run's copy."""
    if not first.initial:
        return ""
    try:
        path = checkpoint_file(first.initial)
        if path is not None and checkpoint_facts(path).sha256 == first.initial_sha256:
            return str(path.resolve()) if first.initial.endswith(path.suffix) else first.initial
    except ExplorerError:  # deleted, or replaced by something else
        pass
    folder = next(run.path for run in runs if run.facts == first)
    return str(folder / "initial.safetensors")
