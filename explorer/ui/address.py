"""Numbers in the address of a page: anybody may have written the link, so they follow one grammar and have bounds."""

from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from explorer.errors import BadSettings
from explorer.escaping import in_markdown
from explorer.numerals import real, whole

LONGEST = 2000  # characters of what a link says; names of networks and folders are far shorter
TAKEN = "address_taken_out"  # in the session


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
    """`key` and `bind` of a number field; where the address says something else under `key`, the page begins without.

    Streamlit's own fields read whatever Python's `float` does, and raise at infinity.
    """
    if st.query_params.get(key) and number_in_link(key, low, high, fraction=fraction) is None and _take_out(key):
        st.rerun()
    return {"key": key, "bind": "query-params"}


def refuse_long_texts() -> None:
    """Take out of the address what no page can be asked for, and say so: texts without end, or with NUL characters."""
    taken = [
        key
        for key in list(st.query_params)
        if any(len(each) > LONGEST or "\0" in each for each in st.query_params.get_all(key)) and _take_out(key)
    ]
    if taken:
        st.session_state[TAKEN] = taken
        st.rerun()  # or fields would still read it
    for key in st.session_state.pop(TAKEN, ()):
        st.warning(f"What the link says for {in_markdown(key[:40])} is too long or is no text. It was left out.")


def _take_out(key: str) -> bool:
    """Take something out of the address; False where a field has read it before."""
    with suppress(StreamlitAPIException):
        del st.query_params[key]
        return True
    return False
