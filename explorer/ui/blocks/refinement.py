"""Refinement within stages: directions of blocks, their distance from the stage's last output, blocks repeated."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.analysis.block_findings import iteration_findings, refinement_findings
from explorer.compute.client import Call, compute
from explorer.compute.functions import refinement
from explorer.export.views import View
from explorer.figures import iterated_blocks, refinement_profiles
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK
from explorer.ui.widgets.number_field import number_field

FIRST_IMAGES = 50  # a first picture within a second or two
IMAGES = (200, 500, 1000, 2000)
MOST_TIMES = 50
SHOWN = {"direction": "Directions", "repeated": "Repeated blocks"}
LAST = "Last of each stage"
LIMITS = (
    "Left: the cosine of F(x) and the negative gradient of an image's loss with respect to x, after Jastrzebski et al. "
    "2018 ([arXiv 1710.04773](https://arxiv.org/abs/1710.04773)); at random it would be within about ±0.02. A block "
    "counts as pointing downhill if its cosine is above zero for three quarters of the images. Right: how far the "
    "output of a block is from the last one of its stage, after Greff et al. 2017 "
    "([arXiv 1612.07771](https://arxiv.org/abs/1612.07771)); it also falls where each block adds new features."
)
REPEATED_LIMITS = (
    "After Jastrzebski et al. 2018 ([arXiv 1710.04773](https://arxiv.org/abs/1710.04773)), section 4.3: norms keep the "
    "running statistics of a single application, so errors also rise because the statistics no longer fit."
)


def show_refinement(choice: BlocksChoice) -> None:
    """Directions and distances of all blocks, or the error with a block repeated, at the moment of the slider."""
    stage, most = 0, 5
    with choice.fields:
        shown = st.segmented_control(
            "Show", SHOWN, format_func=SHOWN.__getitem__, default="direction", required=True, key="refinement-shown",
            bind="query-params", wrap=True, help=glossary.explain("refinement"),
        )  # fmt: skip
        repeated = shown == "repeated"
        if repeated:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                stages = max((len(each.config.stage_blocks) for each in choice.networks), default=1)
                offered = [LAST, *(f"All of stage {number + 1}" for number in range(stages))]
                blocks = st.selectbox("Blocks", offered, key="refinement-blocks", bind="query-params", width=200)
                stage = offered.index(blocks or LAST)
                most = number_field("Times at most", 2, MOST_TIMES, 5, key="refinement-times", width=130)
        images = st.select_slider("Test images", IMAGES, value=500, key="refinement-images", bind="query-params")
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def at(step: int | None) -> None:
        def ask(count: int, references: list[str]) -> Call[pd.DataFrame]:
            if repeated:
                return compute.ask(
                    refinement.iterated, references, data=choice.given, images=count, stage=stage, most=most
                )
            return compute.ask(refinement.refinement, references, data=choice.given, images=count)

        def show(table: pd.DataFrame, references: list[str]) -> None:
            figure, find = (
                (iterated_blocks, iteration_findings) if repeated else (refinement_profiles, refinement_findings)
            )
            show_found(
                table,
                partial(figure, table),
                find(table),
                key="repeated" if repeated else "refinement",
                alt=f"{SHOWN[str(shown)]} in {names_of(table)}.",
                limits=REPEATED_LIMITS if repeated else LIMITS,
                view=View(
                    "repeated" if repeated else "refinement",
                    tuple(references),
                    {"data": choice.given, "images": images}
                    | ({"stage": stage or None, "most": most} if repeated else {}),
                ),
                scales=repr((shown, stage, most, choice.given, [each.name for each in choice.networks])),
            )

        asks = [partial(ask, count) for count in (FIRST_IMAGES, images)]
        show_study(choice.references(step), asks, "Measuring blocks", show)

    at_moment(choice.networks, at, choice.fields)
