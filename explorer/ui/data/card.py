"""One data set: its facts, whether it is on this machine, its download."""

import streamlit as st

from explorer.data import download as downloads
from explorer.data.catalogue import DATASETS, DatasetRow, data_status
from explorer.escaping import message_in_markdown
from explorer.ui.data.class_pictures import class_pictures
from explorer.ui.errors import fragment, show_error
from explorer.ui.wording import size


def data_card(name: str) -> None:
    """Facts of a data set; for one to download a button and the progress, refreshed while it runs."""
    row = DATASETS[name]
    running = row.archive is not None and downloads.download_progress(name).state == "running"
    with st.container(border=True):
        fragment(_card, run_every=1.0 if running else None)(row, running)


def _card(row: DatasetRow, running: bool) -> None:
    status = data_status(row.name)
    badge = ":green-badge[:material/check: ready]" if status.available else ":gray-badge[not downloaded]"
    st.markdown(f"#### {row.title} {badge}")
    if status.available:
        class_pictures(row.name)
    sizes = " or ".join(f"{side}×{side}" for side in row.sizes)
    colour = "colour" if row.channels == 3 else "grey"
    st.markdown(
        f"{row.train_images:,} training and {row.test_images:,} test images, {colour}, {sizes} pixels  \n"
        f"{len(row.classes)} classes: {', '.join(row.classes)}"
    )
    st.caption(row.source)
    if row.archive is None:
        st.markdown(status.detail)
        return
    progress = downloads.download_progress(row.name)
    if (progress.state == "running") != running:
        st.rerun()
    if progress.state == "running":
        part = min(1.0, progress.done / progress.total)
        st.progress(
            part, text=f"{message_in_markdown(progress.message)} {size(progress.done)} of {size(progress.total)}"
        )
        st.caption("You may leave this page: the download continues.")
        if st.button("Cancel", icon=":material/close:", key=f"cancel-{row.name}"):
            downloads.cancel_download(row.name)
            st.rerun()
    elif status.available:
        st.markdown(f"{message_in_markdown(status.detail)} {size(status.bytes or 0)} on disk.")
    else:
        if progress.state in ("failed", "interrupted"):
            show_error(progress.message)
        else:
            st.markdown(message_in_markdown(status.detail))
        again = progress.state in ("failed", "interrupted") and progress.done > 0
        label = f"{'Resume the download' if again else 'Download'} ({size(progress.total)})"
        if st.button(label, type="primary", icon=":material/download:", key=f"download-{row.name}"):
            downloads.start_download(row.name)
            st.rerun()
