"""The filters of a convolution of a block, or of the stem."""

from functools import partial

import streamlit as st

from explorer.analysis.inside_blocks import filter_table
from explorer.compute.client import compute
from explorer.compute.functions import features
from explorer.export.views import View
from explorer.figures import filter_grid
from explorer.models.structure import layer_shapes
from explorer.ui.address import forget_unless_offered
from explorer.ui.blocks.inside_choice import InsideChoice
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.presenting import is_presenting, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

KEY = "inside-convolution"


def show_filters(inside: InsideChoice) -> None:
    """The weights of one convolution as a grid, at the moment of the slider."""
    block = inside.block
    layers = [each for each in layer_shapes(inside.candidate.config) if each.kernel]
    names = [each.name for each in layers if (each.stage, each.block) == (block.stage, block.block)]
    names += [each.name for each in layers if each.stage == 0]
    forget_unless_offered(KEY, names)
    with inside.fields:
        layer = str(
            st.selectbox(
                "Convolution", names, key=KEY, bind="query-params", width=270,
                help="Those of the block, with its shortcut and excitation if these have any, and the stem's, whose "
                "filters see the colours of the picture.",
            )
        )  # fmt: skip

    def at(step: int | None) -> None:
        (answer,) = awaited(
            [compute.ask(features.filters, inside.candidate.reference(step), layer, data=inside.data)],
            "Reading filters",
        )
        if show_failure(answer):
            return
        weights = answer.value
        name = inside.candidate.config.name
        draw = partial(filter_grid, weights, large=is_presenting())
        with stage(f"The filters of {layer} in {name}: what does each look for in its input channels?"):
            live_chart(
                draw(),
                key="filters",
                alt=f"Filters of {layer} of {name}.",
                filename=f"{name}-{layer}",
                scales=repr((inside.candidate.name, layer)),
            )
        st.caption(
            "A filter of the stem shows the pattern that it responds to. A later one weighs channels that are not "
            "pictures, so its look alone does not say what it responds to: see *Exciting images*."
        )
        view = View("filters", (inside.candidate.reference(step),), {"layer": layer, "data": inside.given})
        take_along(view, filter_table(weights), draw, name="filters", chart="filters")

    at_moment([inside.candidate], at, inside.fields)
