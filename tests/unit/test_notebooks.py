"""The notebooks run from top to bottom; as percent files they are plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path, tmp_path):
    """On the digits: with CIFAR-10 some take minutes."""
    settings = {"PYTHONPATH": str(path.parents[1]), "OMP_NUM_THREADS": "1", "EXPLORER_DATA": str(tmp_path)}
    environment = os.environ | settings
    done = subprocess.run([sys.executable, str(path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
