"""A number field that never lets a button use another value than the one it shows."""

from typing import Any

import streamlit as st

from explorer.errors import BadSettings
from explorer.ui.address import bound_number
from explorer.ui.wording import minus

SMALLEST = 1e-300  # a lower bound below it stands for any positive number


def number_field(
    label: str, low: Any, high: Any, usual: Any, *, key: str, fraction: bool = False, **options: Any
) -> Any:
    """The number in a field that is kept in the address; for an empty field the usual one, which may be None.

    The browser keeps a value outside the bounds of a number field to itself, and buttons would use the one before. So
    the field has no bounds there, and its value is checked here.

    Args:
        low, high: its bounds, inclusive.
        fraction: whether it need not be a whole number.
        options: of `st.number_input`.

    Raises:
        BadSettings: the value is out of bounds.
    """
    usual_look = {"step": None, "format": "%g"} if fraction else {"step": 1}
    bound = bound_number(key, low, high, fraction=fraction)
    chosen = st.number_input(label, value=usual, **bound, **usual_look | options)
    return usual if chosen is None else within(label, chosen, low, high)


def within(label: str, chosen: Any, low: Any, high: Any) -> Any:
    """The value chosen in a field; raises BadSettings if it is out of bounds."""
    if low <= chosen <= high:
        return chosen
    least = "greater than 0 and at most" if 0 < low < SMALLEST else f"from {_written(low)} to"
    raise BadSettings(f"{label} is {_written(chosen)}. It must be {least} {_written(high)}.")


def _written(number: float) -> str:
    return minus(f"{number:,}" if isinstance(number, int) else f"{number:,g}")
