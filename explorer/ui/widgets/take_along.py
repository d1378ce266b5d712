"""Taking a measurement along: its table, its chart as a page, its command; and putting answers together."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from explorer.compute.client import Answer
from explorer.figures import Figure
from explorer.figures.standalone import standalone_page
from explorer.ui.wording import said


def together(answers: Sequence[Answer]) -> pd.DataFrame | None:
    """One table of what could be measured; why the rest could not is told on the page."""
    for text in dict.fromkeys(str(each.failure) for each in answers if each.failure is not None and not each.cancelled):
        st.error(said(text), icon=":material/error:")
    tables = [each.value for each in answers if each.failure is None]
    return pd.concat(tables, ignore_index=True) if tables else None


def told(answer: Answer) -> bool:
    """Whether an answer has a value; why it has none is told on the page."""
    if answer.failure is not None and not answer.cancelled:
        st.error(said(str(answer.failure)), icon=":material/error:")
    return answer.failure is None


def take_along(table: pd.DataFrame, draw: Callable[[], Figure], *, name: str, command: str) -> None:
    """The table on request, downloads of it and of the chart, and the same from a shell."""
    with st.container(horizontal=True):
        st.download_button(
            "Table (CSV)", lambda: table.to_csv(index=False), f"{name}.csv", "text/csv", key=f"csv-{name}",
            icon=":material/table:", on_click="ignore",
        )  # fmt: skip
        chart_download(draw, title=name, file=name)
    with st.expander("As a table", icon=":material/table_rows:"):
        st.dataframe(table, hide_index=True, height=400)
    with st.expander("The same from a shell", icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)


def chart_download(draw: Callable[[], Figure], *, title: str, file: str) -> None:
    """A button for a chart, drawn anew when asked for, as a page of its own."""
    st.download_button(
        "Chart (HTML)",
        lambda: standalone_page(draw(), title),
        f"{file}.html",
        "text/html",
        key=f"html-{file}",
        icon=":material/show_chart:",
        on_click="ignore",
        help="Opens in any browser, without a network. The camera in the chart saves a PNG.",
    )
