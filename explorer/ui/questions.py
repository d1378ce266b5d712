"""Questions that need PyTorch, asked in a process of their own, so that the server stays quick and light."""

import json
import subprocess
import sys
from collections.abc import Callable
from threading import Thread
from typing import Any

import streamlit as st

from explorer.errors import ExplorerError
from explorer.files import PROJECT
from explorer.training.plan import Plan
from explorer.ui.errors import fragment

POLL_SECONDS = 0.5


class Answer:
    """What a process prints as JSON, once it has: `value`, or the reason why there is none in `failure`."""

    def __init__(self, arguments: list[str], question: str = "") -> None:
        self.value: dict[str, Any] | None = None
        self.failure = ""
        Thread(target=self._ask, args=([sys.executable, *arguments], question), daemon=True).start()

    @property
    def pending(self) -> bool:
        return self.value is None and not self.failure

    def _ask(self, command: list[str], question: str) -> None:
        done = subprocess.run(command, input=question, capture_output=True, text=True, cwd=PROJECT, check=False)
        try:
            self.value = json.loads(done.stdout)
        except ValueError:
            self.failure = (done.stderr.strip().splitlines() or ["no answer"])[-1]


@st.cache_resource(show_spinner=False)
def device() -> Answer:
    """The facts of `training.devices.device_facts`."""
    return Answer(["-m", "explorer", "device", "--json"])


@st.cache_resource(show_spinner=False, max_entries=100)
def time_estimate(plan: Plan) -> Answer:
    """A `training.estimate.Estimate` of a plan, as a dictionary."""
    return Answer(["-m", "explorer.training.estimate"], plan.model_dump_json())


@st.cache_resource(show_spinner=False, max_entries=100)
def gradients(experiment_id: str, step: int) -> Answer:
    """The layers' gradients of an experiment that is at `step`: {"layers": rows of `degradation.gradients`}."""
    return Answer(["-m", "explorer", "degradation", "gradients", experiment_id, "--json"])


@st.cache_resource(show_spinner=False, max_entries=100)
def construction(checkpoint: str, depth: int) -> Answer:
    """A `construct.Construction`, as a dictionary."""
    return Answer(["-m", "explorer", "construct", "identity", checkpoint, "--depth", str(depth), "--json"])


def show_answer(answer: Answer, waiting: str, show: Callable[[dict[str, Any]], None]) -> None:
    """Draw what an answer says with `show`, and the text `waiting` until it is there."""
    pending = answer.pending

    def part() -> None:
        if answer.pending:
            st.markdown(waiting)
            return
        if pending:
            st.rerun()  # ends the polling
        if answer.value is None:
            raise ExplorerError(
                f"PyTorch did not answer: {answer.failure}. Try again; `make test-fast` checks the set-up."
            )
        show(answer.value)

    fragment(part, run_every=POLL_SECONDS if pending else None)()
