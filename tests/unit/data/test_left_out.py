"""Broken pictures: all named at once, left out on request, and the record of it."""

import json

import numpy as np
import pytest
from PIL import Image

from explorer.data.checked_folders import check_folder, leave_out_broken
from explorer.data.folders import folder
from explorer.data.left_out import leave_out, left_out, record_file, take_back
from explorer.data.pixels import load_data, load_test
from explorer.errors import BadSettings, DataMissing, StorageError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def pets(tmp_path):
    """Twenty pictures of two classes, seven of which cannot be read in four ways."""
    generator = np.random.default_rng(0)
    top = tmp_path / "my pets"
    for name in ("cat", "dog"):
        (top / name).mkdir(parents=True)
        for number in range(10):
            picture = Image.fromarray(generator.integers(0, 256, (40, 50, 3), np.uint8))
            picture.save(top / name / f"{number}.jpg")
    (top / "cat" / "1.jpg").write_bytes(b"")
    (top / "cat" / "3.jpg").write_text("<html>404 Not Found</html>")
    for name in ("cat/5", "cat/7", "dog/0"):
        file = top / f"{name}.jpg"
        file.write_bytes(file.read_bytes()[:900])
    Image.new("L", (9, 9)).save(top / "dog" / "1.jpg", "TIFF")
    (top / "dog" / "9.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    return top


BROKEN = ["cat/1.jpg", "cat/3.jpg", "cat/5.jpg", "cat/7.jpg", "dog/0.jpg", "dog/1.jpg", "dog/9.jpg"]


def names(found, top):
    return [each.file.removeprefix(f"{top}/") for each in found.broken]


def test_a_check_finds_every_picture_that_cannot_be_read(pets):
    reports = []
    found = check_folder(pets, report=lambda done, total: reports.append((done, total)))
    assert (found.files, found.read, names(found, pets)) == (20, 20, BROKEN)
    assert reports == [(done, 20) for done in range(1, 21)]
    assert found.sentence(pets).startswith(
        f"7 of 20 pictures in {pets} cannot be read: cat/1.jpg (The file is empty); cat/3.jpg (The file (26 bytes) is "
        "not a PNG, JPEG or WebP picture); cat/5.jpg (The picture is broken or cut off"
    )
    assert found.sentence(pets).endswith("; and 2 more.")


def test_the_beginnings_show_other_kinds_of_files(pets):
    found = check_folder(pets, headers=True)
    assert names(found, pets) == ["cat/1.jpg", "cat/3.jpg", "dog/1.jpg", "dog/9.jpg"]
    assert found.sentence(pets).endswith(". Only the beginnings of the files were read.")
    leave_out_broken(pets, found)
    assert check_folder(pets, headers=True).sentence(pets) == "The beginnings of 16 pictures can be read."


def test_a_check_ends_when_the_time_is_up(pets):
    found = check_folder(pets, seconds=-1)
    assert (found.files, found.read, found.broken) == (20, 0, ())
    assert found.sentence(pets) == "The first 0 of 20 pictures can be read."


def test_an_evaluation_names_all_of_them_and_a_command_that_leaves_them_out(pets):
    pixels = load_test(f"folder:{pets}", 32).pixels
    with pytest.raises(BadSettings) as error:
        np.asarray(pixels[np.arange(8)])  # the batch has four of them
    assert str(error.value).startswith(
        f"7 of 20 pictures in {pets} cannot be read: cat/1.jpg (The file is empty); cat/3"
    )
    assert str(error.value).endswith(
        f"To leave them out: `python -m explorer data check '{pets}' --leave-out`, or \"Check the pictures\" on the "
        "Data page."
    )


def test_what_is_left_out_stays_out_and_can_be_taken_back(pets):
    before = load_data(f"folder:{pets}", 32)
    assert leave_out_broken(pets, check_folder(pets)) == 7
    data = load_data(f"folder:{pets}", 32)
    assert (len(data.test_labels), np.asarray(data.test_pixels).shape) == (13, (13, 32, 32, 3))
    assert data.fingerprint != before.fingerprint
    assert data.test_labels.tolist() == [0] * 6 + [1] * 7
    assert folder(pets).passed_over == {"pictures left out by you": 7}
    assert check_folder(pets).broken == ()
    Image.new("RGB", (20, 20)).save(pets / "cat" / "1.jpg")  # repaired: the data set stays the same
    assert load_data(f"folder:{pets}", 32).fingerprint == data.fingerprint
    assert take_back(pets) == 7
    assert load_test(f"folder:{pets}", 32).labels.tolist() == before.test_labels.tolist()
    assert take_back(pets) == 0


def test_leaving_out_is_added_to_what_was_left_out(pets):
    leave_out(pets, ["cat/1.jpg"])
    leave_out(pets, [f"{pets}/dog/1.jpg"])
    assert left_out(pets) == {"cat/1.jpg", "dog/1.jpg"}
    assert left_out(pets.parent) == frozenset()
    assert json.loads(record_file().read_text()) == {"folders": {str(pets): ["cat/1.jpg", "dog/1.jpg"]}}


def test_a_class_whose_pictures_are_all_left_out_says_so(pets):
    leave_out(pets, [f"dog/{number}.jpg" for number in range(10)])
    with pytest.raises(DataMissing, match="All pictures in .*/dog are left out. Take them back with"):
        folder(pets)


@pytest.mark.parametrize("content", ["no list", "[]", '{"folders": {"/a": [3]}}', '{"folders": 3}', '{"other": []}'])
def test_a_damaged_record_is_told_and_not_overwritten(pets, content):
    record_file().parent.mkdir()
    record_file().write_text(content)
    for attempt in (lambda: folder(pets), lambda: leave_out(pets, ["cat/1.jpg"]), lambda: take_back(pets)):
        with pytest.raises(StorageError, match=r"The record of pictures left out, .*left_out\.json, cannot be read"):
            attempt()
    assert record_file().read_text() == content
