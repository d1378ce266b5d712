"""Cost of training a network on this machine: memory from its structure, time from a short measurement."""

import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import estimate
from explorer.models.config import NetworkConfig
from explorer.results import NetworkCost
from explorer.ui.build.choice import BuildChoice
from explorer.ui.widgets.waiting import awaited, show_failure
from explorer.ui.wording import size

BATCHES = (1, 8, 32, 64, 128, 256)
USUAL_BATCH = 128  # as in He et al. 2015


def show_cost(choice: BuildChoice) -> None:
    """Memory and seconds of a training step, on request: measuring takes some seconds."""
    batch = int(
        st.select_slider("Batch size", BATCHES, value=USUAL_BATCH, key="build_batch", bind="query-params", width=420)
    )
    wanted = [(config.name, choice.image_size, batch, config.classes) for config in choice.configs]
    if st.session_state.get("build_measured") != wanted:
        st.markdown("Each network is trained for a few steps on random images, which takes two to ten seconds.")
        if st.button("Measure on this machine", icon=":material/timer:", key="build_measure", type="primary"):
            st.session_state.build_measured = wanted
            st.rerun()
        return
    calls = [
        compute.ask(estimate.network_cost, config, image_size=choice.image_size, batch_size=batch)
        for config in choice.configs
    ]
    for config, call in zip(choice.configs, awaited(calls, "Measuring training steps"), strict=True):
        if not show_failure(call):
            _cost(config, call.value, batch)


def _cost(config: NetworkConfig, found: NetworkCost, batch: int) -> None:
    with st.container(border=True):
        st.markdown(f"**{config.name}** on {found.device}, {found.precision}")
        with st.container(horizontal=True):
            st.metric(f"Step of {batch} images", _seconds(found.step_seconds))
            st.metric("Evaluation of an image", _seconds(found.evaluation_seconds))
            st.metric("Memory of a step", size(found.training_bytes))
            st.metric("Available memory", size(found.available_bytes))
        if found.recomputes:
            st.caption(
                "This is much of the available memory, so blocks will use activation checkpointing (activations are "
                f"recomputed in the backward pass), which takes {size(found.recomputed_bytes)} and more time."
            )


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:,.3g} ms" if seconds < 1 else f"{seconds:,.3g} s"
