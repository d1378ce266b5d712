"""The commands on the list of folders: data add, data remove, and what data status says of them."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

from explorer.cli.main import main
from explorer.data.catalogue import DATASETS
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
    assert [row["name"] for row in rows] == [*DATASETS, f"folder:{pets}"]
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


def test_all_broken_files_are_named_at_once_and_can_be_left_out(pets, capsys):
    for number in range(7):
        (pets / "cat" / f"bad {number}.jpg").write_text("no picture")
    (pets / "dog" / "cut.png").write_bytes((pets / "dog" / "1.png").read_bytes()[:40])
    (pets / "dog" / "notes.txt").write_text("no picture")
    added = told(capsys, "add", str(pets))
    assert len(added["broken"]) == 8
    assert added["not_taken"] == [{"reason": "files that are not pictures", "count": 1}]
    assert main(["data", "check", str(pets)]) == 0
    told_as_text = capsys.readouterr()
    assert f"8 of 10 pictures in {pets} cannot be read: cat/bad 0.jpg (" in told_as_text.out
    assert "; and 3 more." in told_as_text.out
    command = told_as_text.err.partition("`python -m explorer ")[2].partition("`")[0]
    assert main(shlex.split(command)) == 0  # as proposed
    capsys.readouterr()
    checked = told(capsys, "check", str(pets))
    assert (checked["broken"], checked["checked"], len(checked["left_out"])) == ([], 2, 8)
    assert {"reason": "pictures left out by you", "count": 8} in checked["not_taken"]
    assert len(told(capsys, "check", str(pets), "--take-back")["broken"]) == 8


def test_adding_can_leave_out_what_cannot_be_read(pets, capsys):
    (pets / "dog" / "bad.png").write_text("no picture")
    added = told(capsys, "add", str(pets), "--leave-out")
    assert (added["test_images"], added["left_out"]) == (2, ["dog/bad.png"])


def test_what_was_taken_for_what_is_told(pets, capsys):
    from shutil import copytree

    top = pets.parent / "top"
    for name in ("Training Set", "valid", "test"):
        copytree(pets, top / "pets" / name)
    assert main(["data", "add", str(top)]) == 0
    out = capsys.readouterr().out
    assert f"Taken from {top / 'pets'}, inside the folder that was named." in out
    assert "Training images are those in Training Set; errors are measured on valid." in out
    assert f"test is not used; to measure errors on its images, name {top / 'pets' / 'test'}." in out
