"""The card with the plan, its estimated time, and Start."""

from typing import NoReturn

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import estimate
from explorer.data.catalogue import data_status
from explorer.escaping import in_markdown, message_in_markdown
from explorer.results import Estimate
from explorer.runs.experiments import Experiment
from explorer.runs.facts import HERE, Where
from explorer.studies import commands
from explorer.studies.degradation import plan_confounds
from explorer.training import launch
from explorer.training.engines.catalogue import ENGINES
from explorer.training.plan import Plan
from explorer.ui import cached
from explorer.ui.names import experiment_name
from explorer.ui.navigation import page
from explorer.ui.widgets.caveats import show_caveats
from explorer.ui.widgets.take_along import show_command
from explorer.ui.widgets.waiting import show_result
from explorer.ui.widgets.where import where_choice
from explorer.ui.wording import duration, processes


def start_panel(plan: Plan, *, opens: str = "train", **query: str) -> None:
    """A card with the plan in words, its estimated time, and the button that starts it.

    Args:
        plan: what Start trains.
        opens: the page that then shows the experiment.
        query: further parameters of that page's address.
    """
    with st.container(border=True):
        images = plan.recipe.train_images or plan.dataset.train_images
        epochs = plan.recipe.steps * plan.recipe.batch_size / images
        seeds = f", {len(plan.seeds)} seeds each" if len(plan.seeds) > 1 else ""
        st.markdown(f"##### {len(plan.networks)} {'network' if len(plan.networks) == 1 else 'networks'}{seeds}")
        st.markdown(
            f"{plan.recipe.steps:,} steps of {plan.recipe.batch_size} images: "
            f"{epochs:,.1f} epochs of {images:,} images of {in_markdown(plan.dataset.title)}."
        )
        status = data_status(plan.data)
        if not status.available:
            st.warning(message_in_markdown(status.detail), icon=":material/download:")
            st.page_link(page("data"), label="To the Data page", icon=":material/arrow_forward:")
        where, possible = where_choice()
        busy = [found for found in cached.experiments() if found.active and _trains_here(found)]
        if busy and ENGINES[where.engine].here:
            st.caption(
                f"{in_markdown(experiment_name(busy[-1]))} is {busy[-1].state}: this one will wait in the queue."
            )
        if st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            disabled=not (status.available and possible),
            key="start",
        ):
            start_and_open(plan, opens, where, **query)
        if ENGINES[where.engine].here:
            _estimate(plan, where.lanes)
    if opens == "train" and len(plan.networks) > 1:
        _caveats(plan)
    show_command(commands.train(plan, where))


def start_and_open(plan: Plan, opens: str, where: Where = HERE, **query: str) -> NoReturn:
    """Start a training and open the page that shows it, with further parameters of that page's address."""
    experiment_id = launch.start(plan, where)
    cached.forget()
    st.switch_page(page(opens), query_params={"experiment": experiment_id} | query)


def _trains_here(found: Experiment) -> bool:
    return any(run.facts is not None and run.facts.where.engine == HERE.engine for run in found.runs)


def _caveats(plan: Plan) -> None:
    """The confounds of a comparison of these networks."""
    found = plan_confounds(plan)
    if found:
        with st.expander(f"Caveats ({len(found)})", icon=":material/warning:"):
            if show_caveats(found, plan, key="train"):
                st.switch_page(page("degradation"))


def _estimate(plan: Plan, lanes: int) -> None:
    """The training time, measured on request: it takes two seconds and the start of PyTorch."""
    measured = plan.model_copy(update={"title": ""}), lanes
    if st.session_state.get("estimated") != measured:
        if st.button("Estimate the time", icon=":material/timer:", key="estimate_time", width="stretch"):
            st.session_state.estimated = measured
            st.rerun()
        return
    waiting = ":gray[:material/timer: Measuring a few steps of each network ...]"
    show_result(compute.ask(estimate.time_estimate, *measured), waiting, _time)


def _time(found: Estimate) -> None:
    slowest = max(found.step_seconds, key=lambda name: found.step_seconds[name])
    st.markdown(f":material/timer: **About {duration(found.seconds)}** on this machine")
    st.caption(
        f"In {processes(found.lanes, found.threads)}. Slowest: {slowest}, "
        f"{1000 * found.step_seconds[slowest]:,.0f} ms per step in {found.precision}. "
        "Start-up and other work on the machine are not counted."
    )
