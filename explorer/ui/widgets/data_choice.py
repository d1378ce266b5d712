"""Fields for a data set: the built-in ones and the folders on the user's list, never another path."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.data.catalogue import DATASETS, OWN, data_status, is_folder
from explorer.data.own_folders import HOW_TO_ADD, readable_folders
from explorer.errors import quoted
from explorer.escaping import in_markdown
from explorer.ui import wording
from explorer.ui.address import forget_unless_offered, write_address

AS_TRAINED = {"": "As trained"}
HELP = "Folders of your own pictures are added on the Data page."


def choose_data(place: DeltaGenerator, key: str, offered: Mapping[str, str], *, builtin: bool = True) -> str:
    """A field for a data set, kept in the address by its label; other data sets in a link are refused.

    Args:
        place: container for the field.
        key: of the field and in the address; unique to a page, or a link from one page to another loses it.
        offered: labels by name, before those of the data sets.
        builtin: offer the built-in data sets too. Where there is only one choice, there is no field.

    Returns:
        The name of a data set, or one of `offered`.
    """
    options = {**offered, **(built_in() if builtin else {}), **folder_labels()}
    refuse_others(key, options)
    if len(options) == 1:
        return next(iter(options))
    with place:
        return str(
            st.selectbox(
                "Data", list(options), format_func=options.__getitem__, key=key, bind="query-params", width=210,
                help=HELP,
            )
        )  # fmt: skip


def refuse_others(key: str, options: Mapping[str, str]) -> None:
    """Refuse a data set in the address that a field does not offer, with a warning; called before the field.

    Args:
        key: of the field and in the address.
        options: labels by name.
    """
    asked = st.query_params.get(key)
    missing = next((row for row in DATASETS.values() if row.title == asked), None)
    if missing is not None and asked not in options.values() and not data_status(missing.name).available:
        st.warning(
            f"The link asks for images of {missing.title}, which is not on this machine. Download it on the Data page."
        )
        write_address(key, None)
    elif asked is not None and asked not in options.values():
        st.warning(
            f"The link asks for images of {in_markdown(quoted(asked)[1:-1])}, which is neither a data set offered "
            f"here nor a folder on your list, so it is not read. If it is a folder of yours: {HOW_TO_ADD}"
        )
        write_address(key, None)
    forget_unless_offered(key, options)  # taken off the list meanwhile


def built_in() -> dict[str, str]:
    """Labels of the published data sets, by name: the usual ones, and the others that are on this machine."""
    return {
        name: row.title
        for name, row in DATASETS.items()
        if name in ("digits", "cifar10") or data_status(name).available
    }


def folder_labels() -> dict[str, str]:
    """Labels of the folders on the user's list that can be read, by name of the data set."""
    rows = readable_folders()
    labels = wording.distinct({name.partition(":")[2]: row.title for name, row in rows.items()})
    return {name: labels[name.partition(":")[2]] for name in rows}


def link_to(key: str, name: str) -> dict[str, str] | None:
    """Query parameters that select a data set in the field `key`; None where no field offers it.

    Args:
        name: of a data set, such as "imagenet:/home/me/pets" for a folder on the list.
    """
    if not is_folder(name):
        return {} if name in DATASETS else None
    label = folder_labels().get(f"{OWN}:{name.partition(':')[2]}")
    return None if label is None else {key: label}
