"""Pages know the functions of the PyTorch process by name, with their types, and without PyTorch."""

import ast
import subprocess
import sys
from importlib import import_module
from inspect import getsource, isclass
from pathlib import Path

import pytest

from explorer import results
from explorer.compute import functions

ROOT = Path(functions.__file__).parents[2]


def stand_ins():
    """name: the module that type checkers see under it."""
    imports = [node for node in ast.walk(ast.parse(getsource(functions))) if isinstance(node, ast.ImportFrom)]
    found = {each.asname: f"{node.module}.{each.name}" for node in imports for each in node.names if each.asname}
    assert found
    return found


@pytest.mark.parametrize(("name", "module"), stand_ins().items(), ids=stand_ins())
def test_a_stand_in_names_the_functions_of_its_module(name, module):
    members = vars(import_module(module)).items()
    defined = [each for each, value in members if getattr(value, "__module__", "") == module]
    assert defined
    for each in defined:
        stand_in = getattr(getattr(functions, name), each)
        assert (stand_in.__module__, stand_in.__qualname__) == (module, each)


def test_results_come_from_modules_without_pytorch():
    """Else the server would import PyTorch to read an answer."""
    given = [each for each in vars(results).values() if isclass(each)]
    modules = {each.__module__ for each in given} | {
        "explorer.attribution.question",
        "explorer.compute.client",
        "explorer.compute.functions",
    }
    code = f"import sys\nfor each in {modules}: __import__(each)\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
