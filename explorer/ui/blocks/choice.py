"""What all views of the Blocks page look at: networks, first a plain one and its residual twin, and their images."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.runs.checkpoint_facts import data_of_untrained
from explorer.ui.widgets.data_choice import AS_TRAINED, choose_data
from explorer.ui.widgets.network_choice import Candidate, choose_networks

NETWORKS = "twins"  # key of the field
MOST = 4  # beside each other


@dataclass(frozen=True, slots=True)
class BlocksChoice:
    """Networks and images.

    Attributes:
        given: name of the data set that the reader chose; empty for the one that each network was trained on.
        fields: the place for the fields of a view.
    """

    networks: tuple[Candidate, ...]
    given: str
    fields: DeltaGenerator

    def data(self, candidate: Candidate) -> str:
        """For studies of one network: an untrained one takes the images that the others were trained on."""
        return self.given if candidate.data else data_of_untrained(self.references(), self.given)

    def references(self, step: int | None = None) -> list[str]:
        """Of all networks at a moment of their training; the last one for None."""
        return [each.reference(step) for each in self.networks]


def choose_blocks(place: DeltaGenerator, fields: DeltaGenerator) -> BlocksChoice:
    """The field for networks in `place`; for data in `fields`, where those of the view follow."""
    with place:
        networks = choose_networks(NETWORKS, most=MOST, first=twins)
    data = choose_data(fields.container(), "block-data", AS_TRAINED)
    return BlocksChoice(tuple(networks), data, fields)


def fields_above() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Places for the networks and, behind a button, for other fields, above a picture of the whole width."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return st.container(), st.popover("Options", icon=":material/tune:")


def twins(offered: Sequence[Candidate]) -> list[Candidate]:
    """The deepest plain network of these and a residual one of its depth; the last two where there are none."""
    pairs = [
        [plain, other]
        for plain in offered
        for other in offered
        if plain.config.kind == "plain" and other.config.kind != "plain" and plain.config.depth == other.config.depth
    ]
    return max(pairs, key=lambda pair: pair[0].config.depth, default=list(offered[-2:]))
