"""Deletions on the Runs page, which can be undone until the reader leaves it."""

import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs import trash
from explorer.runs.trash import Deleted
from explorer.ui import cached
from explorer.ui.errors import readable_errors

_KEPT = "deleted"  # session state


def keep(deleted: Deleted) -> None:
    """Remember a deletion."""
    st.session_state.setdefault(_KEPT, []).append(deleted)


def offer_undo() -> None:
    """A line with a button for each deletion since the page was opened."""
    for deleted in list(st.session_state.get(_KEPT, [])):
        trash.keep_for_undo(deleted)
        count = len(deleted.run_ids)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/delete: Deleted {in_markdown(deleted.title)} ({count} {'run' if count == 1 else 'runs'}).",
                width="content",
            )
            if st.button("Undo", icon=":material/undo:", key=f"undo-{deleted.folder.name}"):
                with readable_errors():
                    try:
                        trash.restore(deleted)
                    finally:
                        if not deleted.folder.is_dir():  # else the reader can try again
                            st.session_state[_KEPT].remove(deleted)
                    cached.forget()
                    st.rerun()


def empty() -> None:
    """Delete it all for good, once the reader is on another page; also what closed tabs have left."""
    trash.discard_expired()
    for deleted in st.session_state.pop(_KEPT, []):
        with readable_errors():
            trash.discard(deleted)
