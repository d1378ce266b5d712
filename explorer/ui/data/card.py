"""One data set: its facts, whether it is on this machine, its download."""

import streamlit as st

from explorer.data import download as downloads
from explorer.data.catalogue import DATASETS, DatasetRow, data_status
from explorer.escaping import message_in_markdown
from explorer.numerals import listed
from explorer.ui.data.class_pictures import class_pictures
from explorer.ui.errors import fragment, show_error
from explorer.ui.wording import size

CLASSES = 10  # named on a card
ALWAYS = ("digits", "cifar10")  # have a card on every machine


def names_of_cards() -> list[str]:
    """The data sets with a card: the usual ones, those on this machine, and those being downloaded."""
    return [name for name, row in DATASETS.items() if namesake(row) == name and (name in ALWAYS or _begun(row))]


def namesake(row: DatasetRow) -> str:
    """The first data set with the same files: both kinds of classes of CIFAR-100 share one card."""
    return next((name for name, other in DATASETS.items() if other.archive is row.archive), row.name)


def _begun(row: DatasetRow) -> bool:
    state = downloads.download_progress(row.name).state
    return state in ("running", "failed", "interrupted") or data_status(row.name).available


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
        f"{_classes(row)}"
    )
    st.caption(f"{row.source}. Licence: {row.licence}.")
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


def _classes(row: DatasetRow) -> str:
    others = [each for each in DATASETS.values() if row.archive and each.archive is row.archive and each is not row]
    also = "".join(f"; as {each.title}: {len(each.classes)}" for each in others)
    return f"{len(row.classes)} classes: {listed(row.classes, CLASSES)}{also}"
