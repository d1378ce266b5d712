"""The public names of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import explorer


@pytest.mark.parametrize("name", explorer.__all__)
def test_every_public_name_is_there(name):
    assert getattr(explorer, name) is not None
    assert name in dir(explorer)


def test_names_are_found_where_type_checkers_look_for_them():
    """The lazy table and the imports for type checkers say the same."""
    imports = {}
    for node in ast.walk(ast.parse(Path(explorer.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            imports |= {
                each.asname or each.name: {f"{node.module}:{each.name}", f"{node.module}.{each.name}"}
                for each in node.names
            }
    for name, home in explorer._HOME.items():
        assert home in imports[name]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"^module 'explorer' has no attribute 'trian'\. Public names: .*train"):
        _ = explorer.trian


def test_importing_is_quick_and_silent():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import sys, explorer; print('pandas' in sys.modules)"],
        capture_output=True,
        text=True,
        cwd=explorer.__path__[0] + "/..",
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
