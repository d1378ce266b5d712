"""Experiments on a page, refreshed while they train."""

from collections.abc import Callable

import streamlit as st

from explorer.runs.experiments import Experiment
from explorer.training import launch
from explorer.ui import cached
from explorer.ui.errors import fragment, readable_errors

POLL_SECONDS = 2.0  # a poll and its chart cost a third of a second on the cores that train
SECONDS_PER_RUN = 0.03  # more for each run: a poll of 300 that train costs a second


def start_queued() -> None:
    """Start the next experiment in the queue once nothing trains; called by every page that polls."""
    if any(run.state in ("queued", "starting", "crashed") for found in cached.experiments() for run in found.runs):
        _start_next()


@st.cache_data(ttl=3, show_spinner=False)
def _start_next() -> None:
    launch.start_next()


def show_live(found: Experiment, show: Callable[[Experiment], None]) -> None:
    """Show an experiment, refreshed while it is active; the page reruns when that changes."""

    def part() -> None:
        with readable_errors():
            start_queued()
        now = cached.experiment(found.id)
        if now.active != found.active:
            st.rerun()
        show(now)

    fragment(part, run_every=POLL_SECONDS + SECONDS_PER_RUN * len(found.runs) if found.active else None)()
