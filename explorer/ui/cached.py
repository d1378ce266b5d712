"""Cached reads of experiments and metrics, shared between tabs and at most a second old."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import RunError, StorageError, quoted
from explorer.files import read_end
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.runs.store import Run
from explorer.studies import degradation
from explorer.studies.degradation import Report
from explorer.studies.listing import Errors, run_errors

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


def metrics(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The metrics of several runs, thinned to what a chart can show."""
    found = {run.id: run for each in experiments() for run in each.runs}
    return _metrics(_states(run_ids), [found[run_id] for run_id in run_ids if run_id in found])


def live_layers(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The layers of several runs while they trained."""
    return _live_layers(_states(run_ids), run_ids)


def live_blocks(run_ids: tuple[str, ...]) -> "pd.DataFrame":
    """The residual ledger of several runs while they trained."""
    return _live_blocks(_states(run_ids), run_ids)


def _states(run_ids: tuple[str, ...]) -> str:
    """A text that changes when one of the runs does; Streamlit takes long to hash anything else of hundreds of runs."""
    known = {run.id: (run.state, run.progress.step) for found in experiments() for run in found.runs}
    return repr([(run_id, known.get(run_id)) for run_id in run_ids])


@st.cache_data(show_spinner=False, max_entries=20)
def _metrics(states: str, _runs: list[Run]) -> "pd.DataFrame":
    count = max(1, len(_runs))
    share = max(FEWEST_POINTS, min(1500, LIVE_POINTS // count))
    return library.metrics_of(_runs, points=max(LEAST_ROWS, min(share, MOST_ROWS // count)))


def read_ahead(found: Experiment, probed: tuple[str, ...]) -> None:
    """Ask what the Degradation page asks about a finished experiment first; `probed`: runs whose layers it shows."""
    report(found)
    metrics(found.run_ids)
    errors(found)
    live_layers(probed)


@st.cache_data(show_spinner=False, max_entries=20)
def _live_layers(states: str, _run_ids: tuple[str, ...]) -> "pd.DataFrame":
    return library.live_layers(_run_ids)


@st.cache_data(show_spinner=False, max_entries=20)
def _live_blocks(states: str, _run_ids: tuple[str, ...]) -> "pd.DataFrame":
    return library.live_blocks(_run_ids)


def sampling_note(chosen: Sequence[Experiment]) -> str:
    """A sentence for a caption if `metrics` has single steps of these runs, not averages; else empty."""
    if not library.is_sampled([run for found in chosen for run in found.runs]):
        return ""
    return " Drawn from evenly spaced steps of each run; the CSV file has every step."


def report(found: Experiment) -> Report:
    """The verdicts on depth and shortcuts, computed once for each state of the experiment."""
    return _report(found.id, repr([(run.id, run.state, run.progress.step) for run in found.runs]))


@st.cache_data(show_spinner=False, max_entries=20)
def _report(experiment_id: str, states: str) -> Report:
    return degradation.report([experiment(experiment_id)])


def errors(found: Experiment) -> dict[str, Errors]:
    """`listing.run_errors`, computed once for each state of the experiment."""
    return _errors(repr([(run.id, run.state, run.progress) for run in found.runs]), found)


def ends(chosen: Sequence[Experiment]) -> dict[str, tuple[float, float]]:
    """Training and test error of the runs at the end of their schedule, with which figures end their lines."""
    return {
        run.id: (train, test)
        for found in chosen
        for by_run in [errors(found)]  # once: to look it up in the cache costs time for each run
        for run in found.runs
        for train, test in [by_run[run.id]]
        if run.progress.step == found.steps and train is not None and test is not None
    }


@st.cache_data(show_spinner=False, max_entries=2000)  # small; the Runs page shows those of all experiments
def _errors(states: str, _found: Experiment) -> dict[str, Errors]:
    return run_errors(_found)


def log_tail(path: Path, lines: int) -> str:
    """The end of a worker's log; empty where there is none."""
    try:
        return "\n".join(read_end(path, 20_000).splitlines()[-lines:])
    except (FileNotFoundError, StorageError):
        return ""


def forget() -> None:
    """Clear the caches after a change that the reader should see at once."""
    experiments.clear()
    _metrics.clear()
