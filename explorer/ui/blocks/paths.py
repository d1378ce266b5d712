"""Paths through networks: how many of each length, and how much gradient they carry."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.analysis.block_findings import path_findings
from explorer.compute.client import Call, compute
from explorer.compute.functions import paths
from explorer.export.views import View
from explorer.figures import path_lengths
from explorer.ui.address import write_address
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, candidates

FIRST_SAMPLES = 2  # a first picture within a second or two
SAMPLES = (20, 50, 100)
DEPTHS = (20, 56, 110)  # those that He et al. 2015 and Veit et al. 2016 compare
LIMITS = (
    "One image and one path at a time, with the statistics of batch norm held, so that the gradients of all paths sum "
    "to the whole gradient; in Veit, Wilber and Belongie 2016 ([arXiv 1605.06431](https://arxiv.org/abs/1605.06431)), "
    "figure 6, they are those of a batch. A gradient says how small changes of the input pass, not what a path has "
    "learnt."
)


def show_paths(choice: BlocksChoice) -> None:
    """Number of paths, gradient of one, and their product, against length, at the moment of the slider."""
    with choice.fields:
        st.button(
            "20, 56 and 110 layers", key="path-depths", on_click=_choose_depths, args=(choice,),
            help="Residual networks of these depths: trained ones where there are some, else untrained ones. Step 0 of "
            "the slider shows all of them untrained.",
        )  # fmt: skip
        samples = st.select_slider(
            "Paths of each length", SAMPLES, key="path-samples", bind="query-params",
            help=glossary.explain("path", note="Drawn at random; lengths with fewer paths take all of them."),
        )  # fmt: skip
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def at(step: int | None) -> None:
        def ask(count: int, references: list[str]) -> Call[pd.DataFrame]:
            return compute.ask(paths.path_gradients, references, data=choice.given, samples=count)

        show_study(
            choice.references(step),
            [partial(ask, count) for count in (FIRST_SAMPLES, samples)],
            "Measuring gradients along paths",
            lambda table, references: _show(table, references, choice),
        )

    at_moment(choice.networks, at, choice.fields)


def _choose_depths(choice: BlocksChoice) -> None:
    """Residual networks of three depths, with weights on the data of the chosen ones if there are any."""
    data = {each.data for each in choice.networks if each.data}
    trained = {
        each.config.depth: each.name
        for each in reversed(candidates().values())  # the newest last, which stays
        if each.data in data and each.config.name == f"resnet{each.config.depth}"
    }
    write_address("twins", ",".join(trained.get(depth, f"resnet{depth}") for depth in DEPTHS))


def _show(table: pd.DataFrame, references: list[str], choice: BlocksChoice) -> None:
    show_found(
        table,
        partial(path_lengths, table),
        path_findings(table),
        key="paths",
        alt=f"Number and gradient of paths through {names_of(table)}.",
        limits=LIMITS,
        view=View("paths", tuple(references), {"data": choice.given, "samples": int(table["sampled"].max())}),
        scales=repr((choice.given, [each.name for each in choice.networks])),
    )
