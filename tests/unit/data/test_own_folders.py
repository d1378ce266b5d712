"""The list of a user's folders of pictures: adding, removing, what is told of each, what a link may name."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from explorer.data.left_out import leave_out
from explorer.data.own_folders import (
    add_folder,
    folder_table,
    folders_state,
    list_file,
    own_folders,
    readable_folders,
    remove_folder,
)
from explorer.errors import BadSettings, DataMissing, StorageError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def write(tmp_path):
    """Writes a picture at each path below the folder "pets"; gives the folder."""

    def written(*paths, name="pets"):
        for path in paths:
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(file)
        return tmp_path / name

    return written


def test_there_is_no_list_at_first():
    assert own_folders() == []
    assert folder_table() == []
    assert not list_file().exists()


def test_folders_are_listed_once_in_the_order_in_which_they_were_added(write):
    pets, others = write("a/1.png"), write("b/1.png", name="others")
    assert add_folder(str(others)) == f"folder:{others}"
    add_folder(f"{pets}/")
    add_folder(f"{pets}/../pets")
    assert own_folders() == [f"folder:{others}", f"folder:{pets}"]


def test_the_list_says_what_is_in_each(write):
    add_folder(str(write("a/1.png", "a/2.png", "b/1.png")))
    add_folder(str(write("train/x/1.png", "train/y/1.png", "val/x/2.png", name="two")))
    first, second = folder_table()
    assert (first["classes"], first["train_images"], first["test_images"], first["available"]) == (2, 0, 3, True)
    assert (second["classes"], second["train_images"], second["test_images"]) == (2, 2, 1)
    assert first["detail"].endswith("none to train on.")
    assert "none" not in second["detail"]


@pytest.mark.parametrize("path", ["", "  ", "pets", "folder:/pets", "/a\0b"])
def test_what_is_no_absolute_path_is_refused(path):
    with pytest.raises(BadSettings, match="is not the absolute path of a folder"):
        add_folder(path)
    assert own_folders() == []


def test_a_folder_without_classes_is_refused_in_the_words_of_folders(tmp_path, write):
    with pytest.raises(DataMissing, match="There is no folder"):
        add_folder(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissing, match="has no subfolders"):
        add_folder(str(tmp_path / "empty"))
    with pytest.raises(DataMissing, match="is not a folder"):
        add_folder(str(write("a/1.png") / "a" / "1.png"))
    assert own_folders() == []


def test_removing_leaves_the_pictures(write):
    pets = write("a/1.png")
    add_folder(str(pets))
    remove_folder(str(pets))
    assert own_folders() == []
    assert (pets / "a" / "1.png").exists()
    with pytest.raises(BadSettings, match="is not on the list"):
        remove_folder(str(pets))


def test_a_folder_that_is_gone_stays_on_the_list_and_can_be_removed(write):
    pets = write("a/1.png")
    add_folder(str(pets))
    pets.rename(pets.with_name("elsewhere"))
    (row,) = folder_table()
    assert not row["available"]
    assert "There is no folder" in row["detail"]
    assert readable_folders() == {}
    remove_folder(str(pets))
    assert folder_table() == []


def test_the_state_differs_once_a_picture_was_added_or_a_folder(write):
    pets = write("a/1.png")
    before = folders_state()
    add_folder(str(pets))
    listed = folders_state()
    assert listed != before
    assert folders_state() == listed
    write("a/2.png")
    os.utime(pets / "a", ns=(1, 1))  # a clock of whole seconds would not show it
    more = folders_state()
    assert more != listed
    leave_out(pets, ["a/2.png"])
    assert folders_state() != more


@pytest.mark.parametrize("content", ["no list", "[]", '{"folders": [3]}', '{"folders": 3}', '{"other": []}', "\udcff"])
def test_a_damaged_list_is_told_and_not_overwritten(write, content):
    list_file().parent.mkdir()
    list_file().write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(StorageError, match="The list of your folders, .*folders.json, cannot be read"):
        own_folders()
    with pytest.raises(StorageError):
        add_folder(str(write("a/1.png")))
    assert list_file().read_bytes() == content.encode(errors="surrogateescape")


def test_relative_paths_in_the_list_are_passed_over():
    list_file().parent.mkdir()
    list_file().write_text(json.dumps({"folders": ["etc", "/srv/pets"]}))
    assert own_folders() == ["folder:/srv/pets"]
