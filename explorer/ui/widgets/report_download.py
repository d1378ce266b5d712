"""A report on experiments, made on request."""

from collections.abc import Sequence

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import layers
from explorer.export.reports import html
from explorer.export.reports.gathering import gathered
from explorer.export.reports.responses import MOST, OPTIONS, collected, references
from explorer.runs.experiments import Experiment
from explorer.ui.widgets.take_along import download
from explorer.ui.widgets.waiting import awaited

NOTE = (
    "One HTML file to hand on: finding, curves, verdicts, networks, recipe and how to repeat it. It opens in any "
    "browser, also offline, and prints well."
)


def report_download(chosen: Sequence[Experiment]) -> None:
    """A button that measures the responses for a report, which takes some seconds, and then one that saves it."""
    name = chosen[0].id if len(chosen) == 1 else "experiments"
    key = f"report {' '.join(f'{each.id} {each.state}' for each in chosen)}"
    if key not in st.session_state:
        given = references(chosen)
        count = min(len(given), MOST)
        wait = f" The responses of {count} networks are measured first, a second or two for each." if count else ""
        if not st.button("Report (HTML)", icon=":material/article:", key=f"make {key}", help=f"{NOTE}{wait}"):
            return
        st.session_state[key] = given  # while it trains, others follow
    given = st.session_state[key]
    calls = {each: compute.ask(layers.response_std, (each,), **OPTIONS) for each in given[:MOST]}
    if calls:
        awaited(list(calls.values()), "Measuring the responses for the report")

    def made() -> str:
        return html.page(gathered(chosen, collected(given, lambda reference: calls[reference].value)))

    download("Save the report (HTML)", made, f"{name}-report.html", "article", note=NOTE)
