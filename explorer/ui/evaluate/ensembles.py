"""Networks as an ensemble: joint error, contribution of each member, agreement."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.compute.client import compute
from explorer.compute.functions import evaluations
from explorer.escaping import in_markdown
from explorer.figures import member_agreement
from explorer.figures.evaluation.members import PAIR_MEASURES
from explorer.results import Ensemble
from explorer.ui.evaluate.choice import PERCENT, Evaluated, percent
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure


def show_ensemble(evaluated: Evaluated) -> None:
    """The evaluated networks of one data set as an ensemble."""
    data = evaluated.found[0].data
    members = [each for each in evaluated.found if each.data == data]
    if len(members) < 2:
        st.info("Choose two networks or more of one data set.")
        return
    left_out = [evaluated.name(each) for each in evaluated.found if each.data != data]
    if left_out:
        st.caption(f"Left out, because they are evaluated on another data set: {in_markdown(', '.join(left_out))}.")
    choice = evaluated.choice
    (call,) = awaited(
        [
            compute.ask(
                evaluations.ensemble, tuple(each.reference for each in members), data=choice.data or data,
                images=choice.images, crops=choice.crops,
            )
        ],
        "Averaging class probabilities",
    )  # fmt: skip
    if show_failure(call):
        return
    found = call.value
    _numbers(found)
    names = {each.reference: evaluated.name(each) for each in members}
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _members(found.members, names)
        measure = str(
            st.selectbox(
                "How often two networks", list(PAIR_MEASURES), format_func=PAIR_MEASURES.__getitem__, key="pairs",
                bind="query-params", width=260,
            )
        )  # fmt: skip
    pairs = found.pairs.assign(a=found.pairs["a"].map(names), b=found.pairs["b"].map(names))
    draw = partial(member_agreement, pairs, list(names.values()), measure=measure)
    with right:
        alt = f"How often the networks of each pair {PAIR_MEASURES[measure]}."
        live_chart(draw(), key="members", alt=alt, filename="agreement")
    references = [each.reference for each in members]
    view = choice.view("pairs", "pairs", *references, names=references, measure=measure)
    take_along(view, found.pairs, draw, name="ensemble", chart="members")


def _numbers(found: Ensemble) -> None:
    joint, members, shared = found.joint, found.members, found.shared
    best = float(members["error"].min())
    with st.grid(4, min_column_width=190):
        st.metric(
            "Ensemble error",
            percent(joint.error),
            f"{100 * (joint.error - best):+.2f} points from the best member",  # Streamlit reads a hyphen as minus
            delta_color="inverse",
            help=glossary.explain("ensemble", note=f"Standard error {percent(joint.standard_error)}."),
        )
        st.metric(
            "Error of the members",
            f"{percent(best)} to {percent(float(members['error'].max()))}",
            f"mean {percent(float(members['error'].mean()))}",
            delta_color="off",
            delta_arrow="off",
        )
        st.metric("Same class predicted", percent(float(found.pairs["same"].mean())), help="Mean over pairs.")
        st.metric(
            "All members wrong",
            percent(float(shared["fraction"].iloc[-1])),
            help="Images that every member misclassifies: no vote among them can do better.",
        )


def _members(members: pd.DataFrame, names: dict[str, str]) -> None:
    shown = pd.DataFrame(
        {
            "Network": members["reference"].map(names),
            "Error alone": 100 * members["error"],
            "All others together": 100 * members["error_without"],
        }
    )
    st.dataframe(
        shown.dropna(axis="columns", how="all"),  # of two members there are no others together
        hide_index=True,
        column_config={
            "Error alone": st.column_config.NumberColumn(format=PERCENT),
            "All others together": st.column_config.NumberColumn(
                format=PERCENT,
                help="Without this network; if it is lower than the ensemble error, this network does harm.",
            ),
        },
    )
