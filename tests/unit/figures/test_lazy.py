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


IN_A_NEW_PROCESS = """
import sys

def forget():
    for name in [name for name in sys.modules if name.startswith("explorer.figures")]:
        del sys.modules[name]

from explorer.figures import theme
assert not {"plotly", "pandas"} & set(sys.modules), "the colours alone bring plotly or pandas"
for before in ("", "import explorer.figures.curves.training", "from explorer.figures import training_curves"):
    forget()
    exec(before, {})
    from explorer.figures import training_curves
    assert callable(training_curves), before
"""


def test_the_figure_is_a_function_whatever_was_imported_before_and_colours_alone_are_quick():
    subprocess.run([sys.executable, "-c", IN_A_NEW_PROCESS], check=True)


def test_an_unknown_figure_names_those_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'histogram'. Figures: .*Figure, .*gaps, .*training_curves"):
        _ = explorer.figures.histogram
