"""Experiments and runs as table rows, for pages, notebooks and the command line."""

from collections import defaultdict
from statistics import fmean

import pandas as pd

from explorer import tables
from explorer.runs.experiments import Experiment, list_experiments, run_keys
from explorer.runs.store import Run


def experiments() -> pd.DataFrame:
    """All experiments, the newest first: the columns of `tables.EXPERIMENTS`."""
    return pd.DataFrame([experiment_row(each) for each in list_experiments()], columns=tables.EXPERIMENTS)


def experiment_row(experiment: Experiment) -> dict[str, object]:
    """An experiment by the columns of `tables.EXPERIMENTS`; `created` is a UTC time in ISO form, or None."""
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
        **best_network(experiment),
        "created": experiment.created.isoformat() if experiment.created else None,
        "bytes": experiment.bytes,
        "note": experiment.note,
        "silent_seconds": max((run.silent_seconds for run in experiment.runs if run.silent_seconds), default=None),
    }


def best_network(experiment: Experiment) -> dict[str, object]:
    """The network with the lowest test error at its last evaluation, mean over its seeds; None before the first.

    Returns:
        best, train_error, test_error, see `tables.EXPERIMENTS`.
    """
    errors: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in experiment.runs:
        train, test = run.progress.train_error, run.progress.test_error
        if run.facts is not None and train is not None and test is not None:
            errors[run.facts.network.name].append((test, train))
    if not errors:
        return dict.fromkeys(("best", "train_error", "test_error"))
    means = {name: tuple(map(fmean, zip(*each, strict=True))) for name, each in errors.items()}
    best = min(means, key=lambda name: means[name])
    test_error, train_error = means[best]
    return {"best": best, "train_error": train_error, "test_error": test_error}


def run_row(run: Run) -> dict[str, object]:
    """A run by the columns of `tables.RUNS`; errors are those of its last evaluation, None before the first."""
    facts = run.facts
    return run_keys(run) | {
        "title": facts.title if facts else "",
        "data": facts.data if facts else "",
        "state": run.state,
        "step": run.progress.step,
        "steps": run.steps,
        "train_error": run.progress.train_error,
        "test_error": run.progress.test_error,
        "reason": run.reason,
        "silent_seconds": run.silent_seconds,
    }


def state_of_run(run: Run) -> str:
    """The state of a run as displayed, with a remark if a user should know more."""
    if run.elsewhere:
        return f"{run.state} (another user's)"
    if run.silent_seconds is not None:
        return f"{run.state} (does not answer)"
    return f"{run.state} (forced)" if run.forced else run.state


def state_of_experiment(experiment: Experiment) -> str:
    """The state of an experiment as displayed, with the first remark about a run in this state."""
    texts = (state_of_run(run) for run in experiment.runs if run.state == experiment.state)
    return next((text for text in texts if text != experiment.state), experiment.state)
