"""Similarity of layers by CKA: within and between networks, and between moments of training; its pitfalls."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.analysis.block_findings import outlier_finding, similarity_findings
from explorer.compute.client import Call, compute
from explorer.compute.functions import similarity
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import layer_similarity
from explorer.labels import heading
from explorer.runs.checkpoint_facts import data_of_untrained
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.widgets.moment import WHO_KEEPS, at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate, choose_network
from explorer.ui.widgets.number_field import number_field
from explorer.ui.widgets.presenting import ONE_BEAT, present
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import show_result

FIRST_IMAGES = (50, 250)  # before those asked for
IMAGES = (500, 1000, 2000, 5000)
COMPARED = {"networks": "Networks", "moments": "Moments of training"}
PARTS: dict[Literal["outputs", "interiors", "all"], str] = {
    "outputs": "Outputs",
    "interiors": "Interiors",
    "all": "Both",
}
MOST_MOMENTS = 4
COLUMNS = [*(f"{key}_{side}" for side in "ab" for key in ("reference", "step", "point", "name")), "cka"]
EXAMPLE_COLUMNS = ["distance", "cka", "unbiased_cka", "changed_predictions"]
MOST_MOVED = 100  # of 500 images
LIMITS = (
    "Linear CKA with the unbiased estimator over batches of images, after Kornblith et al. 2019 "
    "([arXiv 1905.00414](https://arxiv.org/abs/1905.00414)) and Nguyen, Raghu and Kornblith 2021 "
    "([arXiv 2010.15327](https://arxiv.org/abs/2010.15327)). It compares the geometry of features, not what can be "
    "read from them: see below."
)
PITFALLS = """
Davari et al. 2023 ([arXiv 2210.16156](https://arxiv.org/abs/2210.16156)) show that CKA can change without any change of
what a network knows, and stay the same where that changes:

- Moving a few images far from the others lowers CKA much, even in a direction that the classifier does not see.
- A high CKA can come from the few directions of largest variance; the class may be read from others.

So a low CKA does not say that two layers know different things, nor a high one that they know the same: compare with
the probes. The example moves the last features of some images in a direction that the classifier does not see; the maps
above show the unbiased estimate.
"""


def show_similarity(choice: BlocksChoice) -> None:
    """Heat maps of CKA, for the chosen networks at the moment of the slider or for the moments of one."""
    with choice.fields:
        compared = st.segmented_control(
            "Compare", COMPARED, format_func=COMPARED.__getitem__, default="networks", required=True,
            key="cka-compared", bind="query-params",
        )  # fmt: skip
        parts = st.segmented_control(
            "Features", PARTS, format_func=PARTS.__getitem__, default="outputs", required=True, key="cka-parts",
            bind="query-params",
            help=glossary.explain(
                "cka", note="Outputs of stem and blocks; interiors are the responses of layers inside blocks."
            ),
        )  # fmt: skip
        images = st.select_slider("Images", IMAGES, value=1000, key="cka-images", bind="query-params")
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def show(references: Sequence[str], data: str) -> None:
        picture, below = st.container(), st.container()
        with below:  # before the picture, whose computation ends this run of the page
            _show_pitfalls(references[-1], data_of_untrained(references, data))

        def ask(count: int, networks: list[str]) -> Call[pd.DataFrame]:
            return compute.ask(similarity.layer_similarity, networks, data=data, images=count, parts=parts)

        def draw(table: pd.DataFrame, taken: list[str]) -> None:
            networks = table.rename(columns={"network_a": "network"})
            show_found(
                table,
                partial(layer_similarity, table),
                similarity_findings(table),
                key="similarity",
                alt=f"Similarity of the layers of {names_of(networks)}.",
                limits=LIMITS,
                view=View("similarity", tuple(taken), {"data": data, "images": images, "parts": parts}),
            )

        with picture:
            counts = [*(count for count in FIRST_IMAGES if count < images), images]
            show_study(references, [partial(ask, count) for count in counts], "Comparing layers", draw)

    if compared == "networks":
        at_moment(choice.networks, lambda step: show(choice.references(step), choice.given), choice.fields)
        return
    with choice.fields:
        references = _choose_moments(choice.networks)
        present(ONE_BEAT)
    if references:
        show(references, choice.given)


def _choose_moments(networks: Sequence[Candidate]) -> list[str]:
    """References to the chosen moments of one network; empty, with the reason, where there are none."""
    several = [each for each in networks if len(each.moments) > 1]
    if not several:
        st.info(f"None of these networks has several moments. Choose others above. {WHO_KEEPS}")
        return []
    chosen_network = choose_network(several, key="cka-network", index=len(several) - 1)
    name, moments = chosen_network.name, chosen_network.moments
    usual = sorted({moments[0], moments[len(moments) // 2], moments[-1]})
    chosen = st.multiselect(
        "Moments, in steps", moments, default=usual, key=f"cka-steps-{name}", bind="query-params",
        max_selections=MOST_MOMENTS, help=glossary.explain("snapshot"),
    )  # fmt: skip
    if not chosen:
        st.info("Choose a moment.")
    return [f"{name}@{step}" for step in sorted(chosen)]


def _show_pitfalls(reference: str, data: str) -> None:
    """What CKA does not say, and an example computed on demand."""
    with st.expander("What CKA does not say", icon=":material/warning:"):
        st.markdown(PITFALLS)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            moved = number_field("Images to move", 1, MOST_MOVED, 2, key="pitfall-moved", width=150)
            if st.button("Compute the example", icon=":material/play_arrow:", key="pitfall-button"):
                st.session_state["pitfall"] = reference
        if st.session_state.get("pitfall") == reference:
            show_result(
                compute.ask(similarity.outlier_example, reference, data=data, moved=moved),
                "Moving images ...",
                lambda table: _show_example(table, reference, data),
            )


def _show_example(table: pd.DataFrame, reference: str, data: str) -> None:
    st.markdown(f"**{in_markdown(outlier_finding(table))}**")
    st.dataframe(
        table[EXAMPLE_COLUMNS], hide_index=True, column_config={name: heading(name) for name in EXAMPLE_COLUMNS}
    )
    view = View("pitfall", (reference,), {"data": data, "moved": int(table["moved"].iloc[0])})
    take_along(view, table, name="pitfall")
