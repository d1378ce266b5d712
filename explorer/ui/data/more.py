"""The published data sets that are not on this machine, a line each, out of the way until asked for."""

import streamlit as st

from explorer.data import download as downloads
from explorer.data.catalogue import DATASETS, DatasetRow, shown_folder
from explorer.export.views import View
from explorer.studies.listing import data_sets
from explorer.ui.data.card import names_of_cards, namesake
from explorer.ui.errors import readable_errors
from explorer.ui.widgets.take_along import take_along
from explorer.ui.wording import size


def more_data_sets() -> None:
    """A folded list with a download button for each; nothing if all are there."""
    carded = names_of_cards()
    rows = [row for name, row in DATASETS.items() if name not in carded and namesake(row) == name]
    if not rows:
        return
    with st.expander(f"More data sets: {', '.join(row.title for row in rows)}", icon=":material/add_circle:"):
        for row in rows:
            _line(row)
        st.caption(
            f"If you have one already, put the folder named above into `{shown_folder()}`. Once a data set is there, "
            "the menus of all pages offer it."
        )


def _line(row: DatasetRow) -> None:
    assert row.archive is not None
    coarse = next((each for each in DATASETS.values() if each.archive is row.archive and each is not row), None)
    also = f" or {len(coarse.classes)}" if coarse else ""
    side = row.sizes[0]
    colour = "colour" if row.channels == 3 else "grey"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(
            f"**{row.title}**: {row.train_images + row.test_images:,} images, {colour}, {side}×{side} pixels, "
            f"{len(row.classes)}{also} classes  \n:small[:gray[{row.source}. Licence: {row.licence}. "
            f"Folder: {row.archive.folder}]]",
            width=720,
        )
        if st.button(f"Download ({size(row.archive.size)})", icon=":material/download:", key=f"download-{row.name}"):
            downloads.start_download(row.name)
            st.rerun()


def list_along() -> None:
    """What can be taken along of this page: the list of all data sets."""
    with readable_errors():
        take_along(View("data", ()), data_sets(), name="data-sets")
