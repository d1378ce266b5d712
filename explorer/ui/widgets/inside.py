"""Heat maps of a measure of every layer or block while networks train, from the probes of their runs."""

import streamlit as st

from explorer import glossary
from explorer.figures import layer_steps
from explorer.figures.layer_measures import BLOCK_MEASURES
from explorer.figures.layers.heat_map import MEASURES
from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.widgets.live_chart import live_chart

MOST_RUNS = 40  # of which all are read, so that the heading of a map can tell whether there are more seeds
MOST_MAPS = 12
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
            help=glossary.explain("probe", note="Batch norm is in training mode."),
        )
    )


def probed_runs(found: Experiment) -> tuple[str, ...]:
    """Those to read: in an experiment of many runs, the first of each network, up to `MOST_MAPS`."""
    if len(found.runs) <= MOST_RUNS:
        return found.run_ids
    firsts = {run.facts.network.name: run.id for run in reversed(found.runs) if run.facts}
    return tuple(firsts[name] for name in found.networks[:MOST_MAPS])


def inside(found: Experiment, *, explain: bool = True) -> None:
    """The heat maps of an experiment, one per network, up to its latest probe.

    Args:
        found: the experiment.
        explain: show a note where there are none.
    """
    runs = probed_runs(found)
    if cached.live_layers(runs).empty:
        if explain:
            st.caption(
                "The layers were not probed in this training: see *Probe layers while training* among the settings of "
                "the Train page. The Responses page measures the snapshots of any run."
            )
        return
    measure = _choose_measure()
    read = cached.live_blocks if measure in BLOCK_MEASURES else cached.live_layers
    live_chart(
        layer_steps(read(runs), measure=measure),
        key=f"inside-{found.id}",
        alt=f"{MEASURES[measure].title} of every layer of {', '.join(found.networks)} against steps.",
        filename="inside-the-layers",
    )
    if len(runs) < len(found.runs):
        which = "each network" if len(runs) == len(found.networks) else f"the first {len(runs)} networks"
        st.caption(f"Layers: the first run of {which}.")
