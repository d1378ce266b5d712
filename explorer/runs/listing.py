"""Experiments and runs as table rows: what lists, notebooks and the command line show."""

import pandas as pd

from explorer import tables
from explorer.runs.experiments import Experiment, list_experiments, run_keys
from explorer.runs.store import Run


def experiments() -> pd.DataFrame:
    """All experiments, the newest first: the columns of `tables.EXPERIMENTS`."""
    return pd.DataFrame([experiment_row(found) for found in list_experiments()], columns=tables.EXPERIMENTS)


def experiment_row(experiment: Experiment) -> dict[str, object]:
    """An experiment by the columns of `tables.EXPERIMENTS`; `created` is a UTC time in ISO form, or None."""
    return {
        "id": experiment.id,
        "title": experiment.title,
        "state": experiment.state,
        "networks": list(experiment.networks),
        "seeds": list(experiment.seeds),
        "data": experiment.data,
        "step": experiment.step,
        "steps": experiment.steps,
        "created": experiment.created.isoformat() if experiment.created else None,
    }


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
        "reason": run.damage or (facts.reason if facts else ""),
    }
