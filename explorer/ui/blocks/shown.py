"""How a view of the Blocks page shows its result: the figure on the stage, what was found, the limits, exports."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import Figure
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.presenting import first_sentences, stage
from explorer.ui.widgets.take_along import take_along


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
