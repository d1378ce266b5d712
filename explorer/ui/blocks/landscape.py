"""The loss around networks: planes, lines, single parameters, and the plane of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary, progress
from explorer.analysis.block_findings import landscape_findings, trajectory_finding
from explorer.block_results import Trajectory
from explorer.compute.client import Call, compute
from explorer.compute.functions import landscape
from explorer.export.views import View
from explorer.figures import loss_contours, loss_lines, loss_surfaces, training_trajectory
from explorer.models.size import layer_table
from explorer.ui.address import forget_unless_offered
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate, choose_network
from explorer.ui.widgets.number_field import number_field
from explorer.ui.widgets.presenting import ONE_BEAT, present
from explorer.ui.widgets.waiting import coarse_to_fine

POINTS, LINE_POINTS = (5, 11, 21, 41), (11, 21, 41, 81)
IMAGES = (50, 100, 200, 500, 1000, 2000)
USUAL_IMAGES = 100
FIRST_IMAGES = 50  # of the coarsest grid: two networks of 56 layers then take three seconds on two cores
LEAST_MOMENTS = 3  # that span a plane
SHOWN = {"plane": "Plane", "line": "Line", "parameter": "Layer", "trajectory": "Training"}
DRAWN = {"contour": "Contours", "surface": "Surface"}
LIMITS = (
    "The same images at each point; norms and biases stay, with the running statistics of the network. After Li et al. "
    "2018 ([arXiv 1712.09913](https://arxiv.org/abs/1712.09913)). These are one or two directions of very many: "
    "another seed gives others, and one smooth plane does not say that all are smooth."
)
TRAJECTORY_LIMITS = (
    "The plane of the two principal directions of the snapshots' weights, seen from the last ones, whose norms and "
    "biases it has everywhere. After Li et al. 2018 ([arXiv 1712.09913](https://arxiv.org/abs/1712.09913)), section 7. "
    "Before the first step the running statistics of batch norm are those of no images, and the loss is high. "
    "A random walk too has most of its variance in few directions (Antognini and Sohl-Dickstein 2018, "
    "[arXiv 1806.08805](https://arxiv.org/abs/1806.08805))."
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a landscape is measured and drawn.

    Attributes:
        show: a name in `SHOWN`.
        surface: drawn as a surface, else as contours.
        points: a side, in the end.
    """

    show: str
    surface: bool
    points: int
    images: int
    span: float
    seed: int

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Points a side and images, from coarse to fine."""
        first, *levels = progress.LINES if self.show in ("line", "parameter") else progress.GRIDS
        finer = [*(level for level in levels if level < self.points), self.points]
        return [(first, min(FIRST_IMAGES, self.images)), *((points, self.images) for points in finer)]


def show_landscape(choice: BlocksChoice) -> None:
    """The loss around the networks at the moment of the slider, or along the training of one of them."""
    with choice.fields:
        options = _options()
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return
    if options.show == "trajectory":
        _show_training(options, choice)
        return
    parameter = ""
    if options.show == "parameter":
        with choice.fields:
            parameter = _choose_parameter(choice.networks)
        if not parameter:
            st.info("These networks have no layer of the same name. Choose one network, or a plain one and its twin.")
            return
    at_moment(choice.networks, lambda step: _show_around(choice.references(step), parameter, options, choice),
              choice.fields)  # fmt: skip


def _options() -> Options:
    """The fields; those rarely changed are in a popover."""
    show = st.segmented_control(
        "Where", SHOWN, format_func=SHOWN.__getitem__, default="plane", required=True, key="landscape-where",
        bind="query-params", wrap=True, help=glossary.explain("loss_landscape"),
    )  # fmt: skip
    line = show in ("line", "parameter")
    drawn = "contour"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if show == "plane":
            drawn = str(
                st.segmented_control(
                    "Drawn as", DRAWN, format_func=DRAWN.__getitem__, default="contour", required=True,
                    key="landscape-drawn", bind="query-params",
                )
            )  # fmt: skip
        with st.popover("Options", icon=":material/tune:"):
            if line:
                points = st.select_slider(
                    "Points", LINE_POINTS, value=21, key="landscape-line-points", bind="query-params"
                )
            else:
                points = st.select_slider(
                    "Points a side", POINTS, value=11, key="landscape-points", bind="query-params",
                    help="From coarse to fine; 21 take four times as long as 11.",
                )  # fmt: skip
            images = st.select_slider(
                "Training images", IMAGES, value=USUAL_IMAGES, key="landscape-images", bind="query-params"
            )
            span, seed = 1.0, 0
            if show != "trajectory":
                span = number_field(
                    "Span", 0.01, 100.0, 1.0, key="landscape-span", fraction=True,
                    help="To either side of the network; at 1 each filter is moved by a random one of its own norm.",
                )  # fmt: skip
                seed = number_field(
                    "Seed of the directions", 0, 9999, 0, key="landscape-seed", help=glossary.explain("seed")
                )
    return Options(str(show), drawn == "surface", points, images, span, seed)


def _choose_parameter(networks: Sequence[Candidate]) -> str:
    """The weights of a layer that all networks have, or one of their values; empty where there is none."""
    names = [set(layer_table(each.config)["name"]) for each in networks]
    shared = [name for name in layer_table(networks[0].config)["name"] if set.intersection({name}, *names)]
    if not shared:
        return ""
    forget_unless_offered("landscape-layer", shared)
    layer = st.selectbox(
        "Weights of the layer", shared, index=len(shared) // 2, key="landscape-layer", bind="query-params"
    )
    value = st.text_input(
        "One value of them", key="landscape-value", bind="query-params", placeholder="such as 3,0,1,1",
        help="Its filter, its input channel, its row and column, from 0. Empty moves all weights of the layer.",
    )  # fmt: skip
    return f"{layer}.weight" + (f"[{value.strip(' []')}]" if value and value.strip(" []") else "")


def _show_around(chosen: list[str], parameter: str, options: Options, choice: BlocksChoice) -> None:
    line = options.show != "plane"
    dimensions = 1 if line else 2
    parameters = (parameter,) if parameter else ()

    def ask(points: int, images: int, references: list[str]) -> Call[pd.DataFrame]:
        return compute.ask(
            landscape.landscape,
            references,
            data=choice.given,
            images=images,
            points=points,
            span=options.span,
            dimensions=dimensions,
            seed=options.seed,
            parameters=parameters,
        )

    def show(table: pd.DataFrame, references: list[str]) -> None:
        figure = loss_lines if line else loss_surfaces if options.surface else loss_contours
        show_found(
            table,
            partial(figure, table),
            landscape_findings(table),
            key=f"loss-{'line' if line else 'surface' if options.surface else 'plane'}",
            alt=f"The loss around {names_of(table)}.",
            limits=LIMITS,
            view=View(
                "landscape",
                tuple(references),
                {
                    "data": choice.given,
                    "images": options.images,
                    "points": table["a"].nunique(),
                    "span": options.span,
                    "dimensions": dimensions,
                    "seed": options.seed,
                    "parameters": parameters,
                },
                figure=figure.__name__,
            ),
        )

    show_study(chosen, [partial(ask, *level) for level in options.levels], "Computing the loss around", show)


def _show_training(options: Options, choice: BlocksChoice) -> None:
    """The plane of one training, with its way through it."""
    several = [each for each in choice.networks if len(each.moments) >= LEAST_MOMENTS]
    if not several:
        st.info(
            f"None of these networks has the weights of {LEAST_MOMENTS} moments. Choose others, or train with "
            "snapshots, which the first seed of an experiment keeps."
        )
        return
    with choice.fields:
        name = choose_network(several, "Training of", key="landscape-run", index=len(several) - 1).name
        present(ONE_BEAT)

    def ask(points: int, images: int) -> Call[Trajectory]:
        return compute.ask(landscape.trajectory, name, data=choice.given, images=images, points=points)

    def show(found: Trajectory) -> None:
        show_found(
            found.moments,
            partial(training_trajectory, found),
            [trajectory_finding(found)],
            key="trajectory",
            alt=f"The way of the training of {found.network} over the loss.",
            limits=TRAJECTORY_LIMITS,
            view=View(
                "trajectory",
                (name,),
                {"data": choice.given, "images": options.images, "points": found.surface["a"].nunique()},
            ),
        )

    coarse_to_fine([partial(ask, *level) for level in options.levels], "Computing the loss on the plane", show)
