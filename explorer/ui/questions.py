"""Questions that need PyTorch, and how a page waits for their answers."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer.training.plan import Plan
from explorer.ui.errors import fragment
from explorer.ui.pytorch import Answer, pytorch

POLL_SECONDS = 0.5


def device() -> Answer:
    """The facts of `training.devices.device_facts`."""
    return pytorch.ask("explorer.training.devices:device_facts")


def time_estimate(plan: Plan) -> Answer:
    """A `training.estimate.Estimate` of a plan, as a dictionary."""
    return pytorch.ask("explorer.training.estimate:time_estimate", plan)


def construction(checkpoint: str, depth: int) -> Answer:
    """A `construct.Construction`, as a dictionary."""
    return pytorch.ask("explorer.construct:identity", checkpoint, depth)


def study(name: str, references: Sequence[str], *arguments: Any, **options: Any) -> Answer:
    """The table that a function of `inspection` gives for some networks."""
    return pytorch.ask(f"explorer.inspection:{name}", tuple(references), *arguments, **options)


def show_answer(answer: Answer, waiting: str, show: Callable[[Any], None]) -> None:
    """Draw what an answer says with `show`, and the text `waiting` until it is there."""
    pending = answer.pending

    def part() -> None:
        if answer.pending:
            st.markdown(waiting)
            return
        if pending:
            st.rerun()  # ends the polling
        if answer.failure is not None:
            raise answer.failure
        show(answer.value)

    fragment(part, run_every=POLL_SECONDS if pending else None)()
