"""One experiment as it trains: progress, controls, curves."""

import streamlit as st

from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.navigation import page
from explorer.ui.widgets.chart_choice import choose_chart
from explorer.ui.widgets.curves import curves, figure, run_table
from explorer.ui.widgets.experiment_export import export_experiment
from explorer.ui.widgets.inside import inside
from explorer.ui.widgets.network_choice import first_seeds
from explorer.ui.widgets.progress import heading, numbers, progress
from explorer.ui.widgets.refresh import show_live


def watch(experiment_id: str) -> None:
    """Everything about one experiment, refreshed while it is active, and its export."""
    found = cached.experiment(experiment_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("New experiment", icon=":material/add:", type="tertiary", key="new_experiment"):
            st.switch_page(page("train"))
        if st.button("All experiments", icon=":material/list:", type="tertiary", key="all_experiments"):
            st.switch_page(page("runs"))
        if st.button("Race and verdict", icon=":material/trending_up:", type="tertiary", key="to_lab"):
            st.switch_page(page("degradation"), query_params={"experiment": experiment_id})
        networks = ",".join(first_seeds(found))
        if networks and st.button("Responses", icon=":material/graphic_eq:", type="tertiary", key="to_responses"):
            st.switch_page(page("responses"), query_params={"networks": networks})
        st.space("stretch")
        with st.popover("Chart", icon=":material/tune:"):
            choice = choose_chart()

    def show(now: Experiment) -> None:
        heading(now)
        progress(now)
        numbers(now)
        curves([now], choice, key=f"curves-{experiment_id}")
        run_table([now])
        inside(now)

    show_live(found, show)
    export_experiment(found, lambda: figure([found], choice))
