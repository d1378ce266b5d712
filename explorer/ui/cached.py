"""Cached reads of experiments and metrics, shared between tabs and at most a second old."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import RunError, StorageError, quoted
from explorer.files import read_end
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.studies import degradation
from explorer.studies.degradation import Report

if TYPE_CHECKING:
    import pandas as pd

FRESH_SECONDS = 0.8
LIVE_POINTS = 6000  # in one chart; each run gets its share, but at least
FEWEST_POINTS = 150
MOST_ROWS = 60_000  # read for one chart, as far as each run keeps
LEAST_ROWS = 20


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)  # shared without a copy: they cannot be changed
def experiments() -> list[Experiment]:
    """All experiments, the newest first."""
    return library.list_experiments()


def experiment(experiment_id: str) -> Experiment:
    """The experiment with this id.

    Raises:
        RunError: there is none.
    """
    for found in experiments():
        if found.id == experiment_id:
            return found
    raise RunError(f"There is no experiment {quoted(experiment_id)} any more. The Runs page lists all experiments.")


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False, max_entries=20)
def metrics(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The metrics of several runs, thinned to what a chart can show."""
    count = max(1, len(run_ids))
    share = max(FEWEST_POINTS, min(1500, LIVE_POINTS // count))
    return library.metrics(run_ids, points=max(LEAST_ROWS, min(share, MOST_ROWS // count)))


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False, max_entries=20)
def live_layers(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The layers of several runs while they trained."""
    return library.live_layers(run_ids)


@st.cache_data(ttl=FRESH_SECONDS, show_spinner=False, max_entries=20)
def live_blocks(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The residual ledger of several runs while they trained."""
    return library.live_blocks(run_ids)


def sampling_note(chosen: Sequence[Experiment]) -> str:
    """A sentence that says that `metrics` has only some of the steps of these runs, not their averages; else empty."""
    runs = [run for found in chosen for run in found.runs]
    if not library.is_sampled(runs):
        return ""
    return f" The {len(runs):,} runs are drawn from evenly spaced steps; the CSV file has every step."


def report(found: Experiment) -> Report:
    """The verdicts on depth and shortcuts, computed once for each state of the experiment."""
    return _report(found.id, tuple((run.id, run.state, run.progress.step) for run in found.runs))


@st.cache_data(show_spinner=False, max_entries=20)
def _report(experiment_id: str, progress: tuple[tuple[str, str, int], ...]) -> Report:
    return degradation.report([experiment(experiment_id)])


def csv(run_ids: tuple[str, ...]) -> str:
    """Every recorded step of several runs."""
    return library.metrics(run_ids, points=None).to_csv(index=False)


def log_tail(path: Path, lines: int) -> str:
    """The end of a worker's log; empty where there is none."""
    try:
        return "\n".join(read_end(path, 20_000).splitlines()[-lines:])
    except (FileNotFoundError, StorageError):
        return ""


def forget() -> None:
    """Clear the caches after a change that the reader should see at once."""
    experiments.clear()
    metrics.clear()
