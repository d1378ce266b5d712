"""The arithmetic of a block on one picture: x, F(x), shortcut(x), their sum, the ReLU, channel by channel."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from explorer.analysis.inside_blocks import arithmetic_finding, arithmetic_table, most_active
from explorer.block_results import Arithmetic
from explorer.compute.client import Call, compute
from explorer.compute.functions import features
from explorer.data.pictures import Picture
from explorer.export.views import View
from explorer.figures import block_panels
from explorer.ui.blocks.inside_choice import CHANNEL, LOOK, InsideChoice, follow, followed
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import Candidate
from explorer.ui.widgets.presenting import is_presenting, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

ROWS = 3  # channels at first
MOST_ROWS = 8
ROWS_ON_STAGE = 2


def show_arithmetic(inside: InsideChoice) -> None:
    """A row of maps for each chosen channel; a click follows a position through all of them."""
    picture = inside.choose_picture()
    if picture is None:
        return
    with inside.fields:
        chosen = _choose_channels(inside)
        twin = _choose_twin(inside)
    shown = [inside.candidate, *([] if twin is None else [twin])]

    def at(step: int | None) -> None:
        calls = [_ask(inside, picture, each, moment) for each in shown for moment in (step, None)]
        found = awaited(calls, "Computing feature maps")
        failed = [each for each in found if show_failure(each)]
        if failed:
            return
        for network, now, last in zip(shown, found[::2], found[1::2], strict=True):
            _show(inside, picture, network, now.value, chosen or _usual(last.value), step)

    at_moment(shown, at, inside.fields)


def _choose_channels(inside: InsideChoice) -> list[int]:
    return st.multiselect(
        "Channels", list(range(inside.block.width)), format_func=str, key="inside-channels",
        bind="query-params", max_selections=MOST_ROWS, placeholder=f"The {ROWS} most active", wrap=True,
        help=f"Of the block's output. If empty, the {ROWS} whose output is largest for this picture at the last moment "
        "of training: the mean of its absolute values over all positions. A channel that you click stays among them.",
    )  # fmt: skip


def _choose_twin(inside: InsideChoice) -> Candidate | None:
    """Another of the chosen networks with the same blocks, if the reader wants to see it too."""
    config = inside.candidate.config
    twins = [
        each
        for each in inside.networks_of_these_images()
        if each is not inside.candidate and each.config.stage_blocks == config.stage_blocks and each.config != config
    ]
    if not twins or not st.toggle(
        f"The same block of {twins[0].config.name} below", key="inside-twin", bind="query-params",
        help="Their channels do not correspond; each has a colour scale of its own.",
    ):  # fmt: skip
        return None
    return twins[0]


def _ask(inside: InsideChoice, picture: Picture, network: Candidate, step: int | None) -> Call[Arithmetic]:
    return compute.ask(
        features.block_arithmetic, network.reference(step), picture.reference, inside.place, data=inside.data
    )


def _usual(found: Arithmetic) -> list[int]:
    """The channel that is followed, unless it is among the most active ones, and these."""
    pixel = followed(*found.output.shape)
    active = most_active(found, ROWS)
    return active if pixel is None or pixel[0] in active else [pixel[0], *active[: ROWS - 1]]


def _show(
    inside: InsideChoice,
    picture: Picture,
    network: Candidate,
    found: Arithmetic,
    chosen: Sequence[int],
    step: int | None,
) -> None:
    channels = [each for each in chosen if each < len(found.output)][: ROWS_ON_STAGE if is_presenting() else None]
    pixel = followed(*found.output.shape)
    position = None if pixel is None else (pixel[1], pixel[2])
    draw = partial(block_panels, found, channels, position=position, large=is_presenting())
    name = network.config.name
    main = network is inside.candidate
    finding = arithmetic_finding(found, name)
    with stage(finding, main):
        live_chart(
            draw(),
            key=f"arithmetic-{'main' if main else 'twin'}",
            alt=f"Feature maps of {inside.place} of {name} for {picture.title}, channels {channels}.",
            filename=f"{name}-{inside.place}",
            on_click=_clicked,
            scales=repr((network.name, inside.place, picture.reference, channels)),
        )
    if is_presenting():
        return
    st.markdown(finding)
    if not main:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if pixel is None:
            st.caption("Click a position to follow it through all maps, and to choose its channel.", width="content")
        elif st.button(
            f"Which images excite channel {pixel[0]} most?", icon=":material/image_search:", on_click=_to_images,
            args=(pixel[0],),
        ):  # fmt: skip
            st.rerun()
    st.caption(
        "The block of He et al. 2015, figure 2, computed. Sizes are root mean squares over all channels and positions "
        "of this one picture, batch norm in evaluation mode; on other pictures the block may do something else."
    )
    reference = network.reference(step)
    settings = {"place": inside.place, "image": picture.reference, "channels": tuple(channels), "data": inside.given}
    view = View("arithmetic", (reference,), settings, {"channels": channels}, text=(finding,))
    take_along(view, arithmetic_table(found, channels), draw, name="block", chart="arithmetic-main")


def _clicked(point: Sequence[Any]) -> None:
    channel, row, column = map(int, point)
    follow(channel, row, column)


def _to_images(channel: int) -> None:
    st.session_state[CHANNEL] = channel
    st.session_state[LOOK] = "exciting"
