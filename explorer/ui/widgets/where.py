"""The fields for where an experiment trains."""

import streamlit as st

from explorer import glossary
from explorer.errors import ExplorerError
from explorer.escaping import message_in_markdown
from explorer.runs.facts import HERE, Where
from explorer.training.engines.catalogue import ENGINES
from explorer.ui.widgets.number_field import number_field

MOST_LANES = 64
MOST_GPUS = 8.0


def where_choice() -> tuple[Where, bool]:
    """Draw the fields; gives the choice and whether experiments can train there, with the reason shown if not."""
    name = str(
        st.selectbox(
            "Where",
            list(ENGINES),
            format_func=lambda key: ENGINES[key].title,
            help="Results are the same. On a cluster every run trains in one thread on a node of its own choice, and "
            "its page shows it live.",
            key="where",
            bind="query-params",
        )
    )
    try:
        if ENGINES[name].here:
            lanes = number_field(
                "Processes", 1, MOST_LANES, None, key="lanes", placeholder="automatic",
                help=glossary.explain("process", note="Automatic: by cores, memory and runs."),
            )  # fmt: skip
            return Where(lanes=lanes or 0), True
        gpus = number_field(
            "GPUs for each run", 0.0, MOST_GPUS, 0.0, key="gpus", fraction=True, step=0.25,
            help="0.25 lets four runs share a GPU of a Ray cluster; 0 trains on processor cores.",
        )  # fmt: skip
        where = Where(engine=name, gpus_per_run=gpus)
        ENGINES[name].require(where)
    except ExplorerError as error:
        st.warning(message_in_markdown(str(error)), icon=":material/cloud_off:")
        return HERE, False
    return where, True
