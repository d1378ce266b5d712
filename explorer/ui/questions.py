"""Questions that need PyTorch, and how a page waits for their answers."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer.training.plan import Plan
from explorer.ui.errors import fragment
from explorer.ui.pytorch import Answer, pytorch

POLL_SECONDS = 0.3
LONG_SECONDS = 2.5  # from here on a reader wonders what takes so long


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


def awaited(answers: Sequence[Answer], doing: str) -> Sequence[Answer]:
    """The answers once all are there; until then `doing` says how many are.

    What stands on the page stays meanwhile. Where the reader goes on to something else, calls that have not begun are
    withdrawn.
    """
    place = st.empty()
    begun = time.monotonic()
    try:
        while pending := [each for each in answers if each.pending]:
            done = len(answers) - len(pending)
            loading = " PyTorch and the images are loaded once." if time.monotonic() - begun > LONG_SECONDS else ""
            place.markdown(f":gray[:material/hourglass_top: {doing}: {done} of {len(answers)} ...{loading}]")
            pending[0].wait(POLL_SECONDS)
    finally:
        for each in answers:
            if each.pending:
                pytorch.withdraw(each)
    place.empty()
    return answers


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
