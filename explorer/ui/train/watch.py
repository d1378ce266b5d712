"""One experiment as it trains: progress, controls, curves."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs.experiments import Experiment
from explorer.runs.store import Run
from explorer.ui import cached
from explorer.ui.navigation import page
from explorer.ui.widgets.chart_choice import choose_chart
from explorer.ui.widgets.curves import curves, curves_view, figure, run_table
from explorer.ui.widgets.experiment_export import export_experiments
from explorer.ui.widgets.in_hand import networks_with_weights
from explorer.ui.widgets.inside import inside
from explorer.ui.widgets.network_choice import MOST
from explorer.ui.widgets.progress import controls, progress
from explorer.ui.widgets.refresh import show_live
from explorer.ui.wording import chip, duration, title


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
        networks = ",".join(networks_with_weights(found, MOST))
        if networks and st.button("Responses", icon=":material/graphic_eq:", type="tertiary", key="to_responses"):
            st.switch_page(page("responses"), query_params={"experiment": experiment_id, "networks": networks})
        st.space("stretch")
        with st.popover("Chart", icon=":material/tune:"):
            choice = choose_chart()

    def show(now: Experiment) -> None:
        _heading(now)
        progress(now)
        _numbers(now)
        curves([now], choice, key=f"curves-{experiment_id}")
        run_table([now])
        inside(now)

    show_live(found, show)
    view = curves_view([found], choice)
    export_experiments([found], view, lambda: figure([found], choice), chart=f"curves-{experiment_id}")


def _heading(found: Experiment) -> None:
    """Title and state, with the buttons that fit the state."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(f"{in_markdown(title(found))} {chip(found)}", anchor=False)
        controls(found)


def _numbers(found: Experiment) -> None:
    """Step, time, speed and learning rate."""
    runs = [run for run in found.runs if run.facts]
    lanes = [_images_and_seconds(each) for each in _by_lane(runs)]
    seconds = max((seconds for _, seconds in lanes), default=0.0)
    speed = sum(images / seconds for images, seconds in lanes if seconds)
    rate = next((run.progress.learning_rate for run in reversed(runs) if run.progress.learning_rate is not None), None)
    with st.grid(4, min_column_width=150):
        st.metric("Step", f"{found.step:,} of {found.steps:,}", help="Of the slowest network; networks take turns.")
        st.metric("Training time", duration(seconds) if seconds else "–", help="All networks; evaluations not counted.")
        st.metric("Images per second", f"{speed:,.0f}" if speed else "–", help="Training alone, all networks together.")
        st.metric("Learning rate", "–" if rate is None else f"{rate:.4g}")


def _by_lane(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each process, which take turns."""
    lanes: defaultdict[int, list[Run]] = defaultdict(list)
    for run in runs:
        lanes[run.facts.lane.number if run.facts and run.facts.lane else 0].append(run)
    return list(lanes.values())


def _images_and_seconds(runs: Sequence[Run]) -> tuple[int, float]:
    images = sum(run.progress.step * int(run.facts.recipe["batch_size"]) for run in runs if run.facts)
    return images, sum(run.progress.seconds for run in runs)
