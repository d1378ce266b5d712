"""The notebooks run in a fresh kernel; the built ones have their source's cells, and a picture of each figure."""

import base64
import io
import re
import shutil
from itertools import groupby

import nbformat
import pytest
from PIL import Image

from explorer.files import PROJECT
from notebooks import build
from notebooks.build import MOST_BYTES, PLOTLY, SOURCES, built_path, figures, is_current, outputs, read, run

NOTEBOOKS = {path.stem: path for path in SOURCES}
LAB_WIDTH = 848  # pixels of an output of JupyterLab, with the list of files, in a window of 1,280
LEAST_SIDE, LEAST_COLOURS = 200, 8  # of a picture that shows something

each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@pytest.fixture(scope="module")
def built():
    """Gives a built notebook."""
    return lambda name: nbformat.read(built_path(NOTEBOOKS[name]), nbformat.NO_CONVERT)


def kinds(notebook):
    """For each cell, the forms of its outputs; a text may come in several parts.

    Notices on standard error depend on the machine, such as that of Matplotlib's first import.
    """
    return [
        [form for form, _ in groupby(_form(each) for each in cell.outputs if each.get("name") != "stderr")]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _form(output):
    return sorted(set(output["data"]) - {"image/png"}) if "data" in output else output.output_type


@pytest.mark.thorough
@each_notebook
def test_it_runs_in_a_fresh_kernel_and_shows_what_the_built_one_shows(name, tmp_path, built):
    assert kinds(run(NOTEBOOKS[name], tmp_path)) == kinds(built(name))


@each_notebook
def test_the_built_one_is_of_this_source(name):
    assert is_current(NOTEBOOKS[name]), f"{name}.ipynb is older than its source: run `make notebooks`"


def test_a_changed_source_makes_the_built_one_old(tmp_path):
    source = shutil.copy(NOTEBOOKS["tour"], tmp_path)
    source = tmp_path / "tour.py"
    assert not is_current(source)  # there is no built one
    shutil.copy(built_path(NOTEBOOKS["tour"]), tmp_path)
    assert is_current(source)
    source.write_text(source.read_text().replace("steps=60", "steps=61"))
    assert not is_current(source)


def test_only_what_has_changed_is_built_again(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(build, "build", lambda source: asked.append(source.stem) or 1)
    monkeypatch.setattr(build, "is_current", lambda source: source.stem != "blocks")
    for arguments, expected in (([], ["blocks"]), (["tour"], ["tour"]), (["--all"], list(NOTEBOOKS))):
        asked.clear()
        monkeypatch.setattr("sys.argv", ["build", *arguments])
        assert build.main() == 0
        assert asked == expected
    monkeypatch.setattr("sys.argv", ["build", "tuor"])
    with pytest.raises(SystemExit, match="2"):
        build.main()
    assert "no notebook is called tuor" in capsys.readouterr().err


def test_a_notebook_that_is_too_large_is_not_written(monkeypatch, tmp_path):
    source = tmp_path / "large.py"
    shutil.copy(NOTEBOOKS["tour"], source)
    large = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("x" * MOST_BYTES)])
    monkeypatch.setattr(build, "run", lambda source, home: large)
    monkeypatch.setattr(build, "add_pictures", lambda notebook, folder: None)
    with pytest.raises(ValueError, match=r"large.py becomes 1.5 MB, more than 1.5 MB. Draw fewer points"):
        build.build(source)
    assert not built_path(source).exists()


@each_notebook
def test_the_built_one_is_small_valid_and_has_no_errors(name, built):
    notebook = built(name)
    nbformat.validate(notebook)
    assert built_path(NOTEBOOKS[name]).stat().st_size < MOST_BYTES
    assert not [each for each in outputs(notebook) if each.output_type == "error" or each.get("name") == "stderr"]
    numbers = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert numbers == list(range(1, len(numbers) + 1))


@each_notebook
def test_each_figure_has_a_picture_beside_it_for_viewers_without_scripts(name, built):
    found = figures(built(name))
    assert found
    for figure in found:
        assert {PLOTLY, "image/png"} <= set(figure.data)
        assert "text/html" not in figure.data  # would hide the picture where scripts are taken out
        with Image.open(io.BytesIO(base64.b64decode(figure.data["image/png"]))) as picture:
            assert min(picture.size) > LEAST_SIDE
            shown = figure.metadata["image/png"]
            assert picture.size == (shown["width"], shown["height"])  # JupyterLab reads only the first
            assert picture.width <= LAB_WIDTH
            assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
            assert len(picture.getcolors()) > LEAST_COLOURS


@each_notebook
def test_it_is_a_lesson(name):
    """A question and a guess before a figure, what it shows and does not, and exercises with folded answers."""
    texts = [cell.source for cell in read(NOTEBOOKS[name]).cells if cell.cell_type == "markdown"]
    whole = "\n".join(texts)
    for part in ("**Question.**", "**Guess.**", "**What it shows.**", "**What it does not show.**"):
        assert part in whole, part
    assert whole.count("<details>") == whole.count("</details>") >= 2
    folded = re.findall(r"<details><summary>Answer</summary>\n\n.*?\n\n</details>", whole, re.DOTALL)
    assert len(folded) == whole.count("<details>")  # Markdown inside of them needs empty lines around it


def test_the_document_lists_every_notebook():
    text = (PROJECT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\.\./notebooks/\1\.ipynb\)", text, flags=re.MULTILINE) == [
        *("tour", "degradation", "responses", "blocks", "attributions", "own_network", "evaluation")
    ]
    assert sorted(NOTEBOOKS) == sorted(re.findall(r"notebooks/(\w+)\.ipynb", text))
