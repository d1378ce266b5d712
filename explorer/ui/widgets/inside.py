"""Heat maps of a measure of every layer or block while networks train, from the probes of their runs."""

import streamlit as st

from explorer.figures import layer_steps
from explorer.figures.layer_measures import BLOCK_MEASURES
from explorer.figures.layers.heat_map import MEASURES
from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.widgets.live_chart import live_chart

FIRST_MEASURE = "gradient_norm"  # it changes most; with batch norm every response std starts at one


def _choose_measure() -> str:
    """A field for the measure, kept in the address."""
    return str(
        st.selectbox(
            "Layer measure",
            list(MEASURES),
            index=list(MEASURES).index(FIRST_MEASURE),
            format_func=lambda name: MEASURES[name].title,
            key="inside",
            bind="query-params",
            width=300,
            help="Measured by each probe on the same 64 training images, with batch norm in training mode.",
        )
    )


def inside(found: Experiment, *, explain: bool = True) -> None:
    """The heat maps of an experiment, one per network, up to its latest probe.

    Args:
        found: the experiment.
        explain: show a note where there are none.
    """
    if cached.live_layers(found.run_ids).empty:
        if explain:
            st.caption(
                "The layers were not probed in this training: see *Probe layers while training* among the settings of "
                "the Train page. The Responses page measures the snapshots of any run."
            )
        return
    measure = _choose_measure()
    read = cached.live_blocks if measure in BLOCK_MEASURES else cached.live_layers
    live_chart(
        layer_steps(read(found.run_ids), measure=measure),
        key=f"inside-{found.id}",
        alt=f"{MEASURES[measure].title} of every layer of {', '.join(found.networks)} against steps.",
        filename="inside-the-layers",
    )
