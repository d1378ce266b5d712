"""Numbers in texts, read and written.

Numbers of shells, links and settings have decimal ASCII digits only; Python's `int` and `float` also accept digits of
other scripts, underscores, spaces, inf and nan.
"""

import re
from collections.abc import Sequence
from math import isnan

from explorer.errors import BadSettings, quoted

MOST_DIGITS = 19  # of a 64-bit integer; twice as many after a decimal point
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{MOST_DIGITS}}}")
_REAL = re.compile(
    rf"[+-]?(?:[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{0,{2 * MOST_DIGITS}}})?|\.[0-9]{{1,{2 * MOST_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


def whole(text: str) -> int:
    """A text as an integer.

    Raises:
        BadSettings: it is not a whole number, or has more than 19 digits.
    """
    if not _WHOLE.fullmatch(text):
        raise BadSettings(
            f"{quoted(text)} is not a whole number. Write it in the digits 0 to 9, at most {MOST_DIGITS}, such as 128."
        )
    return int(text)


def real(text: str) -> float:
    """A text as a float.

    Raises:
        BadSettings: it is not a number, has too many digits, or is too large for 64 bits.
    """
    value = float(text) if _REAL.fullmatch(text) else None
    if value is None or value in (float("inf"), float("-inf")):
        raise BadSettings(f"{quoted(text)} is not a number. Write it in the digits 0 to 9, such as 0.1 or 1e-4.")
    return value


def minus(text: str) -> str:
    """A text with minus signs in place of the hyphens before its numbers; names and ranges stay."""
    return re.sub(r"(?<![\w)-])-(?=\.?\d)", "\N{MINUS SIGN}", text)


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in percent, "8.4 %"; a dash for None or NaN."""
    return "–" if fraction is None or isnan(fraction) else minus(f"{100 * fraction:.{digits}f} %")


def counted(count: int, noun: str) -> str:
    """A number of things, "1 run", "2,000 runs"."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def listed(texts: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of several texts, and how many more there are: "a, b and 3 more", or "a; b; and 3 more"."""
    more = len(texts) - most
    shown = separator.join(texts[:most])
    return f"{shown}{separator.strip(', ')} and {more:,} more" if more > 0 else shown


def duration(seconds: float) -> str:
    """A time in one or two units."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
