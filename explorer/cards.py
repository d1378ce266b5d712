"""How results show themselves: short in a shell, as a card of facts in a notebook; texts of others are escaped."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.escaping import in_terminal
from explorer.numerals import counted

SIDE = 192  # pixels of a picture
LONGEST = 60  # letters of a text
MOST_PARTS = 6  # of a list


class Shown:
    """Base of result dataclasses (with `repr=False`) that hold tables and arrays: these are named, not written out."""

    __slots__ = ()

    def headline(self) -> str:
        """What it says, in a few words; empty shows the class."""
        return ""

    def pictures(self) -> str:
        """HTML below the headline."""
        return ""

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={short(value)}" for name, value in _values(self))
        return f"{type(self).__name__}({facts})"

    def _repr_html_(self) -> str:
        facts = {name: short(value, quote=False) for name, value in _values(self)}
        return card(self.headline() or type(self).__name__, facts, below=self.pictures())


def _values(shown: Any) -> list[tuple[str, object]]:
    return [(each.name, getattr(shown, each.name)) for each in fields(shown)]


def short(value: object, *, quote: bool = True) -> str:
    """A value in one short line: tables, arrays and tensors by their size, long lists and texts cut.

    Args:
        quote: texts have quotation marks, as in Python.
    """
    if isinstance(value, str):
        text = in_terminal(value)
        text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        return repr(text) if quote else text
    if isinstance(value, Mapping):
        return _listed([f"{short(k, quote=quote)}: {short(v, quote=quote)}" for k, v in value.items()], "{}")
    if isinstance(value, list | tuple):
        return _listed([short(each, quote=quote) for each in value], "[]" if isinstance(value, list) else "()")
    columns, shape = getattr(value, "columns", None), getattr(value, "shape", None)
    if columns is not None and shape is not None:
        named = _listed([str(each) for each in columns], "  ").strip()
        return f"<table of {counted(shape[0], 'row')}: {named}>" if quote else f"{counted(shape[0], 'row')}: {named}"
    if shape:
        return f"<{'×'.join(map(str, shape))} {str(getattr(value, 'dtype', '')).removeprefix('torch.')}>"
    if hasattr(value, "item"):
        value = value.item()
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _listed(parts: Sequence[str], brackets: str) -> str:
    more = [f"… {len(parts) - MOST_PARTS} more"] if len(parts) > MOST_PARTS else []
    return brackets[0] + ", ".join([*parts[:MOST_PARTS], *more]) + brackets[1]


def card(
    title: str, facts: Mapping[str, str], *, sentences: Iterable[str] = (), below: str = "", heading: str = "h4"
) -> str:
    """HTML with a title, sentences and a table of facts; without scripts, in the letters of the page that shows it.

    Args:
        title, facts, sentences: plain text, escaped here; `code` in backticks is shown as such.
        below: HTML after them.
    """
    said = "".join(f"<p>{prose(each)}</p>" for each in sentences if each)
    rows = "".join(
        f'<tr><th style="text-align: left">{prose(name)}</th><td style="text-align: left">{prose(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f"<div><{heading}>{prose(title)}</{heading}>{said}{f'<table>{rows}</table>' if rows else ''}{below}</div>"


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """HTML of a table of plain texts, escaped here."""
    head = "".join(f"<th>{prose(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{prose(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_list(sentences: Iterable[str]) -> str:
    """HTML of sentences as a list, escaped here."""
    return f"<ul>{''.join(f'<li>{prose(each)}</li>' for each in sentences)}</ul>"


def prose(text: str) -> str:
    """Plain text as HTML, with what is in backticks as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(in_terminal(text)))


def in_greys(pixels: NDArray[np.uint8], values: NDArray[np.float32], *, signed: bool) -> str:
    """HTML of a picture (H, W, C) and, beside it, of a map (H, W) as large: the lighter, the higher its values.

    Args:
        signed: the middle grey is zero.
    """
    from PIL import Image

    least, most = float(values.min()), float(values.max())
    if signed:
        most = max(abs(least), abs(most))
        least = -most
    levels = np.round(255 * (values - least) / ((most - least) or 1)).astype(np.uint8)
    shown = []
    for name, part in (("the picture", pixels), ("the map", levels)):
        side = Image.fromarray(np.squeeze(part)).resize(
            (SIDE, SIDE * part.shape[0] // part.shape[1]), Image.Resampling.NEAREST
        )
        file = BytesIO()
        side.save(file, "PNG")
        data = b64encode(file.getvalue()).decode()
        shown.append(f'<img alt="{name}" src="data:image/png;base64,{data}">')
    key = "black: against the class, grey: 0, white: for it" if signed else "black: 0, white: the highest value"
    return f"<p>{' '.join(shown)}</p><p>{key}</p>"
