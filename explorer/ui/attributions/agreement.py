"""Agreement of maps: of networks under one method, of methods for one network."""

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from explorer.analysis.agreement_finding import agreement_finding
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.compute.client import Call, compute
from explorer.compute.functions import attributions
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import agreement_by_depth, agreement_matrix
from explorer.figures.maps.agreements import AGREEMENTS
from explorer.ui.attributions.method_choice import choose_method, choose_methods, show_meaning
from explorer.ui.attributions.scene import Scene, methods_of, view
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.network_choice import choose_network
from explorer.ui.widgets.presenting import ONE_BEAT, present, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

BETWEEN = {"networks": "Networks", "methods": "Methods"}
IMAGES = {"this": "this picture", 10: "10 test images", 20: "20 test images", 50: "50 test images"}


def show_agreement(scene: Scene) -> None:
    """A matrix of similarities; for networks also agreement against the difference in depth."""
    with scene.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        between = st.segmented_control(
            "Compare", BETWEEN, format_func=BETWEEN.__getitem__, default="networks", required=True, key="between",
            bind="query-params",
        )  # fmt: skip
        on = st.selectbox(
            "Images", IMAGES, format_func=IMAGES.__getitem__, key="agreement-images", bind="query-params", width=200
        )
        measure = str(
            st.selectbox(
                "Measure", list(AGREEMENTS), format_func=AGREEMENTS.__getitem__, key="agreement-measure",
                bind="query-params", width=220,
            )
        )  # fmt: skip
        present(ONE_BEAT)
        one = choose_method(key="agreement-method") if between == "networks" else None
        network = choose_network(scene.chosen) if between == "methods" else None
    with scene.fields:
        chosen = [one] if one is not None else choose_methods()
    images = scene.picture.reference if on == "this" else int(str(on))
    if one is not None:
        if len(scene.chosen) < 2:
            st.info("Choose two networks or more.")
            return
        references = [each.reference(None) for each in scene.chosen]
        data = scene.data if scene.given else ""
        question = Question(one.name, scene.target, data, parameters=one.parameters)
        answer = compute.ask(attributions.agreement_of_networks, tuple(references), images, question)
    elif network is not None:
        if len(chosen) < 2:
            st.info("Choose two methods or more.")
            return
        references = [network.reference(None)]
        questions = tuple(scene.question(network, each, scene.target) for each in chosen)
        answer = compute.ask(attributions.agreement_of_methods, references[0], images, questions)
    on_what = {"image": scene.picture.reference} if on == "this" else {"images": int(str(on))}
    shown = view("agreement", references, scene, methods=methods_of(chosen), **on_what)
    _show(answer, measure, scene, replace(shown, look={"measure": measure}))
    if scene.target is None:
        st.caption("All maps of an image explain its true class; else the prediction of the first network.")
    show_meaning(chosen)


def _show(answer: Call[pd.DataFrame], measure: str, scene: Scene, shown: View) -> None:
    (answer,) = awaited([answer], "Comparing maps")
    if show_failure(answer):
        return
    table = answer.value
    named = _named(table, scene)
    draw = partial(agreement_matrix, named, measure=measure)
    sentence = agreement_finding(named, measure, AGREEMENTS[measure])
    with stage(in_markdown(sentence)):
        live_chart(draw(), key="agreement", alt=sentence, filename="agreement")
    st.markdown(f"**{in_markdown(sentence)}**")
    if "network_a" in table:
        live_chart(
            agreement_by_depth(table, measure=measure),
            key="agreement-depth",
            alt="Agreement of two networks against their difference in depth.",
            filename="agreement-by-depth",
        )
    if table["images"].max() < 2:
        st.caption("One picture says little about networks: take the mean over test images before drawing conclusions.")
    take_along(replace(shown, text=(in_markdown(sentence),)), table, draw, name="agreement", chart="agreement")


def _named(table: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """With the titles of methods and the labels of networks."""
    networks = [each.config.name for each in scene.chosen]
    names = {name: row.title for name, row in METHODS.items()}
    for each in scene.chosen:
        several = networks.count(each.config.name) > 1
        names[each.reference(None)] = each.label.partition(" · ")[0] if not several else each.label
    return table.assign(a=table["a"].map(names), b=table["b"].map(names))
