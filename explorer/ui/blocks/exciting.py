"""The test images that excite a channel of a block most, and where in them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from explorer import glossary
from explorer.analysis.inside_blocks import exciting_finding
from explorer.block_results import ExcitingImages
from explorer.compute.client import Call, compute
from explorer.compute.functions import features
from explorer.data.catalogue import dataset
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import most_exciting_images
from explorer.ui.blocks.inside_choice import CHANNEL, LOOK, InsideChoice, follow
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import link_to
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.number_field import number_field
from explorer.ui.widgets.picture_choice import select_picture, selected_picture
from explorer.ui.widgets.presenting import is_presenting, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import coarse_to_fine

FIRST_IMAGES = 100  # a first answer within a second or two
IMAGES = (500, 1000, 2000)
SHOWN = 18


def show_exciting(inside: InsideChoice) -> None:
    """Images in order of a channel's maximum; a click makes one the picture of the arithmetic."""
    row = dataset(inside.data)
    if not row.test_images:
        st.info(
            f"{in_markdown(row.title)}'s images are not on this machine. Add a folder of pictures on the Data page and "
            "choose it as data here, or choose other networks."
        )
        return
    with inside.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        channel = number_field(
            "Channel", 0, inside.block.width - 1, 0, key=CHANNEL, width=120,
            help=f"Of the block's output: 0 to {inside.block.width - 1}.",
        )  # fmt: skip
        images = st.select_slider("Test images", IMAGES, key="exciting-images", bind="query-params", width=200)

    def at(step: int | None) -> None:
        reference = inside.candidate.reference(step)

        def ask(count: int) -> Call[ExcitingImages]:
            return compute.ask(
                features.exciting_images, reference, inside.place, channel, data=inside.data, images=count, count=SHOWN
            )

        counts = dict.fromkeys(min(each, row.test_images) for each in (FIRST_IMAGES, images))
        coarse_to_fine(
            [partial(ask, count) for count in counts],
            "Searching for the most exciting images",
            lambda found: _show(inside, found, reference, images),
        )

    at_moment([inside.candidate], at, inside.fields)


def _show(inside: InsideChoice, found: ExcitingImages, reference: str, images: int) -> None:
    draw = partial(most_exciting_images, found, large=is_presenting())
    finding = exciting_finding(found, inside.candidate.config.name, len(dataset(inside.data).classes))
    shown = list(found.table["image"])
    with stage(in_markdown(finding)):
        live_chart(
            draw(),
            key="exciting",
            alt=f"Test images that excite channel {found.channel} of {inside.title} most: {', '.join(shown)}.",
            filename=f"channel-{found.channel}",
            on_click=lambda point: _clicked(shown, point),
        )
    if is_presenting():
        return
    st.markdown(in_markdown(finding))
    selected = selected_picture(inside.data)
    if selected in shown:
        place = found.table[found.table["image"] == selected].iloc[0]
        _links(inside, selected, found.channel, int(place["row"]), int(place["column"]))
    else:
        st.caption("Click an image to take it as the picture of the arithmetic.")
    st.caption(
        "These are the images with the highest value at any position; what the channel responds to in most images may "
        "differ. In its receptive field, the frame, the middle counts most (Luo et al. 2016).",
        help=glossary.explain("receptive_field"),
    )
    settings = {"place": found.place, "channel": found.channel, "images": images, "count": SHOWN, "data": inside.given}
    view = View("exciting", (reference,), settings, text=(in_markdown(finding),))
    take_along(view, found.table, draw, name="exciting-images", chart="exciting")


def _links(inside: InsideChoice, image: str, channel: int, row: int, column: int) -> None:
    """What can be done with the selected image."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"Test image {image.removeprefix('test:')}", width="stretch")
        if st.button(
            f"Follow channel {channel} through the block", icon=":material/grid_view:", on_click=_to_arithmetic,
            args=(channel, row, column),
        ):  # fmt: skip
            st.rerun()
        link = link_to("folder", inside.data)
        if link is not None:
            names = ",".join(each.name for each in inside.networks)
            st.page_link(
                page("attributions"),
                label="Where do the networks look?",
                icon=":material/center_focus_strong:",
                query_params={"networks": names, "image": image} | link,
            )


def _clicked(shown: Sequence[str], point: Sequence[Any]) -> None:
    select_picture(shown[int(point[0])])


def _to_arithmetic(channel: int, row: int, column: int) -> None:
    follow(channel, row, column)
    st.session_state[LOOK] = "arithmetic"
