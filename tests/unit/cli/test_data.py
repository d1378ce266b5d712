"""The commands on the list of folders: data add, data remove, and what data status says of them."""

import json

import numpy as np
import pytest
from PIL import Image

from explorer.cli.main import main
from explorer.data.own_folders import own_folders


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def pets(tmp_path):
    """A folder of one picture of each of two classes."""
    for name in ("cat", "dog"):
        (tmp_path / "my pets" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "my pets" / name / "1.png")
    return tmp_path / "my pets"


def told(capsys, *arguments):
    assert main(["data", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_folder_is_added_listed_and_removed(pets, capsys, monkeypatch):
    monkeypatch.chdir(pets.parent)
    added = told(capsys, "add", "my pets")  # a path from where the shell is
    assert (added["name"], added["classes"], added["test_images"]) == (f"folder:{pets}", 2, 2)
    rows = told(capsys, "status")
    assert [row["name"] for row in rows] == ["digits", "cifar10", f"folder:{pets}"]
    assert all(row.keys() == rows[0].keys() for row in rows)
    assert told(capsys, "remove", "my pets") == {"removed": str(pets)}
    assert own_folders() == []
    assert (pets / "cat" / "1.png").exists()


def test_what_is_wrong_is_told(tmp_path, capsys):
    assert main(["data", "add", str(tmp_path / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["data", "remove", str(tmp_path)]) == 1
    assert "is not on the list" in capsys.readouterr().err


def test_a_folder_that_is_gone_is_told_by_status(pets, capsys):
    told(capsys, "add", str(pets))
    pets.rename(pets.with_name("elsewhere"))
    assert main(["data", "status"]) == 0
    assert "There is no folder" in capsys.readouterr().err
