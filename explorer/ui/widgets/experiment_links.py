"""Links to experiments, with their state and errors."""

from collections import defaultdict
from statistics import fmean

import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.navigation import page
from explorer.ui.wording import chip, percent, title, when

MOST_ERRORS = 6  # networks named


def link(each: Experiment) -> None:
    """A link to an experiment: title, state, start, errors."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.page_link(page("train"), label=in_markdown(title(each)), query_params={"experiment": each.id})
        st.markdown(chip(each), width="content")
    errors = [f"{network} {percent(train)} / {percent(test)}" for network, (train, test) in _means(each).items()]
    said = [f"training / test error: {', '.join(errors[:MOST_ERRORS])}"] if errors else []
    st.caption("  ·  ".join([when(each.created), *said]))


def _means(found: Experiment) -> dict[str, tuple[float, float]]:
    """Training and test error of each network, mean over the seeds that have them."""
    seeds: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    errors = cached.errors(found)
    for run in found.runs:
        train, test = errors[run.id]
        if run.facts and train is not None and test is not None:
            seeds[run.facts.network.name].append((train, test))
    return {name: (fmean(a for a, _ in each), fmean(b for _, b in each)) for name, each in seeds.items()}
