"""What the reader takes along of a view: link, Python, notebook, shell command, table, picture, page.

All of them are written by one `export.views.View`, so that they are of what the page shows.
"""

import re
from collections.abc import Callable
from mimetypes import guess_type
from pathlib import Path

import pandas as pd
import streamlit as st

from explorer.export.views import View
from explorer.figures import Figure
from explorer.figures.standalone import standalone_page
from explorer.labels import heading

MOST_ROWS = 10_000  # that a browser is sent
NOT_IN_LINKS = ("present", "beat")

_HTML = """
<div class="explorer-take">
  <button data-copy="link">Copy link</button>
  <button data-copy="python">Copy as Python</button>
  <button data-copy="command">Copy command</button>
  <button data-save>Picture (PNG)</button>
  <output aria-live="polite"></output>
</div>
"""

_CSS = """
.explorer-take { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; }
.explorer-take button {
  color: var(--st-text-color); background: var(--st-background-color); cursor: pointer; font: inherit;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.25rem 0.75rem;
  font-size: 0.875rem; min-height: 2.5rem;
}
.explorer-take button[hidden] { display: none; }
.explorer-take button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.explorer-take output { color: var(--st-text-color); }
"""

_component = st.components.v2.component(
    "resnet_explorer_take_along",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def take_along(
    view: View,
    table: pd.DataFrame | Callable[[], pd.DataFrame],
    draw: Callable[[], Figure] | None = None,
    *,
    name: str,
    chart: str = "",
    more: Callable[[], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> None:
    """A menu of all that can be taken along of a view, and its table to read.

    Args:
        view: what the page shows.
        table: of the view, as the page has it; a function makes it on request, and then it is not shown to read.
        draw: makes its figure for a light page.
        name: of its files, and unique on the page.
        chart: key of the `live_chart` that shows the figure, for a picture as it is drawn.
        more: draws further downloads, in a row; beside: draws what stands beside the menu.
    """
    link = _link(view)
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.popover("Take it along", icon=":material/ios_share:", key=f"take {name}"):
            _component(
                key=f"take-buttons {name}", height="content",
                data={"link": link, "python": view.python(), "command": view.command(), "chart": _class(chart),
                      "filename": name},
            )  # fmt: skip
            with st.container(horizontal=True):
                table_download(table, name)
                if draw is not None:
                    chart_download(draw, title=name, file=name)
                note = "The same table and figure, to run in Jupyter where ResNet Explorer is installed."
                download("Notebook", lambda: view.notebook(link), f"{name}.ipynb", "menu_book", note=note)
                if more is not None:
                    more()
            python, shell, address = st.tabs(["Python", "Shell", "Link"])
            python.code(view.python(), language="python", wrap_lines=True)
            shell.code(view.command(), language="bash", wrap_lines=True)
            address.code(link, language=None, wrap_lines=True)
        if beside is not None:
            beside()
        if isinstance(table, pd.DataFrame):
            _to_read(table)


def _to_read(table: pd.DataFrame) -> None:
    with st.expander("As a table", icon=":material/table_rows:"):
        headings = {name: heading(name) for name in map(str, table)}
        st.dataframe(table.head(MOST_ROWS), hide_index=True, height=400, column_config=headings)
        if len(table) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {len(table):,} rows. The download has all.")


def show_command(command: str, title: str = "The same from a shell") -> None:
    """A shell command that does what the page does, where that gives no table."""
    with st.expander(title, icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)


def download(
    label: str, content: str | Callable[[], str | bytes], file: str, icon: str, *, note: str | None = None
) -> None:
    """A download button; content given as a function is made on request."""
    st.download_button(
        label, content, file, guess_type(file)[0] or "application/octet-stream", key=f"save {file}",
        icon=f":material/{icon}:", on_click="ignore", help=note,
    )  # fmt: skip


def table_download(table: pd.DataFrame | Callable[[], pd.DataFrame], name: str, label: str = "Table (CSV)") -> None:
    """A download button for a table as CSV, made on request if it is given as a function."""
    made = table if callable(table) else lambda: table
    download(label, lambda: made().to_csv(index=False), f"{name}.csv", "table")


def chart_download(draw: Callable[[], Figure], *, title: str, file: str) -> None:
    """A download button for a chart as a standalone page, drawn on request."""
    note = "Opens in any browser, also offline. The camera in the chart saves a PNG."
    download("Chart (HTML)", lambda: standalone_page(draw(), title), f"{file}.html", "show_chart", note=note)


def _link(view: View) -> str:
    address = {name: value for name, value in st.query_params.to_dict().items() if name not in NOT_IN_LINKS}
    return view.link(str(st.context.url or "").partition("?")[0], address)


def _class(key: str) -> str:
    """The key of an element as Streamlit writes it into the page."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())
