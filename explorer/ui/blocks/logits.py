"""What each block of a pre-activation network adds to the scores of a picture."""

from functools import partial

import streamlit as st

from explorer import glossary
from explorer.analysis.inside_blocks import contribution_finding, reason_not_additive
from explorer.block_results import LogitParts
from explorer.compute.client import compute
from explorer.compute.functions import features
from explorer.data.pictures import Picture
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import logit_bars
from explorer.ui.blocks.inside_choice import InsideChoice, look_into
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import candidates
from explorer.ui.widgets.presenting import stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

UNTRAINED = "preresnet20"  # offered where there is no trained pre-activation network


def show_logits(inside: InsideChoice) -> None:
    """Bars at the moment of the slider; for networks whose scores are no sum of blocks, the reason and a way on."""
    reason = reason_not_additive(inside.candidate.config)
    if reason:
        _offer_another(inside, reason)
        return
    picture = inside.choose_picture()
    if picture is None:
        return

    def at(step: int | None) -> None:
        reference = inside.candidate.reference(step)
        call = compute.ask(features.contributions, reference, picture.reference, data=inside.data)
        (answer,) = awaited([call], "Taking the scores apart")
        if not show_failure(answer):
            _show(inside, picture, answer.value, reference)

    at_moment([inside.candidate], at, inside.fields)


def _offer_another(inside: InsideChoice, reason: str) -> None:
    trained = [each for each in candidates().values() if each.data == inside.data]
    additive = {each.name: each.label for each in (*inside.networks, *trained) if not reason_not_additive(each.config)}
    offered, label = next(iter(additive.items()), (UNTRAINED, UNTRAINED))
    st.info(
        f"{inside.candidate.config.name} {reason}. In a pre-activation network (He et al. 2016) nothing is applied to "
        "the sum of all branches before the last norm, so that each block has its own share of each score."
    )
    if st.button(f"Take {in_markdown(label)}", icon=":material/add:", on_click=look_into, args=(offered,)):
        st.rerun()
    if not additive:
        st.caption(
            f"{UNTRAINED} is untrained: no pre-activation network trained on these images is on this machine. The "
            "Train page trains one."
        )


def _show(inside: InsideChoice, picture: Picture, found: LogitParts, reference: str) -> None:
    draw = partial(logit_bars, found)
    finding = in_markdown(contribution_finding(found))
    with stage(finding):
        live_chart(
            draw(),
            key="logits",
            alt=f"What each block of {found.network} adds to the scores of {picture.title}.",
            filename=f"{found.network}-logits",
            scales=repr((inside.candidate.name, picture.reference)),
        )
    st.markdown(finding, help=glossary.explain("pre_activation"))
    st.caption(
        "The last norm is linear at its running statistics, and for one picture a ReLU is a mask, so the parts sum to "
        "the score. A part is what a branch puts into the sum; what later blocks make of it counts as theirs."
    )
    view = View("logits", (reference,), {"image": picture.reference, "data": inside.given}, text=(finding,))
    take_along(view, found.table, draw, name="contributions", chart="logits")
