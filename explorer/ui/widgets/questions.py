"""Questions that need PyTorch, and how a page waits for their answers."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.compute.client import Answer, pytorch
from explorer.models.config import NetworkConfig
from explorer.training.plan import Plan
from explorer.ui.errors import fragment

POLL_SECONDS = 0.3
LONG_SECONDS = 2.5  # from here on a reader wonders what takes so long


def device() -> Answer:
    """The facts of `training.devices.device_facts`."""
    return pytorch.ask("explorer.training.devices:device_facts")


def time_estimate(plan: Plan) -> Answer:
    """A `training.estimate.Estimate` of a plan, as a dictionary."""
    return pytorch.ask("explorer.training.estimate:time_estimate", plan)


def network_cost(config: NetworkConfig, *, image_size: int, batch_size: int) -> Answer:
    """A `training.estimate.NetworkCost`, as a dictionary."""
    return pytorch.ask("explorer.training.estimate:network_cost", config, image_size=image_size, batch_size=batch_size)


def onnx_file(reference: str, path: Path, *, image_size: int) -> Answer:
    """A `runs.onnx_files.OnnxFile`, as a dictionary; the file is at `path` then."""
    return pytorch.ask("explorer.runs.onnx_files:export_onnx", reference, path, image_size=image_size)


def construction(checkpoint: str, depth: int) -> Answer:
    """A `construct.Construction`, as a dictionary."""
    return pytorch.ask("explorer.studies.identity:identity", checkpoint, depth)


def imported(path: str, **options: Any) -> Answer:
    """An `imports.Imported`, as a dictionary; the checkpoint is there then."""
    return pytorch.ask("explorer.weights.importing:import_checkpoint", path, **options)


def pretrained(name: str, file: str | None) -> Answer:
    """The same of weights of torchvision."""
    return pytorch.ask("explorer.weights.torchvision:load_pretrained", name, file)


def attribution(name: str, *arguments: Any, **options: Any) -> Answer:
    """What a function of `attribution_maps` gives, dataclasses as dictionaries."""
    return pytorch.ask(f"explorer.studies.attributions:{name}", *arguments, **options)


def predictions(reference: str, *, data: str, images: int) -> Answer:
    """The table of `predictions` for one network."""
    return pytorch.ask("explorer.studies.predictions:predictions", (reference,), data=data, images=images)


def evaluation(reference: str, **options: Any) -> Answer:
    """The `evaluations.Evaluation` of one network, as a dictionary."""
    return pytorch.ask("explorer.studies.evaluations:evaluation", reference, **options)


def ensemble(references: Sequence[str], **options: Any) -> Answer:
    """The `evaluations.Ensemble` of some networks, as a dictionary."""
    return pytorch.ask("explorer.studies.evaluations:ensemble", tuple(references), **options)


def study(name: str, references: Sequence[str], *arguments: Any, **options: Any) -> Answer:
    """The table that a function of `inspection` gives for some networks."""
    return pytorch.ask(f"explorer.studies.layers:{name}", tuple(references), *arguments, **options)


def awaited(answers: Sequence[Answer], doing: str) -> Sequence[Answer]:
    """The answers once all are there, or cancelled; until then `doing` says how far they are.

    What stands on the page stays meanwhile. Where the reader goes on to something else, calls that have not begun are
    withdrawn, and the one that has is ended.
    """
    begun, long = time.monotonic(), False
    try:
        place, button = st.empty(), st.empty()
        while pending := [each for each in answers if each.pending]:
            done = len(answers) - len(pending)
            part = (done + sum(each.progress for each in pending)) / len(answers)
            counted = f"{done} of {len(answers)}" if len(answers) > 1 else f"{part:.0%}"
            place.progress(part, f"{doing}: {counted} ...{_reason(pending, part) if long else ''}")
            if not long and time.monotonic() - begun > LONG_SECONDS:
                long = True
                with button:
                    _cancel_button(answers, doing)
            pending[0].wait(POLL_SECONDS)
    finally:
        for each in answers:
            if each.pending:
                pytorch.withdraw(each)
    place.empty()
    button.empty()
    _offer_again([each for each in answers if each.cancelled], doing)
    return answers


def _reason(pending: Sequence[Answer], part: float) -> str:
    """Why it takes so long, as far as that can be known."""
    if pytorch.silent:
        return f" {_silence()}"
    if part > 0:
        return ""
    if any(each.begun for each in pending):
        return " PyTorch and the images are loaded once."
    return " What was asked for before, here or on another page, comes first."


def _silence() -> str:
    return f"PyTorch has not answered for {pytorch.silent:.0f} s; *Cancel* ends it and starts a new one."


def _offer_again(cancelled: Sequence[Answer], doing: str) -> None:
    if cancelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":gray[{doing}: cancelled.]", width="content")
            if st.button(
                "Compute", icon=":material/play_arrow:", key=f"again {doing}", on_click=_each,
                args=(pytorch.forget, cancelled),
            ):  # fmt: skip
                st.rerun()  # the page asks anew, also where the button is in a part that runs alone


def _each(act: Callable[[Answer], None], answers: Sequence[Answer]) -> None:
    for answer in answers:
        act(answer)


def show_answer(answer: Answer, waiting: str, show: Callable[[Any], None]) -> None:
    """Draw what an answer says with `show`, and the text `waiting` until it is there."""
    pending = answer.pending

    def part() -> None:
        if answer.pending:
            st.markdown(waiting)
            if pytorch.silent:
                st.markdown(_silence())
                _cancel_button([answer], waiting)
            return
        if pending:
            st.rerun()  # ends the polling
        if answer.cancelled:
            _offer_again([answer], waiting)
            return
        if answer.failure is not None:
            raise answer.failure
        show(answer.value)

    fragment(part, run_every=POLL_SECONDS if pending else None)()


def _cancel_button(answers: Sequence[Answer], doing: str) -> None:
    st.button(
        "Cancel", icon=":material/close:", key=f"cancel {doing}", on_click=_each, args=(pytorch.cancel, answers)
    )  # fmt: skip
