"""The notebooks run from top to bottom; as percent files they are plain Python."""

import runpy

import pytest

from explorer.files import PROJECT
from explorer.runs import store

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.py"))


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path, tmp_path, monkeypatch):
    """On the digits: with CIFAR-10 some take minutes."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(store, "SHIPPED", PROJECT / "checkpoints")
    runpy.run_path(str(path), run_name="__main__")
