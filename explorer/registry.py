"""Lookup of names in tables, with errors that list the known names and the nearest."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from explorer.errors import UnknownName, quoted

T = TypeVar("T")

LONGEST_GUESSED = 100  # characters compared to find the nearest name, which takes quadratic time


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """The row of `table` called `name`.

    Args:
        table: rows by name, in menu order.
        name: what the user typed.
        kind: the noun for the message, such as "schedule".

    Raises:
        UnknownName: no row has that name; the message lists the known ones and the nearest.
    """
    if name in table:
        return table[name]
    raise UnknownName(f"No {kind} is called {quoted(name)}.{nearest_hint(name, table)} Known: {', '.join(table)}.")


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """ " Did you mean ...?" with the closest known name; empty if none is close."""
    close = get_close_matches(name[:LONGEST_GUESSED], list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
