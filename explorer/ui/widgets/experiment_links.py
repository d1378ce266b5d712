"""Links to experiments, with their state and errors."""

import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs.experiments import Experiment
from explorer.studies.listing import network_errors
from explorer.ui import cached
from explorer.ui.navigation import page
from explorer.ui.wording import chip, percent, title, when

MOST_ERRORS = 6  # networks named


def link(each: Experiment) -> None:
    """A link to an experiment: title, state, start, errors."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.page_link(page("train"), label=in_markdown(title(each)), query_params={"experiment": each.id})
        st.markdown(chip(each), width="content")
    means = network_errors(each, cached.errors(each))
    errors = [f"{network} {percent(train)} / {percent(test)}" for network, (train, test) in means.items()]
    said = [f"training / test error: {', '.join(errors[:MOST_ERRORS])}"] if errors else []
    st.caption("  ·  ".join([when(each.created), *said]))
