"""Caveats of a comparison: confounds, each with a button that removes it."""

from collections.abc import Sequence

import streamlit as st

from explorer.analysis.confounds import Confound
from explorer.escaping import message_in_markdown
from explorer.studies.degradation import without
from explorer.training.plan import Plan

CHOSEN_PLAN = "lab_plan"  # session state: a plan without a confound, to be started instead of a preset


def show_caveats(found: Sequence[Confound], plan: Plan, *, key: str) -> bool:
    """The confounds of `plan`; each button proposes a plan without one on the Degradation page.

    Returns:
        Whether a button was pressed.
    """
    pressed = False
    for confound in found:
        with st.container(border=True, gap="small"):
            st.markdown(f":orange[:material/warning:] {message_in_markdown(confound.reason)}")
            st.caption(confound.source)
            pressed |= st.button(
                confound.remedy,
                icon=":material/build:",
                key=f"{key}-{confound.name}",
                on_click=_propose,
                args=(plan, confound),
            )
    return pressed


def _propose(plan: Plan, confound: Confound) -> None:
    st.session_state[CHOSEN_PLAN] = without(plan, confound)
