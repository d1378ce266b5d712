"""What happens inside networks while they train: a heat map of a measure of every layer or block, step by step."""

import streamlit as st

from explorer.figures import layer_steps
from explorer.figures.layer_measures import BLOCK_MEASURES
from explorer.figures.layers.heat_map import MEASURES
from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.widgets.live_chart import live_chart

FIRST_MEASURE = "gradient_norm"  # it moves most; with batch norm every response starts with spread one


def choose_inside() -> str:
    """The measure to be shown, kept in the address."""
    return str(
        st.selectbox(
            "Inside the layers",
            list(MEASURES),
            index=list(MEASURES).index(FIRST_MEASURE),
            format_func=lambda name: MEASURES[name].title,
            key="inside",
            bind="query-params",
            width=300,
            help="Measured every so many steps on the same 64 training images, batch norm as in training.",
        )
    )


def inside(found: Experiment, *, explain: bool = True) -> None:
    """The heat maps of an experiment, a panel a network, as far as it was looked into.

    Args:
        found: the experiment.
        explain: say why there are none, instead of showing nothing.
    """
    if cached.live_layers(found.run_ids).empty:
        if explain:
            st.caption(
                "The layers were not looked at in this training. *Look inside while training*, among the settings of "
                "the Train page, does so; the Responses page looks into the snapshots of any run."
            )
        return
    measure = choose_inside()
    read = cached.live_blocks if measure in BLOCK_MEASURES else cached.live_layers
    live_chart(
        layer_steps(read(found.run_ids), measure=measure),
        key=f"inside-{found.id}",
        alt=f"{MEASURES[measure].title} of every layer of {', '.join(found.networks)} against steps.",
        filename="inside-the-layers",
    )
