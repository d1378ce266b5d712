"""A report on experiments, made on request."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.compute.client import Call, compute
from explorer.compute.functions import layers
from explorer.export.reports import html
from explorer.export.reports.gathering import gathered
from explorer.export.reports.responses import MOST, OPTIONS, Responses, collected, references
from explorer.runs.experiments import Experiment
from explorer.ui.widgets.export import download
from explorer.ui.widgets.waiting import awaited

NOTE = (
    "One HTML file to hand on: finding, curves, verdicts, networks, recipe and how to repeat it. It opens in any "
    "browser, also offline, and prints well."
)


def report_download(chosen: Sequence[Experiment]) -> None:
    """A button that measures the responses for a report, which takes some seconds, and then one that saves it."""
    name = chosen[0].id if len(chosen) == 1 else "experiments"
    # a run that has trained on gives another report
    key = f"report {hash(tuple((run.id, run.state, run.progress.step) for each in chosen for run in each.runs))}"
    if not st.session_state.get(key):
        networks = min(len(references(chosen)), MOST)
        wait = f" Measuring the responses of {networks} networks takes about {networks + 5} s." if networks else ""
        if not st.button("Report (HTML)", icon=":material/article:", key=f"make {key}", help=f"{NOTE}{wait}"):
            return
        st.session_state[key] = True
    calls = _calls(chosen)
    done = awaited(list(calls.values()), "Measuring the responses for the report") if calls else []
    measured = dict(zip(calls, done, strict=True))

    def measure(reference: str) -> pd.DataFrame:
        return measured[reference].value

    def made() -> str:
        found: Responses = collected(chosen, measure)
        return html.page(gathered(chosen, found))

    download("Save the report (HTML)", made, f"{name}-report.html", "article", note=NOTE)


def _calls(chosen: Sequence[Experiment]) -> dict[str, Call[pd.DataFrame]]:
    """The call of each network by its reference."""
    given = references(chosen)[:MOST]
    return {each: compute.ask(layers.response_std, (each,), **OPTIONS) for each in given}
