"""The table of checkpoints; for the chosen one its facts, links, export and deletion."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer.compute.client import compute
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.export.weights import zipped_checkpoint
from explorer.runs import kept
from explorer.studies import commands
from explorer.ui import cached
from explorer.ui.address import write_address
from explorer.ui.errors import readable_errors
from explorer.ui.names import run_name
from explorer.ui.navigation import page
from explorer.ui.widgets.table_height import table_height
from explorer.ui.widgets.take_along import download, show_command, take_along

ORIGINS = {"kept": "Kept", "run": "Run", "shipped": "Shipped"}
COLOURS = {"Kept": "green", "Run": "blue", "Shipped": "violet"}
# Of the last import, in the session state: its checkpoint, or the reason why there is none.
OUTCOME = "import_outcome"
LINKS = {"evaluate": "Evaluate", "responses": "Responses", "attributions": "Attributions"}


def choose_checkpoint() -> str | None:
    """The table, to choose a checkpoint by a click; returns its id, kept in the address as `checkpoint`."""
    table = _table()
    if table.empty:
        st.info("There are no checkpoints on this machine yet. Import one, or train a network on the Train page.")
        return None
    chosen = _choose(table)
    take_along(View("kept", ()), table, name="checkpoints")
    if chosen is None:
        st.caption("Select one to inspect, export or delete it.")
        return None
    _details(chosen)
    return str(chosen["id"])


def select(checkpoint_id: str) -> None:
    """Choose a checkpoint, such as a new one."""
    _table.clear()
    write_address("checkpoint", checkpoint_id)


@st.cache_data(ttl=2, show_spinner=False)
def _table() -> pd.DataFrame:
    return kept.checkpoint_table()


def _choose(table: pd.DataFrame) -> dict[str, Any] | None:
    ids = list(table["id"])
    wanted = st.query_params.get("checkpoint")
    shown = table.assign(
        name=list(_names(ids).values()),
        error=100 * table["error"],
        made=pd.to_datetime(table["made"], format="ISO8601"),
        of=table["error_images"].map(lambda images: f"{images:,}" if images else "all").where(table["error"].notna()),
        origin=table["origin"].map(lambda each: [ORIGINS[each]]),
    )
    picked = st.dataframe(
        shown,
        key=f"checkpoints-{hash((*ids, wanted if wanted in ids else None))}",
        hide_index=True,
        height=table_height(len(shown), 420),
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(wanted)] if wanted in ids else []}},
        alt="All checkpoints",
        column_order=["name", "origin", "data", "error", "of", "made"],
        column_config={
            "name": st.column_config.TextColumn("Checkpoint", width=290),
            "origin": st.column_config.MultiselectColumn(
                "Origin", options=list(COLOURS), color=list(COLOURS.values()), width=80
            ),
            "data": st.column_config.TextColumn("Trained on", width=85),
            "error": st.column_config.NumberColumn("Test error", format="%.2f %%", width=80),
            "of": st.column_config.TextColumn("Of", width=50, help="How many test images it was measured on."),
            "made": st.column_config.DatetimeColumn("Made", format="DD MMM YYYY", width=95),
        },
    )
    rows = [row for row in picked["selection"]["rows"] if row < len(ids)]
    chosen = ids[rows[0]] if rows else None
    write_address("checkpoint", chosen)
    return None if chosen is None else {str(key): value for key, value in table.iloc[ids.index(chosen)].items()}


def _names(ids: Sequence[str]) -> dict[str, str]:
    """The names of checkpoints by their ids: those of runs, else as kept."""
    runs = {run.id: run_name(run, found) for found in cached.experiments() for run in found.runs}
    return {each: runs.get(each, each) for each in ids}


def _details(chosen: dict[str, Any]) -> None:
    name = str(chosen["id"])
    with st.container(border=True):
        st.markdown(f"#### {in_markdown(_names([name])[name])}")
        source = f"  \n{in_markdown(_sentence(chosen['source']))}" if chosen["origin"] == "kept" else ""
        st.markdown(
            f"{chosen['network']}, {chosen['depth']} layers, {chosen['parameters']:,} parameters, "
            f"{chosen['classes']:,} classes, images normalised by {chosen['normalisation']}.{source}"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            for place, label in LINKS.items():
                st.page_link(page(place), label=label, icon=":material/arrow_forward:", query_params={"networks": name})
            note = "Weights as .safetensors, facts as .json, and a model card (README.md)."
            download("Download (zip)", lambda: zipped_checkpoint(name), f"{name}.zip", "folder_zip", note=note)
            if chosen["origin"] == "kept" and st.button("Delete", icon=":material/delete:", key="delete"):
                _delete(name)
        evaluated = commands.command("evaluate", name)
        show_command(f"{evaluated}\n{commands.export_checkpoint(name)}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


@st.dialog("Delete for good?")
def _delete(name: str) -> None:
    st.markdown(f"{in_markdown(name)} is removed from the disk. This cannot be undone.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key="delete_now"):
            with readable_errors():
                kept.delete_checkpoint(name)
                st.session_state.pop(OUTCOME, None)
                _table.clear()
                compute.forget_all()
                cached.forget()
                write_address("checkpoint", None)
                st.rerun()
        if st.button("Cancel", key="keep"):
            st.rerun()
