"""Look a name up in one of the product's tables, with an error that helps."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from explorer.errors import UnknownName, quoted

T = TypeVar("T")

LONGEST_GUESSED = 100  # characters of a name that others are likened to, which takes time with their square


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
    """ " Did you mean ...?" for the closest known name, or nothing."""
    close = get_close_matches(name[:LONGEST_GUESSED], list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
