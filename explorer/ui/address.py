"""Numbers in the address of a page: anybody may have written the link, so they follow one grammar and have bounds."""

from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from explorer.errors import BadSettings
from explorer.numerals import real, whole

LONGEST = 4000  # characters of what a link says; names of networks and folders are far shorter


def number_in_link(key: str, low: float, high: float, *, fraction: bool = False) -> float | None:
    """What the address says under `key`; None where that is no number of this kind within these bounds.

    Args:
        fraction: whether it need not be a whole number.
    """
    return number_in(st.query_params.get(key, ""), low, high, fraction=fraction)


def number_in(text: str, low: float, high: float, *, fraction: bool = False) -> float | None:
    """The same of a part of what the address says."""
    try:
        value = real(text) if fraction else whole(text)
    except BadSettings:
        return None
    return value if low <= value <= high else None


def bound_number(key: str, low: float, high: float, *, fraction: bool = False) -> dict[str, Any]:
    """`key` and `bind` of a number field; what it should not read is taken out of the address first.

    Streamlit's own fields read whatever Python's `float` does, and raise at infinity.
    """
    if st.query_params.get(key) and number_in_link(key, low, high, fraction=fraction) is None:
        take_out(key)
    return {"key": key, "bind": "query-params"}


def take_out(key: str) -> None:
    """Take something out of the address, unless a field has it already."""
    with suppress(StreamlitAPIException):
        del st.query_params[key]


def shorten_address() -> None:
    """Take out what no page can be asked for, and say so: texts without end, and characters that are none."""
    for key in list(st.query_params):
        texts = st.query_params.get_all(key)
        if any(len(each) > LONGEST or "\0" in each for each in texts):
            take_out(key)
            st.warning(f"What the link says for `{key[:40]}` is too long or is no text, so it was left out.")
