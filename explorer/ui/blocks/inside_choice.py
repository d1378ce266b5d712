"""The block that one looks into, the picture, and the channel and position that are followed through it."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary
from explorer.analysis.inside_blocks import block_title
from explorer.data.pictures import Picture
from explorer.models.structure import BlockShape, block_shapes
from explorer.runs.checkpoint_facts import facts_and_data
from explorer.ui.address import forget_unless_offered, number_in, write_address
from explorer.ui.blocks.choice import MOST, NETWORKS, BlocksChoice
from explorer.ui.widgets.network_choice import Candidate, choose_network
from explorer.ui.widgets.picture_choice import choose_picture

LOOK = "inside"  # key of the menu of what to look at
CHANNEL = "inside-channel"  # key of the field for the channel that images excite
_PIXEL = "pixel"


@dataclass(frozen=True, slots=True)
class InsideChoice:
    """One block of one network.

    Attributes:
        networks: all chosen ones; candidate: the one looked into.
        data: name of the data set of `candidate`'s images; given: the one that the reader chose, or empty.
        fields: the place for fields; controls: that for the field for a picture, below them.
    """

    networks: tuple[Candidate, ...]
    candidate: Candidate
    block: BlockShape
    data: str
    given: str
    fields: DeltaGenerator
    controls: DeltaGenerator

    @property
    def place(self) -> str:
        return _place(self.block)

    @property
    def title(self) -> str:
        """Of the block, for texts."""
        return f"{block_title(self.place)} of {self.candidate.config.name}"

    def choose_picture(self) -> Picture | None:
        """The field for a picture, as on the Attributions page; None where it cannot be read, for the reason shown."""
        return choose_picture(self.controls, self.networks_of_these_images(), self.data)

    def networks_of_these_images(self) -> list[Candidate]:
        """For mistakes and disagreements."""
        return [each for each in self.networks if each.data in ("", self.candidate.data)]


def choose_inside(choice: BlocksChoice) -> InsideChoice:
    """Fields for network and block; there is a network."""
    with choice.fields:
        fields, controls = st.container(), st.container(horizontal=True, vertical_alignment="bottom")
    with fields:
        candidate = choose_network(choice.networks, index=len(choice.networks) - 1)
        shapes = {_place(each): each for each in block_shapes(candidate.config)}
        forget_unless_offered("inside-block", shapes)
        place = st.selectbox(
            "Block", list(shapes), format_func=block_title, key="inside-block", bind="query-params", width=270,
            help=glossary.explain("residual_block"),
        )  # fmt: skip
    reference = candidate.reference(None)
    data = facts_and_data([reference], choice.data(candidate))[reference][1]
    return InsideChoice(choice.networks, candidate, shapes[str(place)], data, choice.given, fields, controls)


def look_into(name: str) -> None:
    """Choose a network, beside as many of the chosen ones as there is room for."""
    chosen = [each for each in st.session_state[f"{NETWORKS}_chosen"] if each != name]
    st.session_state.update({f"{NETWORKS}_chosen": [*chosen[: MOST - 1], name], "network": name})


def follow(channel: int, row: int, column: int) -> None:
    """Choose a channel, and a position in the block's output; kept in the address."""
    write_address(_PIXEL, f"{channel}-{row}-{column}")
    st.session_state[CHANNEL] = channel


def followed(channels: int, rows: int, columns: int) -> tuple[int, int, int] | None:
    """Channel, row and column that are followed; None unless the block's output has them."""
    parts = st.query_params.get(_PIXEL, "").split("-")
    if len(parts) != 3:
        return None
    values = [number_in(part, 0, count - 1) for part, count in zip(parts, (channels, rows, columns), strict=True)]
    found = [int(value) for value in values if value is not None]
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def _place(block: BlockShape) -> str:
    return f"stage{block.stage}.block{block.block}"
