"""The section of the Data page for folders of the user's own pictures: list, add, remove."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.data.catalogue import dataset
from explorer.data.file_pixels import FilePixels
from explorer.data.layout import SeveralDataSets
from explorer.data.own_folders import add_folder, folder_table, folders_state, remove_folder
from explorer.errors import ExplorerError, one_line
from explorer.escaping import in_markdown, message_in_markdown
from explorer.numerals import listed
from explorer.ui.data.checks import check_headers, checks, finds_broken
from explorer.ui.errors import readable_errors, show_error
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import link_to

CLASSES = 8  # named on a card
PICTURES, SIDE, GAP = 8, 64, 4  # on a card, and their pixels
MOST_BROKEN = 8  # pictures that are passed over on a card
COLUMNS = 2
SEVERAL = "folder_of_several"  # in the session: the message, and the paths to choose from
MOST_OFFERED = 12


def own_pictures() -> None:
    """A field for a path, and a card for each folder on the list."""
    st.subheader("Your own pictures", anchor=False)
    st.markdown(
        "A folder on this machine, with a subfolder of pictures (PNG, JPEG, WebP, BMP) for each class, named after it. "
        "If subfolders are named after classes of ImageNet or CIFAR-10, networks trained on those can be evaluated on "
        "it. To train on it, put the classes into two subfolders, `train` and `val`. Other usual names are known too, "
        "such as `Training` and `test_set`. Pictures are not copied."
    )
    _add()
    with readable_errors():
        _show(folder_table())


def _show(rows: list[dict[str, Any]]) -> None:
    if not rows:
        st.info("There are no folders on the list yet. Enter the path of one above.")
    for start in range(0, len(rows), COLUMNS):
        for column, row in zip(st.columns(COLUMNS, gap="medium"), rows[start : start + COLUMNS], strict=False):
            with column, st.container(border=True):
                _card(row)


def _add() -> None:
    added = st.session_state.get("folders_added", 0)  # a new key empties the field
    with st.form("add-folder", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        path = st.text_input("Folder", key=f"folder-{added}", placeholder="/home/me/pictures", width=480)
        asked = st.form_submit_button("Add", icon=":material/add:", type="primary")
    if asked:
        st.session_state.pop(SEVERAL, None)
        with readable_errors():
            _add_path(str(path))
            st.rerun()
    _choose_one()


def _add_path(path: str) -> None:
    try:
        name = add_folder(path)
    except SeveralDataSets as error:
        st.session_state[SEVERAL] = (one_line(error), [str(each) for each in error.paths])
        return
    st.session_state.pop(SEVERAL, None)
    st.session_state.folders_added = st.session_state.get("folders_added", 0) + 1
    with st.spinner("Looking at the files ..."):
        check_headers(name)


def _choose_one() -> None:
    """The data sets in the folder that was named, if it holds several."""
    if SEVERAL not in st.session_state:
        return
    text, paths = st.session_state[SEVERAL]
    show_error(text)
    with st.container(horizontal=True):
        for path in paths[:MOST_OFFERED]:
            st.button(
                f"Add {in_markdown(Path(path).name)}", icon=":material/add:", key=f"add-{path}", on_click=_add_path,
                args=(path,), help=in_markdown(path),
            )  # fmt: skip


def _card(row: dict[str, Any]) -> None:
    badge = ":green-badge[:material/check: ready]" if row["available"] else ":red-badge[cannot be read]"
    st.markdown(f"#### {in_markdown(row['title'])} {badge}")
    if not row["available"]:
        st.markdown(in_markdown(row["detail"]))
    else:
        classes = dataset(row["name"]).classes
        trained = f"{row['train_images']:,} training and " if row["train_images"] else ""
        alone = "" if row["train_images"] else ", no training images"
        st.markdown(
            f"{trained}{row['test_images']:,} test images{alone}, colour, any size  \n"
            f"{len(classes)} classes: {in_markdown(listed(classes, CLASSES))}"
        )
        _strip(row["name"])
    st.caption("  \n".join([in_markdown(row["place"]), *map(message_in_markdown, row["notes"])]))
    if row["available"]:
        checks(row["name"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if row["available"]:
            link = link_to("data", row["name"])
            st.page_link(page("evaluate"), label="Evaluate on it", icon=":material/fact_check:", query_params=link)
        st.button(
            "Remove from the list", icon=":material/playlist_remove:", key=f"remove-{row['name']}", type="tertiary",
            on_click=_remove, args=(row["place"],), help="The pictures stay where they are.",
        )  # fmt: skip


def _remove(place: str) -> None:
    with readable_errors():
        remove_folder(place)


def _strip(name: str) -> None:
    try:
        pixels, broken = _pictures(name, folders_state())
    except ExplorerError as error:
        st.warning(message_in_markdown(str(error)))
        return
    if pixels is not None:
        st.image(pixels, output_format="PNG")
    if broken and not finds_broken(name):
        st.warning(message_in_markdown(f"{broken} Check the pictures to find all that cannot be read."))


@st.cache_data(show_spinner=False, max_entries=20)
def _pictures(name: str, state: tuple[object, ...]) -> tuple[NDArray[np.uint8] | None, str]:
    """The first test pictures of the classes in turn, side by side; cached until `state` changes.

    Those that cannot be read are passed over; also gives the message about the first of them.
    """
    split = dataset(name).read(Path(), "test", SIDE)
    assert isinstance(split.pixels, FilePixels)
    nth = np.zeros(len(split.labels), np.int64)  # of its class
    for number in np.unique(split.labels):
        nth[split.labels == number] = np.arange((split.labels == number).sum())
    shown: list[NDArray[np.uint8]] = []
    broken = ""
    for place in np.lexsort((split.labels, nth))[: PICTURES + MOST_BROKEN]:
        try:
            shown.append(split.pixels[int(place)])
        except ExplorerError as error:
            broken = broken or str(error)
        if len(shown) == PICTURES:
            break
    if not shown:
        return None, broken
    opaque = np.pad(np.stack(shown), ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=255)
    apart = np.pad(opaque, ((0, 0), (0, 0), (0, GAP), (0, 0)))  # gaps let the page through
    return np.concatenate(list(apart), axis=1)[:, :-GAP], broken
