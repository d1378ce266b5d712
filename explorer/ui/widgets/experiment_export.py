"""Export of experiments: metrics, chart, zip, command."""

import shutil
from collections.abc import Callable

import streamlit as st

from explorer.figures import Figure
from explorer.files import storage_errors, temporary_place
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.scratch import temporary_folder
from explorer.studies import commands
from explorer.studies.degradation import plan_of
from explorer.ui import cached
from explorer.ui.widgets.export import chart_download
from explorer.ui.wording import title


def export_experiment(found: Experiment, draw: Callable[[], Figure]) -> None:
    """Downloads of one experiment, made on request, and its shell command; `draw` makes the chart."""
    with st.container(horizontal=True):
        download_buttons([found], draw)
        st.download_button(
            "Experiment (zip)",
            lambda: _zip(found.id),
            f"{found.id}.zip",
            "application/zip",
            key=f"zip-{found.id}",
            icon=":material/folder_zip:",
            on_click="ignore",
            help="Runs with metrics, snapshots and weights; the Runs page imports it on another machine.",
        )
    facts = found.runs[0].facts
    if facts is not None:
        with st.expander("The same from a shell", icon=":material/terminal:"):
            st.code(commands.train(plan_of([found])), language="bash", wrap_lines=True)


def download_buttons(chosen: list[Experiment], draw: Callable[[], Figure]) -> None:
    """Download buttons for the metrics as CSV and the chart as a standalone page."""
    name = chosen[0].id if len(chosen) == 1 else "experiments"
    runs = tuple(run_id for found in chosen for run_id in found.run_ids)
    st.download_button(
        "Metrics (CSV)",
        lambda: cached.csv(runs),
        f"{name}.csv",
        "text/csv",
        key=f"csv-{name}",
        icon=":material/table:",
        on_click="ignore",
        help="Every recorded step of every run.",
    )
    chart_download(draw, title=", ".join(title(found) for found in chosen), file=name)


def _zip(experiment_id: str) -> bytes:
    with storage_errors(temporary_place() / f"{experiment_id}.zip"):
        folder = temporary_folder(temporary_place(), "explorer-export")
        try:
            return library.export(experiment_id, folder).read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
