"""Experiments and runs as table rows, for pages, notebooks and the command line, with the errors that all state."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isnan
from statistics import fmean

import pandas as pd

from explorer import tables
from explorer.analysis.verdict import end_errors, last_steps
from explorer.data.catalogue import data_table
from explorer.data.own_folders import folder_table
from explorer.errors import RunError
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment, end_metrics, end_rows, list_experiments, run_keys
from explorer.runs.store import Run

Errors = tuple[float | None, float | None]  # of a run in training and test, as fractions


def final_errors(found: Experiment) -> pd.DataFrame:
    """The errors of each run at the end of its schedule, as every page states them: `analysis.verdict.end_errors`."""
    return end_errors(end_metrics(found.runs, after=found.steps - last_steps(found.steps)), found.steps)


def run_errors(found: Experiment) -> dict[str, Errors]:
    """The errors of each run by its id: `final_errors`, before the end of the schedule those of its last evaluation."""
    errors: dict[str, Errors] = {run.id: (run.progress.train_error, run.progress.test_error) for run in found.runs}
    ended = [run for run in found.runs if run.progress.step == found.steps]
    with suppress(RunError):  # damaged ones are listed too
        for run_id, end in end_rows(ended, after=found.steps - last_steps(found.steps)).items():
            measured = end["batch_error"], end["test_error"]
            if end["step"] == found.steps and not any(map(isnan, measured)):
                errors[run_id] = measured
    return errors


def network_errors(found: Experiment, errors: Mapping[str, Errors]) -> dict[str, tuple[float, float]]:
    """Training and test error of each network, the mean over the seeds that have them.

    Args:
        errors: `run_errors` of the experiment.
    """
    seeds: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in found.runs:
        train, test = errors[run.id]
        if run.facts is not None and train is not None and test is not None:
            seeds[run.facts.network.name].append((train, test))
    return {name: (fmean(a for a, _ in each), fmean(b for _, b in each)) for name, each in seeds.items()}


def experiments() -> pd.DataFrame:
    """All experiments, the newest first: the columns of `tables.EXPERIMENTS`."""
    rows = [experiment_row(each, run_errors(each)) for each in list_experiments()]
    return pd.DataFrame(rows, columns=tables.EXPERIMENTS)


def data_sets() -> pd.DataFrame:
    """The data sets known, and the folders on the list: name, where, whether they are there, numbers of images.

    Raises:
        StorageError: the list of folders cannot be read.
    """
    table = pd.DataFrame([*data_table(), *folder_table()])
    lists = {name: table[name].map(lambda values: ", ".join(map(str, values))) for name in ("sizes", "notes")}
    return table.assign(**lists)


def metrics(identities: Sequence[str], *, points: int | None = 2000, after: int = -1) -> pd.DataFrame:
    """`runs.experiments.metrics` of runs and experiments; args and errors as there.

    Args:
        identities: ids of runs; the id of an experiment stands for all of its runs.
    """
    known = {each.id: each.run_ids for each in list_experiments()}
    runs = dict.fromkeys(run for each in identities for run in known.get(each, (each,)))
    return library.metrics(list(runs), points=points, after=after)


def experiment_row(experiment: Experiment, errors: Mapping[str, Errors]) -> dict[str, object]:
    """An experiment by the columns of `tables.EXPERIMENTS`; `created` is a UTC time in ISO form, or None.

    Args:
        errors: `run_errors` of the experiment.
    """
    known = [run.facts for run in experiment.runs if run.facts is not None]
    return {
        "id": experiment.id,
        "title": experiment.title,
        "state": experiment.state,
        "networks": list(experiment.networks),
        "kinds": list(dict.fromkeys(facts.network.kind for facts in known)),
        "depths": sorted({facts.network.depth for facts in known}),
        "seeds": list(experiment.seeds),
        "data": experiment.data,
        "schedule": experiment.recipe.get("schedule"),
        "learning_rate": experiment.recipe.get("learning_rate"),
        "batch_size": experiment.recipe.get("batch_size"),
        "step": experiment.step,
        "steps": experiment.steps,
        **_best_network(network_errors(experiment, errors)),
        "created": experiment.created.isoformat() if experiment.created else None,
        "bytes": experiment.bytes,
        "note": experiment.note,
        "silent_seconds": max((run.silent_seconds for run in experiment.runs if run.silent_seconds), default=None),
    }


def _best_network(errors: Mapping[str, tuple[float, float]]) -> dict[str, object]:
    """The network with the lowest test error, of equal ones that with the lowest training error; None without one."""
    if not errors:
        return dict.fromkeys(("best", "train_error", "test_error"))
    best = min(errors, key=lambda name: errors[name][::-1])
    return {"best": best, "train_error": errors[best][0], "test_error": errors[best][1]}


def run_row(run: Run, errors: Errors) -> dict[str, object]:
    """A run by the columns of `tables.RUNS`; its errors as `run_errors` gives them."""
    facts = run.facts
    return run_keys(run) | {
        "title": facts.title if facts else "",
        "data": facts.data if facts else "",
        "state": run.state,
        "step": run.progress.step,
        "steps": run.steps,
        "train_error": errors[0],
        "test_error": errors[1],
        "reason": run.reason,
        "silent_seconds": run.silent_seconds,
    }
