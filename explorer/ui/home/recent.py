"""The demo button and the latest experiments."""

import streamlit as st

from explorer.training.presets import PRESETS
from explorer.ui import cached
from explorer.ui.errors import fragment, readable_errors
from explorer.ui.navigation import page
from explorer.ui.widgets.experiment_links import link
from explorer.ui.widgets.refresh import POLL_SECONDS, start_queued
from explorer.ui.widgets.start import start_and_open

SHOWN = 4


def demo() -> None:
    """A button that starts the one-minute demo, and links to what else to begin with."""
    preset = PRESETS["one_minute"]
    recipe = preset.plan.recipe
    with st.container(border=True):
        st.markdown("#### See it in one minute")
        st.markdown(
            f"Plain and residual networks of 20, 32 and 56 layers on handwritten digits, {len(preset.plan.seeds)} "
            f"seeds, {recipe.steps} steps. At the end it says what the runs show, and what they cannot."
        )
        if st.button("Start the one-minute demo", type="primary", icon=":material/play_arrow:", key="demo"):
            start_and_open(preset.plan, "degradation")
        st.page_link(page("degradation"), label="Or see networks already trained", icon=":material/trending_up:")
        st.page_link(page("train"), label="Or choose your own networks, data and recipe", icon=":material/tune:")


def recent() -> None:
    """Links to the latest experiments, refreshed while one of them is active."""
    active = any(each.active for each in cached.experiments())
    fragment(_recent, run_every=POLL_SECONDS if active else None)()


def _recent() -> None:
    with readable_errors():
        start_queued()
    found = [each for each in cached.experiments() if each.state != "shipped"]
    st.markdown("#### Latest experiments")
    if not found:
        st.caption("None yet. Start the one-minute demo: it will be listed here and on the Runs page.")
        return
    for each in found[:SHOWN]:
        with st.container(border=True):
            link(each)
    if len(found) > SHOWN:
        st.page_link(page("runs"), label=f"All {len(found)} experiments", icon=":material/list:")
