"""Inside a block: its arithmetic on one picture, its filters, what excites its channels, what it adds to the scores."""

import streamlit as st

from explorer.ui.blocks.arithmetic import show_arithmetic
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.exciting import show_exciting
from explorer.ui.blocks.filters import show_filters
from explorer.ui.blocks.inside_choice import LOOK, choose_inside
from explorer.ui.blocks.logits import show_logits
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK
from explorer.ui.widgets.picture_choice import classes_known
from explorer.ui.widgets.views import View, choose_view

LOOKS = {
    "arithmetic": View("Arithmetic", show_arithmetic),
    "filters": View("Filters", show_filters),
    "exciting": View("Exciting images", show_exciting),
    "logits": View("Logits", show_logits),
}


def show_inside(choice: BlocksChoice) -> None:
    """A menu of what to look at, and that, at the moment of the slider."""
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return
    look = choose_view({name: each.title for name, each in LOOKS.items()}, LOOK, default="arithmetic", label="Look at")
    inside = choose_inside(choice)
    if look and (look == "filters" or classes_known(inside.data)):
        LOOKS[look].show(inside)
