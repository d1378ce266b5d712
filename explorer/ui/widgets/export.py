"""Export of results: table, chart as a standalone page, shell command."""

from collections.abc import Callable
from mimetypes import guess_type

import pandas as pd
import streamlit as st

from explorer.figures import Figure
from explorer.figures.standalone import standalone_page
from explorer.labels import heading


def export_buttons(table: pd.DataFrame, draw: Callable[[], Figure], *, name: str, command: str = "") -> None:
    """Downloads of a table and its chart, the table itself, and the shell command for it, if there is one."""
    with st.container(horizontal=True):
        table_download(table, name)
        chart_download(draw, title=name, file=name)
    with st.expander("As a table", icon=":material/table_rows:"):
        headings = {name: heading(name) for name in map(str, table)}
        st.dataframe(table, hide_index=True, height=400, column_config=headings)
    if command:
        show_command(command)


def show_command(command: str) -> None:
    """The shell command for what the page shows."""
    with st.expander("The same from a shell", icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)


def download(
    label: str, content: str | Callable[[], str | bytes], file: str, icon: str, *, note: str | None = None
) -> None:
    """A download button; content given as a function is made on request."""
    st.download_button(
        label, content, file, guess_type(file)[0] or "application/octet-stream", key=f"save {file}",
        icon=f":material/{icon}:", on_click="ignore", help=note,
    )  # fmt: skip


def table_download(table: pd.DataFrame, name: str) -> None:
    """A download button for a table as CSV."""
    download("Table (CSV)", lambda: table.to_csv(index=False), f"{name}.csv", "table")


def chart_download(draw: Callable[[], Figure], *, title: str, file: str) -> None:
    """A download button for a chart as a standalone page, drawn on request."""
    note = "Opens in any browser, also offline. The camera in the chart saves a PNG."
    download("Chart (HTML)", lambda: standalone_page(draw(), title), f"{file}.html", "show_chart", note=note)
