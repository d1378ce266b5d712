"""Paths through networks: how many of each length, and how much gradient they carry."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer.compute.client import Call, compute
from explorer.compute.functions import paths
from explorer.figures import path_lengths
from explorer.studies import commands
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.widgets.export import export_buttons
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK
from explorer.ui.widgets.presenting import stage
from explorer.ui.widgets.waiting import coarse_to_fine

FIRST_SAMPLES = 2  # a first picture within a second or two
SAMPLES = (20, 50, 100)


def show_paths(choice: BlocksChoice) -> None:
    """Number of paths, gradient of one, and their product, against length, at the moment of the slider."""
    with choice.fields:
        samples = st.select_slider(
            "Paths of each length", SAMPLES, key="path-samples", bind="query-params",
            help="Drawn at random; lengths with fewer paths take all of them.",
        )  # fmt: skip
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def at(step: int | None) -> None:
        references = choice.references(step)

        def ask(count: int) -> Call[pd.DataFrame]:
            return compute.ask(paths.path_gradients, references, data=choice.given, samples=count)

        coarse_to_fine(
            [partial(ask, count) for count in (FIRST_SAMPLES, samples)],
            "Measuring gradients along paths",
            lambda table: _show(table, references, choice),
        )

    at_moment(choice.networks, at, choice.fields)


def _show(table: pd.DataFrame, references: list[str], choice: BlocksChoice) -> None:
    draw = partial(path_lengths, table)
    names = ", ".join(table["network"].unique())
    with stage("Which paths carry the gradient?"):
        live_chart(draw(), key="paths", alt=f"Number and gradient of paths through {names}.", filename="paths")
    export_buttons(table, draw, name="paths", command=commands.command("paths", *references, data=choice.given))
