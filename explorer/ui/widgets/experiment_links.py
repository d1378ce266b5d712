"""Links to experiments, with their state and errors."""

import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs.experiments import Experiment
from explorer.ui.navigation import page
from explorer.ui.wording import chip, percent, title, when


def link(each: Experiment) -> None:
    """A link to an experiment: title, state, start, test errors."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.page_link(page("train"), label=in_markdown(title(each)), query_params={"experiment": each.id})
        st.markdown(chip(each), width="content")
    errors = [
        f"{run.facts.network.name} {percent(run.progress.test_error)}"
        for run in each.runs
        if run.facts and run.progress.test_error is not None
    ]
    st.caption("  ·  ".join([when(each.created), *([f"test error: {', '.join(errors[:6])}"] if errors else [])]))
