"""The views of a page: their menu, and what each shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.ui.widgets.live_chart import load_early

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class View(Generic[Shown]):
    """One view of what is chosen on a page.

    Attributes:
        title: in the menu.
        show: draws it.
        question: what it answers.
    """

    title: str
    show: Callable[[Shown], None]
    question: str = ""


def choose_view(titles: Mapping[str, str], key: str, *, default: str, label: str = "View") -> str | None:
    """The menu of views by title; the choice is kept in the address under `key`."""
    return st.segmented_control(
        label, list(titles), format_func=titles.__getitem__, default=default, required=True, key=key,
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip


def fields_and_figure() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two places side by side: a narrow one for the fields of a page, and a wide one for its figures."""
    fields, figure = st.columns([2, 5], gap="medium")
    return fields, figure


def page_of_views(title: str, views: Mapping[str, View[Shown]], key: str) -> str | None:
    """Title, menu and question of a page that shows one view at a time, by default the first."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        chosen = choose_view({name: view.title for name, view in views.items()}, key, default=next(iter(views)))
    load_early()
    if chosen:
        st.markdown(views[chosen].question)
    return chosen
