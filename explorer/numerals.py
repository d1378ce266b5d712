"""How numbers are written in shells, links and settings: decimal ASCII digits, and nothing that Python takes besides.

Python's own `int` and `float` also take digits of other scripts, underscores, spaces, inf and nan.
"""

import re

from explorer.errors import BadSettings, quoted

MOST_DIGITS = 19  # all that 64 bits hold; of a real number's fraction twice as many
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{MOST_DIGITS}}}")
_REAL = re.compile(
    rf"[+-]?(?:[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{0,{2 * MOST_DIGITS}}})?|\.[0-9]{{1,{2 * MOST_DIGITS}}})"
    r"(?:[eE][+-]?[0-9]{1,3})?"
)


def whole(text: str) -> int:
    """The whole number that a text is.

    Raises:
        BadSettings: it is none, or has more than 19 digits.
    """
    if not _WHOLE.fullmatch(text):
        raise BadSettings(
            f"{quoted(text)} is not a whole number. Write it in the digits 0 to 9, at most {MOST_DIGITS}, such as 128."
        )
    return int(text)


def real(text: str) -> float:
    """The number that a text is.

    Raises:
        BadSettings: it is none, has too many digits, or is too large for 64 bits.
    """
    value = float(text) if _REAL.fullmatch(text) else None
    if value is None or value in (float("inf"), float("-inf")):
        raise BadSettings(f"{quoted(text)} is not a number. Write it in the digits 0 to 9, such as 0.1 or 1e-4.")
    return value
