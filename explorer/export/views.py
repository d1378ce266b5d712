"""A view of a page as data, written as link, Python, notebook or command; importing this does not import torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from explorer.escaping import fenced, in_terminal
from explorer.export.computations import COMPUTATIONS, Computation
from explorer.studies.commands import command

WIDTH = 68  # of a line of code, so that the menu of a page does not wrap it
IMPORT = "import explorer"
EMPTY = ("", ())


@dataclass(frozen=True, slots=True)
class View:
    """One table and its figure, by what they are computed from.

    Attributes:
        kind: name in `COMPUTATIONS`.
        of: references of networks, names of networks, or ids of experiments and runs.
        settings: of the computation; look: of the figure. Those that are None or empty are left out.
        figure: name in `explorer.figures`, where it is not the usual one of the computation.
        text: sentences beside the figure: what it is, what was found, what it does not say.
    """

    kind: str
    of: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    look: Mapping[str, object] = field(default_factory=dict)
    figure: str = ""
    text: tuple[str, ...] = ()

    @property
    def computation(self) -> Computation:
        return COMPUTATIONS[self.kind]

    def link(self, page: str, address: Mapping[str, str]) -> str:
        """The address that reopens the view.

        Args:
            page: the page's own address, such as http://127.0.0.1:8501/responses.
            address: what decides the view, by name of its fields.
        """
        query = urlencode(address)
        return f"{page}?{query}" if query else page

    def command(self) -> str:
        """The shell command that prints the table."""
        row, settings = self.computation, _given(self.settings)
        first = [str(settings.pop(name)) for name in row.first]
        return command(*row.command, *first, *self.of, **row.options(settings))

    def python(self) -> str:
        """The lines of Python that compute the table and draw its figure."""
        table, figure = self._lines()
        shown = [*figure, "figure.show()"] if figure else ["print(table.to_string(index=False))"]
        return "\n".join([IMPORT, "", *table, *shown])

    def notebook(self, link: str = "") -> str:
        """A notebook that computes and draws the same, as JSON (nbformat 4.5).

        Args:
            link: see `link`, for its first cell.
        """
        table, figure = self._lines()
        origin = f"\n\nThe page it is from: <{link}>" if link else ""
        cells = [
            _markdown(f"# {self.computation.title}\n\nComputed by `explorer` on the networks named below.{origin}"),
            _code([IMPORT]),
            _code([*table, "table"]),
        ]
        cells += [_code([*figure, "figure"])] if figure else []
        cells += [_markdown("\n".join(f"- {each}" for each in self.text))] if self.text else []
        cells += [_markdown(f"The same from a shell:\n\n{fenced(self.command(), 'bash')}")]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def _lines(self) -> tuple[list[str], list[str]]:
        """Lines that make `table`, and those that make `figure` from it, if there is one."""
        row, settings = self.computation, _given(self.settings)
        of: list[object] = [self.of] if row.of == "list" and self.of else [*self.of]
        of_table = {name: settings.pop(name) for name in row.of_table if name in settings}
        call = _call(f"explorer.{row.function}", [], of, {**dict.fromkeys(row.always), **settings})
        if row.figure_of == "table":
            table = _assigned("table", [*call[:-1], call[-1] + row.table])
        elif row.table.startswith("."):
            table = [*_assigned("found", call), f"table = found{row.table}"]
        else:
            made = _call(f"explorer.{row.table}", ["found"], [], of_table)
            table = [*_assigned("found", call), *_assigned("table", made)]
        name = self.figure or row.figure
        if not name:
            return table, []
        drawn, before = row.figure_of, list[str]()
        if (other := {**settings, **row.drawn_with}) != settings:
            drawn, before = "drawn", _assigned("drawn", _call(f"explorer.{row.function}", [], of, other))
        function = f"explorer.{name}" if "." in name else f"explorer.figures.{name}"
        figure = _call(function, [drawn], [], _given(self.look))
        return table, [*before, *_assigned("figure", figure)]


def _given(settings: Mapping[str, object]) -> dict[str, object]:
    """The settings that say something."""
    return {name: value for name, value in settings.items() if value is not None and value not in EMPTY}


def _assigned(name: str, lines: Sequence[str]) -> list[str]:
    return [f"{name} = {lines[0]}", *lines[1:]]


def _call(function: str, words: Sequence[str], values: Sequence[object], settings: Mapping[str, object]) -> list[str]:
    """A call, on one line if it is short enough.

    Args:
        words: arguments as they are written; then `values` by position, and `settings` by name.
    """
    given = [("", value) for value in values] + [(f"{name}=", value) for name, value in settings.items()]
    line = f"{function}({', '.join([*words, *(f'{name}{_literal(value)}' for name, value in given)])})"
    if len(line) <= WIDTH - len("figure = "):
        return [line]
    wrapped = [f"{each}," for each in words] + [part for name, value in given for part in _argument(name, value)]
    return [f"{function}(", *(f"    {each}" for each in wrapped), ")"]


def _argument(name: str, value: object) -> list[str]:
    """An argument of a call; a list that is too long for a line is filled into several."""
    line = f"{name}{_literal(value)},"
    if len(line) <= WIDTH - 4 or not isinstance(value, tuple | list):
        return [line]
    lines = [""]
    for each in (f"{_literal(one)}," for one in value):
        longer = f"{lines[-1]} {each}".strip()
        lines[-1:] = [longer] if len(longer) <= WIDTH - 8 else [*filter(None, lines[-1:]), each]
    return [f"{name}[", *(f"    {each}" for each in lines), "],"]


def _literal(value: object) -> str:
    """A value as Python code in printable letters; tuples as lists, which read better."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(each)}' for key, each in value.items())}}}"
    return in_terminal(json.dumps(value, ensure_ascii=False)) if isinstance(value, str) else repr(value)


def _markdown(text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(lines: Sequence[str]) -> dict[str, object]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": "\n".join(lines)}
