"""Export of experiments: metrics, chart, zip, command."""

import re
import shutil
from collections.abc import Callable
from functools import partial

import streamlit as st

from explorer.escaping import in_markdown
from explorer.figures import Figure
from explorer.files import storage_errors, temporary_place
from explorer.runs.experiments import Experiment
from explorer.runs.transfer import export
from explorer.scratch import temporary_folder
from explorer.studies import commands
from explorer.studies.degradation import plan_of
from explorer.ui import cached
from explorer.ui.widgets.export import chart_download, download, show_command
from explorer.ui.wording import size, title


def export_experiment(found: Experiment, draw: Callable[[], Figure]) -> None:
    """Downloads of one experiment, made on request, and its shell command; `draw` makes the chart."""
    with st.container(horizontal=True, vertical_alignment="center"):
        download_buttons([found], draw)
        finished = [run for run in found.runs if run.state == "finished"]
        spared = sum(run.snapshot_bytes for run in finished)
        every = st.session_state.get("all_snapshots", False) or not spared
        note = (
            f"About {size(found.bytes - (0 if every else spared))}: runs with metrics, first and last weights"
            f"{' and snapshots' if every else ''}; the Runs page imports it on another machine."
        )
        content = partial(_zip, found.id, all_snapshots=every)
        facts = found.runs[0].facts
        if facts is not None and facts.assignment and facts.origin is None:  # a student's own part
            note += f" It is a part of {in_markdown(facts.assignment)}: give the file to your teacher."
            download("Hand in (zip)", content, f"{_file_name(title(found))}.zip", "assignment_turned_in", note=note)
        else:
            download("Experiment (zip)", content, f"{found.id}.zip", "folder_zip", note=note)
        if spared:
            st.toggle(f"With all snapshots ({size(spared)})", key="all_snapshots")
    if facts is not None:
        show_command(commands.train(plan_of([found])))


def download_buttons(chosen: list[Experiment], draw: Callable[[], Figure]) -> None:
    """Download buttons for the metrics as CSV and the chart as a standalone page."""
    name = chosen[0].id if len(chosen) == 1 else "experiments"
    runs = tuple(run_id for found in chosen for run_id in found.run_ids)
    note = "Every recorded step of every run."
    download("Metrics (CSV)", lambda: cached.csv(runs), f"{name}.csv", "table", note=note)
    chart_download(draw, title=", ".join(title(found) for found in chosen), file=name)


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "experiment"


def _zip(experiment_id: str, *, all_snapshots: bool) -> bytes:
    with storage_errors(temporary_place() / f"{experiment_id}.zip"):
        folder = temporary_folder(temporary_place(), "explorer-export")
        try:
            return export(experiment_id, folder, all_snapshots=all_snapshots).read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
