"""Studies of untrained networks: responses and gradients at initialisation, shattered gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary
from explorer.compute.client import compute
from explorer.compute.functions import layers
from explorer.data.catalogue import data_status
from explorer.export.views import View
from explorer.figures import Figure, gradient_autocorrelation, xray
from explorer.figures.layers.initialisation import MEASURES
from explorer.models.catalogue import NETWORKS
from explorer.models.names import is_network_name
from explorer.ui.widgets.data_choice import built_in, choose_data
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.number_field import number_field
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, combined
from explorer.ui.wording import AT_INITIALISATION

USUAL = ("plain20", "resnet20", "plain56", "resnet56", "plain110", "resnet110")


@dataclass(frozen=True, slots=True)
class InitialStudy:
    """A measurement of untrained networks.

    Attributes:
        title: in the menu.
        function: in `studies.layers`.
        question: what it answers.
        figure: from its table and the chosen measure.
        measures: names of the measures to choose from; empty where there is one only.
    """

    title: str
    function: Callable[..., pd.DataFrame]
    question: str
    figure: Callable[[pd.DataFrame, str], Figure]
    measures: tuple[str, ...] = ()


def show_initial_study(name: str, fields: DeltaGenerator) -> None:
    """A study of chosen untrained networks, which takes seconds, with its options in `fields`."""
    found = INITIAL_STUDIES[name]
    controls = fields.container(horizontal=True, vertical_alignment="bottom")
    with fields:
        asked = [each for each in st.query_params.get_all(f"{name}-networks") if is_network_name(each)]
        chosen = st.multiselect(
            "Untrained networks", list(dict.fromkeys([*NETWORKS, *asked])), default=USUAL, key=f"{name}-networks",
            bind="query-params", accept_new_options=True, wrap=True, help="Type any other name, such as resnet38.",
        )  # fmt: skip
    titles = {each: title for each, title in built_in().items() if data_status(each).available}
    data = choose_data(controls, f"{name}-data", titles, builtin=False)
    with controls:
        seed: int = number_field("Seed", 0, 999, 0, key=f"{name}-seed", width=110, help=glossary.explain("seed"))
    measure = ""
    if found.measures:
        with fields:
            measure = str(
                st.segmented_control(
                    "Measure", found.measures, format_func=lambda each: MEASURES[each].title, required=True,
                    default=found.measures[0], key=f"{name}-measure", bind="query-params",
                    wrap=True,
                )
            )  # fmt: skip
    if not chosen:
        st.info("Choose at least one network.")
        return
    calls = [compute.ask(found.function, (each,), data=data, seed=seed) for each in chosen]
    table = combined(awaited(calls, "Measuring untrained networks"))
    if table is None:
        return
    draw = partial(found.figure, table, measure)
    live_chart(draw(), key=f"study-{name}", alt=f"{found.title} of {', '.join(chosen)}.", filename=name)
    view = View(name, tuple(chosen), {"data": data, "seed": seed}, {"measure": measure}, text=(found.question,))
    take_along(view, table, draw, name=name, chart=f"study-{name}")


def _xray(table: pd.DataFrame, measure: str) -> Figure:
    return xray(table, measure=measure)


def _autocorrelation(table: pd.DataFrame, measure: str) -> Figure:
    return gradient_autocorrelation(table)


INITIAL_STUDIES: dict[str, InitialStudy] = {
    "xray": InitialStudy(
        title=AT_INITIALISATION,
        function=layers.xray,
        question="Before the first step: does a signal keep its size on its way through the network, and does the "
        "gradient on its way back? Without batch norm neither does in a deep network; with it, responses have a "
        "similar size in all layers, and gradients *grow* towards the input in plain networks, hardly in residual "
        "ones. With the last batch norm of each block at zero every block begins as the identity (Goyal et al. 2017, "
        "arXiv 1706.02677).",
        figure=_xray,
        measures=tuple(MEASURES),
    ),
    "shattering": InitialStudy(
        title="Shattered gradients",
        function=layers.gradient_autocorrelation,
        question="Along a line between two images, how long does the gradient with respect to the input stay "
        "similar? In deep plain networks it becomes white noise: a step that helps at one point says nothing about a "
        "point nearby. Shortcuts preserve some similarity (Balduzzi et al. 2017, arXiv 1702.08591).",
        figure=_autocorrelation,
    ),
}
