"""The package works without a checkout: its command, the app's pages, the shipped networks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ["explorer", "pages", "checkpoints", ".streamlit", "streamlit_app.py", "setup.py", "pyproject.toml",
          "requirements.txt", "requirements-cluster.txt", "README.md", "LICENSE"]  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Where pip has installed the package; and a folder to run it from, with a home of its own."""
    place = tmp_path_factory.mktemp("installed")
    source = place / "source"
    source.mkdir()
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, source / name)
    packages = place / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-input"]
    subprocess.run([*pip, "--disable-pip-version-check", "--target", packages, source], check=True, capture_output=True)
    shutil.rmtree(source)
    return packages


def run(installed, *arguments):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("EXPLORER_")}
    variables |= {"PYTHONPATH": str(installed), "HOME": str(installed.parent)}
    command = [sys.executable, installed / "bin" / "resnet-explorer", *arguments]
    return subprocess.run(command, cwd=installed.parent, env=variables, capture_output=True, text=True)


@pytest.mark.slow
def test_shipped_networks_are_found(installed):
    done = run(installed, "runs", "show", "shipped-digits", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "shipped"


@pytest.mark.slow
def test_it_names_itself_and_keeps_runs_at_home(installed):
    assert "usage: resnet-explorer" in run(installed, "--help").stdout
    done = run(installed, "data", "status", "--json")
    assert str(installed.parent / "resnet-explorer" / "data") in done.stdout, done.stderr


@pytest.mark.slow
def test_the_app_has_its_pages(installed):
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "from explorer.files import APP, PROJECT\n"
        "assert (APP / '.streamlit' / 'config.toml').is_file()\n"
        "app = AppTest.from_file(str(PROJECT / 'explorer' / 'ui' / 'main.py')).run(timeout=60)\n"
        "assert not app.exception, app.exception\n"
        "assert app.title[0].value == 'What do shortcuts change?'"
    )
    variables = os.environ | {"PYTHONPATH": str(installed), "HOME": str(installed.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=installed.parent, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
