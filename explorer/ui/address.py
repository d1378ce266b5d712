"""Values of fields and of the address, checked strictly: anybody may have written the link."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from explorer.errors import BadSettings
from explorer.escaping import in_markdown
from explorer.numerals import real, whole

LONGEST = 2000  # characters of a value in a link; names of networks and folders are far shorter
TAKEN = "address_taken_out"  # in the session


def number_in_link(key: str, low: float, high: float, *, fraction: bool = False) -> float | None:
    """The number in the address under `key`; None unless it is of this kind and within these bounds.

    Args:
        fraction: whether it need not be a whole number.
    """
    return number_in(st.query_params.get(key, ""), low, high, fraction=fraction)


def number_in(text: str, low: float, high: float, *, fraction: bool = False) -> float | None:
    """The same for a part of a value in the address."""
    try:
        value = real(text) if fraction else whole(text)
    except BadSettings:
        return None
    return value if low <= value <= high else None


def bound_number(key: str, low: float, high: float, *, fraction: bool = False) -> dict[str, Any]:
    """`key` and `bind` of a number field; an invalid value in the address is removed first.

    Streamlit's own fields parse with Python's `float`, and raise at infinity.
    """
    if st.query_params.get(key) and number_in_link(key, low, high, fraction=fraction) is None and _take_out(key):
        st.rerun()
    return {"key": key, "bind": "query-params"}


def write_address(key: str, value: str | Sequence[str] | None) -> None:
    """Have a value, or several, under `key` in the address; None for none.

    Only what differs is written: Streamlit sends the whole address as this run knows it, which takes back what a field
    has written into it meanwhile.
    """
    wanted = [] if value is None else [value] if isinstance(value, str) else [*value]
    if st.query_params.get_all(key) == wanted:
        return
    if wanted:
        st.query_params[key] = wanted
    else:
        del st.query_params[key]


def rename_in_address(key: str, names: Mapping[str, str]) -> None:
    """Write the value of a field in an older link as it is offered now; called before the field.

    Args:
        names: the name offered by the one that older links have.
    """
    asked = st.query_params.get(key, "")
    if names.get(asked, asked) != asked and _take_out(key):
        write_address(key, names[asked])
        st.rerun()


def forget_unless_offered(key: str, offered: Iterable[str]) -> None:
    """Forget the choice made in a field if it is no longer offered; called before the field."""
    if st.session_state.get(key) not in (None, *offered):
        del st.session_state[key]


def refuse_long_texts() -> None:
    """Remove values from the address that are too long or contain NUL characters, with a warning."""
    taken = [
        key
        for key in list(st.query_params)
        if any(len(each) > LONGEST or "\0" in each for each in st.query_params.get_all(key)) and _take_out(key)
    ]
    if taken:
        st.session_state[TAKEN] = taken
        st.rerun()  # or fields would still read it
    for key in st.session_state.pop(TAKEN, ()):
        st.warning(f"The value of {in_markdown(key[:40])} in the link is too long or not a text. It was ignored.")


def _take_out(key: str) -> bool:
    """Remove a value from the address; False where a field has already read it."""
    with suppress(StreamlitAPIException):
        del st.query_params[key]
        return True
    return False
