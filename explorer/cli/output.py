"""Output of commands: the result on standard output, as text or as one JSON document; messages on standard error."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from explorer.escaping import in_terminal

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, arg(name="json", help="Print one JSON document and nothing else.")]
AsCsv = Annotated[bool, arg(name="csv", help="Print comma-separated values and nothing else.")]


def message(text: str) -> None:
    """Print a message on standard error."""
    print(_visible(text), file=sys.stderr, flush=True)


def show(document: object, text: str, *, as_json: bool) -> int:
    """Print the result of a command; gives the exit code of success."""
    print(json_text(document) if as_json else _visible(text))
    return 0


def show_table(key: str, table: "pd.DataFrame", *, csv: bool, json: bool, columns: Iterable[str] | None = None) -> int:
    """Print a table as the result of a command; gives the exit code of success.

    Args:
        key: of the rows in the JSON document.
        columns: of the text; None takes all.
    """
    if csv:
        print(table.to_csv(index=False).rstrip("\n"))
        return 0
    rows = table.to_dict("records")
    return show({key: rows}, text_table(rows, table.columns if columns is None else columns), as_json=json)


def json_text(value: object) -> str:
    """`value` as JSON; NaN and infinity, which JSON does not have, become null."""
    return json.dumps(_plain(value), indent=2, allow_nan=False)


def text_table(rows: Sequence[Mapping[Any, Any]], columns: Iterable[str]) -> str:
    """Rows as aligned text under their column names, with numbers right-aligned."""
    names = list(columns)
    cells = [[_cell(row[name]) for name in names] for row in rows]
    numeric = [any(_is_number(row[name]) for row in rows) for name in names]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    lines = []
    for line in [names, *cells]:
        padded = (
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, numeric, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def text_facts(facts: Mapping[str, Any]) -> str:
    """Properties, one per line."""
    width = max(map(len, facts))
    return "\n".join(f"{name.ljust(width)}  {_cell(value)}" for name, value in facts.items())


def _visible(text: str) -> str:
    """Text with control characters escaped, since titles, names and paths are not trusted."""
    return "\n".join(map(in_terminal, text.split("\n")))


def _plain(value: object) -> Any:
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value)) or "-"
    return in_terminal(str(value))
