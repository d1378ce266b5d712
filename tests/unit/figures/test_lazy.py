"""`explorer.figures` gives its names when they are first asked for, whatever was imported before."""

import importlib.util
import subprocess
import sys

import pytest

import explorer.figures


@pytest.mark.parametrize("name", explorer.figures.__all__)
def test_no_module_stands_in_the_place_of_a_figure(name):
    """`import explorer.figures.curves.training` puts a module named "curves" into the package, for good."""
    assert importlib.util.find_spec(f"explorer.figures.{name}") is None
    assert callable(getattr(explorer.figures, name))


@pytest.mark.parametrize(
    "before", ["", "import explorer.figures.curves.training", "from explorer.figures import training_curves"]
)
def test_the_figure_is_a_function_whatever_was_imported_before(before):
    code = f"{before}\nfrom explorer.figures import training_curves\nassert callable(training_curves)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_colours_alone_bring_neither_plotly_nor_pandas():
    code = "import sys; from explorer.figures import theme; assert not {'plotly', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_figure_names_those_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'histogram'. Figures: Figure, .*gaps, .*training_curves"):
        _ = explorer.figures.histogram
