"""The pictures of the Home page: a race that came with the program, and a residual block."""

import streamlit as st

from explorer.figures import residual_block
from explorer.ui.errors import readable_errors
from explorer.ui.navigation import page
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.small_race import shipped_race, small_race


def race() -> None:
    """The shipped race on CIFAR-10."""
    with readable_errors():
        found = shipped_race("cifar10")
        if found is None:
            return
        small_race(found)
        st.page_link(
            page("degradation"), label="Race and verdict", icon=":material/trending_up:",
            query_params={"experiment": found.id},
        )  # fmt: skip


def block() -> None:
    """A residual block as a drawing."""
    live_chart(
        residual_block(),
        key="residual-block",
        alt="A residual block: two convolutions give F(x), a shortcut carries x around them, and both are added.",
        filename="residual-block",
    )
