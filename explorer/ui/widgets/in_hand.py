"""The experiment in hand: the one that the reader opened or started last, kept from page to page."""

import streamlit as st

from explorer.errors import quoted
from explorer.escaping import in_markdown
from explorer.runs.checkpoint_facts import moments
from explorer.runs.experiments import Experiment
from explorer.ui import cached, wording
from explorer.ui.address import write_address

KEPT = "experiment_in_hand"  # its id, in the session
MOST_LETTERS = 40  # of its title, on a button


def keep_in_hand() -> None:
    """Keep the experiment of the address for the pages that follow; called before every page."""
    opened = st.query_params.get_all("experiment")
    if len(opened) == 1:
        st.session_state[KEPT] = opened[0]


def in_hand(instead: str) -> Experiment | None:
    """The experiment in hand, whose id is then in the address too; None where there is none.

    Args:
        instead: what the page shows if the experiment is gone, for a warning.
    """
    kept = st.session_state.get(KEPT)
    if kept is None:
        return None
    found = next((each for each in cached.experiments() if each.id == kept), None)
    if found is None:
        st.warning(f"There is no experiment {in_markdown(quoted(kept)[1:-1])} here; {instead}.")
        put_down()
        return None
    write_address("experiment", found.id)
    return found


def put_down() -> None:
    """Have no experiment in hand."""
    st.session_state[KEPT] = None
    write_address("experiment", None)


def way_back(found: Experiment) -> None:
    """A button that names the experiment in hand and leads back to the shipped networks."""
    st.button(
        f"From: {in_markdown(wording.short(wording.title(found), MOST_LETTERS))}",
        icon=":material/close:",
        icon_position="right",
        key="put_down",
        type="tertiary",
        on_click=put_down,
        help="Use the shipped networks instead.",
    )


def networks_with_weights(found: Experiment, most: int) -> list[str]:
    """The first run with weights of each network of an experiment, at most so many."""
    runs = {run.facts.network.name: run.id for run in reversed(found.runs) if run.facts and moments(run)}
    return [runs[name] for name in found.networks if name in runs][:most]
