"""What is taken along of experiments: metrics, chart, zip, commands."""

import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec

import pandas as pd
import streamlit as st

from explorer.errors import BadSettings, RunError
from explorer.escaping import in_markdown
from explorer.export.plans import plan_text
from explorer.export.tensorboard import zipped_tensorboard
from explorer.export.views import View
from explorer.figures import Figure
from explorer.files import storage_errors, temporary_place
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.runs.transfer import export
from explorer.scratch import temporary_folder
from explorer.studies import commands
from explorer.studies.degradation import plan_of
from explorer.ui.widgets.report_download import report_download
from explorer.ui.widgets.take_along import download, show_command, table_download, take_along
from explorer.ui.wording import size, title


def export_experiments(
    chosen: Sequence[Experiment],
    view: View,
    draw: Callable[[], Figure],
    *,
    chart: str,
    table: pd.DataFrame | None = None,
) -> None:
    """The menu of what is taken along; of one experiment also its zip file and the command that trains it.

    Args:
        view: what is shown; draw: makes its chart; chart: key of that on the page.
        table: of the view; None takes every recorded step of every run, read on request.
    """
    name = chosen[0].id if len(chosen) == 1 else "experiments"
    runs = tuple(run_id for found in chosen for run_id in found.run_ids)
    metrics = partial(library.metrics, runs, points=None)
    take_along(
        view,
        metrics if table is None else table,
        draw,
        name=name,
        chart=chart,
        more=partial(_more, chosen, name, metrics=None if table is None else metrics),
        beside=partial(_beside, chosen),
    )
    if len(chosen) == 1:
        with suppress(RunError, BadSettings):  # no plan trains it again
            show_command(commands.train(plan_of(chosen)), "Train the same from a shell")


def _more(chosen: Sequence[Experiment], name: str, metrics: Callable[[], pd.DataFrame] | None) -> None:
    """Further files: metrics where the table is another one, the plan, and what TensorBoard reads."""
    if metrics is not None:
        table_download(metrics, f"{name}-metrics", "Metrics (CSV)")
    if len(chosen) == 1:
        with suppress(RunError):  # no one plan trains them again
            note = "`python -m explorer train --from FILE` or *Plan file* on the Train page trains it again."
            download("Plan (YAML)", plan_text(chosen[0].runs), f"{name}-plan.yaml", "description", note=note)
    if find_spec("tensorboard"):
        runs = [run.id for found in chosen for run in found.runs if run.facts is not None]
        note = "Unpack it into a folder and start `tensorboard --logdir FOLDER`."
        download(
            "TensorBoard (zip)", partial(zipped_tensorboard, runs), f"{name}-tensorboard.zip", "timeline", note=note
        )


def _beside(chosen: Sequence[Experiment]) -> None:
    report_download(chosen)
    if len(chosen) == 1:
        _zip_file(chosen[0])


def _zip_file(found: Experiment) -> None:
    finished = [run for run in found.runs if run.state == "finished"]
    spared = sum(run.snapshot_bytes for run in finished)
    every = st.session_state.get("all_snapshots", False) or not spared
    note = (
        f"About {size(found.bytes - (0 if every else spared))}: runs with metrics, first and last weights"
        f"{' and snapshots' if every else ''}; the Runs page imports it on another machine."
    )
    content, facts = partial(_zip, found.id, all_snapshots=every), found.runs[0].facts
    if facts is not None and facts.assignment and facts.origin is None:  # a student's own part
        note += f" It is a part of {in_markdown(facts.assignment)}: give the file to your teacher."
        download("Hand in (zip)", content, f"{_file_name(title(found))}.zip", "assignment_turned_in", note=note)
    else:
        download("Experiment (zip)", content, f"{found.id}.zip", "folder_zip", note=note)
    if spared:
        st.toggle(f"With all snapshots ({size(spared)})", key="all_snapshots")


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "experiment"


def _zip(experiment_id: str, *, all_snapshots: bool) -> bytes:
    with storage_errors(temporary_place() / f"{experiment_id}.zip"):
        folder = temporary_folder(temporary_place(), "explorer-export")
        try:
            return export(experiment_id, folder, all_snapshots=all_snapshots).read_bytes()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
