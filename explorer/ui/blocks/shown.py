"""How a view of the Blocks page shows its result: of which networks, the figure, what was found, limits, exports."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import pandas as pd
import streamlit as st

from explorer.compute.client import Call
from explorer.escaping import in_markdown, message_in_markdown
from explorer.export.views import View
from explorer.figures import Figure
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.presenting import first_sentences, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, coarse_to_fine

T = TypeVar("T")


def show_study(
    references: Sequence[str],
    asks: Sequence[Callable[[list[str]], Call[T]]],
    doing: str,
    show: Callable[[T, list[str]], None],
) -> None:
    """`coarse_to_fine` for all networks together; if they are refused, for those that are not refused alone.

    Of each of the others the reason is shown.

    Args:
        references: of the networks.
        asks: ask for the same on some networks, from coarse to fine.
        doing: unique on the page.
        show: draws a result on some networks.
    """
    taken = list(references)
    first = asks[0](taken)
    if not first.pending and first.failure is not None and not first.cancelled and len(taken) > 1:
        alone = awaited([asks[0]([each]) for each in taken], f"{doing}, one by one")
        able = [each for each, call in zip(taken, alone, strict=True) if call.failure is None]
        if able and len(able) < len(taken):  # else the reason is of all
            for call in alone:
                if call.failure is not None and not call.cancelled:
                    st.warning(message_in_markdown(str(call.failure)), icon=":material/block:")
            taken, first = able, asks[0](able)

    def begun() -> Call[T]:
        return first

    bound: list[Callable[[], Call[T]]] = [begun, *(partial(ask, taken) for ask in asks[1:])]
    coarse_to_fine(bound, doing, lambda result: show(result, taken))


def show_found(
    table: pd.DataFrame,
    draw: Callable[[], Figure],
    findings: Sequence[str],
    *,
    key: str,
    alt: str,
    limits: str,
    view: View,
    scales: str = "",
    more: Callable[[], None] | None = None,
) -> None:
    """The figure of a study, with what it found in sentences computed from the table.

    Args:
        draw: makes the figure.
        findings: sentences, the first ones for the stage.
        key: of the chart, and the name of its files.
        alt: what the figure shows, for a screen reader.
        limits: what the method does not say, and its source, in Markdown.
        view: what it is computed by.
        scales: as for `live_chart`.
        more: draws what belongs to the result, before the exports.
    """
    with stage(in_markdown(first_sentences(findings))):
        live_chart(draw(), key=key, alt=alt, filename=key, scales=scales)
    st.markdown("\n".join(f"- {in_markdown(each)}" for each in findings))
    st.caption(limits)
    if more is not None:
        more()
    said = tuple(in_markdown(each) for each in findings)
    take_along(replace(view, text=(*said, limits)), table, draw, name=key, chart=key)


def names_of(table: pd.DataFrame) -> str:
    """The networks of a table, for a sentence."""
    return ", ".join(table["network"].unique())
