"""A view as link, Python, notebook and command."""

import json
import shlex

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbclient import NotebookClient

import explorer
from explorer.cli.main import app
from explorer.errors import UnknownName
from explorer.escaping import in_terminal
from explorer.export.computations import COMPUTATIONS
from explorer.export.views import View

RESPONSES = View(
    "responses",
    ("resnet8-w4", "plain8-w4"),
    {"images": 20, "data": "", "statistics": "batch"},
    {"measure": "response_std", "log_y": False},
    text=("The *first* sentence.",),
)
PYTHON = """\
import explorer

table = explorer.inspection.response_std(
    ["resnet8-w4", "plain8-w4"],
    images=20,
    statistics="batch",
)
figure = explorer.figures.response_levels(
    table,
    measure="response_std",
    log_y=False,
)
figure.show()"""


def test_python_has_the_settings_that_say_something():
    assert RESPONSES.python() == PYTHON


@pytest.mark.parametrize("by", ["stage", "layer"])
def test_a_figure_of_other_rows_than_the_table_computes_them(by):
    found = {}
    exec(View("sizes", ("resnet8-w4",), {"by": by}).python().removesuffix("figure.show()"), found)
    assert found["table"].equals(explorer.sizes(["resnet8-w4"], by=by))
    assert found["figure"] == explorer.figures.layer_sizes(explorer.sizes(["resnet8-w4"], by="layer"))


def test_a_long_list_has_a_line_for_each_value():
    names = tuple(f"a rather long name, of a run, number {number}" for number in range(3))
    lines = View("lesion", names).python().splitlines()
    assert lines[2:8] == [
        "table = explorer.blocks.lesion(", "    [", *(f'        "{name}",' for name in names), "    ],",
    ]  # fmt: skip


def test_short_values_of_a_long_list_share_lines():
    blocks = tuple(f"stage1.block{number}" for number in range(1, 9))
    lines = View("lesion", blocks).python().splitlines()
    assert max(map(len, lines)) <= 68
    assert [line.count("stage1") for line in lines] == [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0]


def test_the_command_has_the_same_settings():
    assert RESPONSES.command() == "python -m explorer responses resnet8-w4 plain8-w4 --images 20 --statistics batch"


def test_a_link_quotes_what_an_address_cannot_hold():
    link = RESPONSES.link("http://127.0.0.1:8501/responses", {"networks": "a,b", "study": "Residual & <b>"})
    assert link == "http://127.0.0.1:8501/responses?networks=a%2Cb&study=Residual+%26+%3Cb%3E"
    assert RESPONSES.link("http://127.0.0.1:8501/responses", {}) == "http://127.0.0.1:8501/responses"


ODD = ['a "b"', "c\\d", "new\nline", "€", "'; import os #", "{x}", "\0", "$(id) `id` !x", "a\u202eb", "a\udc80b"]


@pytest.mark.parametrize("text", ODD)
def test_any_text_stays_one_value(text):
    view = View("sizes", (text,))
    assert text in eval(view.python().partition("sizes(")[2].partition(")\n")[0])
    assert in_terminal(view.python()) == view.python().replace("\n", r"\n"), "one sees what it is"
    assert shlex.split(view.command())[-1] == text
    json.loads(view.notebook())


def test_a_value_that_looks_like_an_option_stays_a_value():
    with pytest.raises(UnknownName, match="No class of Handwritten digits is called '-x'"):
        app.cli(args=shlex.split(View("maps", ("resnet8-w4",), {"target": "-x"}).command())[3:])


def test_a_fence_in_a_name_does_not_end_the_command_of_a_notebook():
    notebook = json.loads(View("sizes", ("a\n```\n<script>alert(1)</script>",)).notebook())
    *_, last = (MarkdownIt().render(each["source"]) for each in notebook["cells"])
    assert "&lt;script&gt;" in last
    assert "<script>" not in last


def test_a_notebook_is_valid_and_runs_in_a_kernel_of_its_own():
    notebook = nbformat.reads(RESPONSES.notebook("http://127.0.0.1:8501/responses?a=b"), as_version=4)
    nbformat.validate(notebook)
    texts = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "<http://127.0.0.1:8501/responses?a=b>" in texts
    assert "The *first* sentence." in texts
    assert RESPONSES.command() in texts
    NotebookClient(notebook, timeout=120).execute()
    table, figure = (cell.outputs[0].data for cell in notebook.cells if cell.cell_type == "code" and cell.outputs)
    assert "resnet8-w4" in table["text/plain"]
    assert "application/vnd.plotly.v1+json" in figure


@pytest.mark.parametrize("kind", COMPUTATIONS)
def test_all_names_of_a_row_are_there(kind):
    row = COMPUTATIONS[kind]
    figure = row.figure if "." in row.figure else row.figure and f"figures.{row.figure}"
    for name in filter(None, (row.function, figure, row.table if "." in row.table[1:] else "")):
        found = explorer
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found)
    assert row.command[0] in app._subcommands


@pytest.mark.parametrize("kind", COMPUTATIONS)
def test_a_notebook_has_the_lines_of_python(kind):
    row = COMPUTATIONS[kind]
    settings = dict.fromkeys((*row.first, *row.of_table), "x") | {"data": "digits"}
    view = View(kind, ("resnet8",), settings, {"look": 1})
    cells = [
        each["source"].splitlines() for each in json.loads(view.notebook())["cells"] if each["cell_type"] == "code"
    ]
    lines = [line for cell in cells for line in cell if line not in ("table", "figure")]
    shown = "figure.show()" if row.figure else "print(table.to_string(index=False))"
    assert [*lines, shown] == [line for line in view.python().splitlines() if line]
