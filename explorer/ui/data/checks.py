"""The check of a folder's pictures on its card: what cannot be read, all at once, and leaving it out."""

from pathlib import Path

import streamlit as st

from explorer.data.checked_folders import check_folder, leave_out_broken
from explorer.data.checking import Checked
from explorer.data.folders import folder
from explorer.data.left_out import left_out, take_back
from explorer.escaping import in_markdown
from explorer.ui.errors import readable_errors

FOUND = "folder_checks"  # in the session: what was found, and the state of the folder then, by name
HEADER_SECONDS = 5.0  # spent at most on the beginnings of files when a folder is added


def check_headers(name: str) -> None:
    """Look at the beginnings of the files of a folder that was just added, for a few seconds at most."""
    _keep(name, check_folder(_path(name), headers=True, seconds=HEADER_SECONDS))


def checks(name: str) -> None:
    """What the last check found, with a button to leave it out, and a button for a check of every picture."""
    path = _path(name)
    found = _found(name)
    if found is not None and found.broken:
        st.warning(in_markdown(found.sentence(path)), icon=":material/broken_image:")
    elif found is not None and found.read:
        st.caption(in_markdown(found.sentence(path)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is not None and found.broken:
            st.button(
                "Leave them out", icon=":material/block:", key=f"leave-{name}", on_click=_leave_out, args=(name, found),
                help="Written down here, so that the data set stays the same. No file is deleted.",
            )  # fmt: skip
        if st.button(
            "Check the pictures", icon=":material/image_search:", key=f"check-{name}", type="tertiary",
            help="Reads every picture once, and names all that cannot be read.",
        ):  # fmt: skip
            _check(name)
        if count := len(left_out(path)):
            st.button(
                f"Take back {count:,} left out", icon=":material/undo:", key=f"back-{name}", type="tertiary",
                on_click=_take_back, args=(name,),
            )  # fmt: skip


def finds_broken(name: str) -> bool:
    """Whether the last check in this session found pictures that cannot be read."""
    found = _found(name)
    return found is not None and bool(found.broken)


def _check(name: str) -> None:
    bar = st.progress(0.0, "Reading the pictures ...")
    shown = 0

    def report(done: int, total: int) -> None:
        nonlocal shown
        if done * 100 // total > shown or done == total:
            shown = done * 100 // total
            bar.progress(done / total, f"Reading the pictures: {done:,} of {total:,}")

    with readable_errors():
        _keep(name, check_folder(_path(name), report=report))
        st.rerun()


def _leave_out(name: str, found: Checked) -> None:
    with readable_errors():
        leave_out_broken(_path(name), found)


def _take_back(name: str) -> None:
    with readable_errors():
        take_back(_path(name))


def _path(name: str) -> Path:
    return Path(name.partition(":")[2])


def _keep(name: str, found: Checked) -> None:
    st.session_state.setdefault(FOUND, {})[name] = (found, _state(name))


def _found(name: str) -> Checked | None:
    """The last check in this session, unless the folder has changed since."""
    found, state = st.session_state.get(FOUND, {}).get(name, (None, None))
    return found if state == _state(name) else None


def _state(name: str) -> tuple[object, ...]:
    scanned = folder(_path(name))
    return scanned.record, tuple(scanned.stamps.items())
