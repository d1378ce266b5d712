"""Folders of pictures as people have them: names of splits, folders too many, what is passed over."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from explorer.data import picture_kinds
from explorer.data.catalogue import data_status, dataset
from explorer.data.folders import folder
from explorer.data.layout import SeveralDataSets
from explorer.data.pixels import load_data, load_test
from explorer.data.split_names import role, roles
from explorer.errors import DataMissing

PICTURE = Image.fromarray(np.full((8, 8, 3), 120, np.uint8))


@pytest.fixture
def made(tmp_path):
    """Writes a picture at each path below "top", a file without a picture where the ending says so."""

    def written(*paths):
        for path in paths:
            file = tmp_path / "top" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix in (".png", ".jpg", ".bmp", ".webp", ".avif"):
                PICTURE.save(file)
            else:
                file.write_bytes(b"something")
        return tmp_path / "top"

    return written


def both(train, test, classes=("cats", "dogs"), count=2):
    return [f"{split}/{name}/{n}.png" for split in (train, test) for name in classes for n in range(count)]


def seen(top):
    row = dataset(f"folder:{top}")
    return row.classes, row.train_images, row.test_images


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train", "train"), ("Train", "train"), ("TRAINING", "train"), ("training_set", "train"),
        ("seg_train", "train"),
        ("Training Set", "train"), ("train_images", "train"), ("TrainSet", "train"), ("trainset", "train"),
        ("train2017", "train"), ("train-data", "train"), ("TrainingImages", "train"),
        ("val", "validation"), ("valid", "validation"), ("Validation", "validation"), ("dev", "validation"),
        ("eval", "validation"), ("val_images", "validation"), ("Validation Set", "validation"),
        ("val2017", "validation"),
        ("test", "test"), ("testing", "test"), ("Test", "test"), ("test_set", "test"), ("seg_test", "test"),
        ("testset", "test"), ("test1", "test"), ("TEST_IMAGES", "test"),
        ("seg_pred", "unlabelled"), ("unlabeled", "unlabelled"),
        ("trains", None), ("cats", None), ("train_station", None), ("contest", None), ("valley", None),
        ("tests?x", None),
        ("devil", None), ("train_val", None), ("steam train", None), ("データ", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_splits(name, expected):
    assert role(name) == expected


def test_other_words_are_allowed_where_two_names_share_them():
    assert roles(["asl_alphabet_train", "asl_alphabet_test"]) == {
        "asl_alphabet_train": "train",
        "asl_alphabet_test": "test",
    }
    assert roles(["steam_train", "bullet_train", "bus"]) == {}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "valid"), ("Train", "Validation"), ("training", "testing"), ("training_set", "test_set"),
        ("Training Set", "Test Set"), ("train_images", "val_images"), ("TRAIN", "dev"), ("train", "eval"),
        ("flowers_train", "flowers_test"),
    ],
)  # fmt: skip
def test_training_and_test_images_are_found_by_any_usual_name(made, train, test):
    top = made(*both(train, test))
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert folder(top).notes == (f"Training images are those in {train}; errors are measured on {test}.",)


def test_of_all_three_the_validation_images_give_the_errors_and_it_is_said(made):
    top = made(*both("train", "val"), *both("train", "test", count=5)[10:])
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert folder(top).told() == (
        "Training images are those in train; errors are measured on val.",
        f"test is not used; to measure errors on its images, name {top}/test.",
        "Not taken: pictures in test, since errors are measured on val: 10.",
    )
    assert load_test(f"folder:{top}/test").labels.tolist() == [0] * 5 + [1] * 5  # as proposed


def test_test_images_without_labels_are_not_taken(made):
    top = made(*both("train", "val"), "test/1.png", "test/2.png", "seg_pred/seg_pred/3.png")
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert folder(top).passed_over == {
        "pictures in test, which has no class folders, so no labels": 2,
        "pictures in seg_pred, which has no class folders, so no labels": 1,
    }


def test_training_images_beside_unlabelled_ones_alone_are_an_error_with_a_next_step(made):
    top = made(*both("train", "train"), "test/1.png")
    with pytest.raises(DataMissing) as error:
        dataset(f"folder:{top}")
    assert "'test' has no class folders, so no labels" in str(error.value)
    assert seen(top / "train") == (("cats", "dogs"), 0, 4)
    assert f"name {top}/train itself" in str(error.value)


def test_a_class_may_be_called_train(made):
    top = made("airplane/1.png", "bus/1.png", "train/1.png")
    assert seen(top) == (("airplane", "bus", "train"), 0, 3)


@pytest.mark.parametrize("around", ["archive", "archive/data", "a/b/c"])
def test_folders_too_many_around_the_data_are_skipped(made, around):
    top = made(
        *[f"{around}/{path}" for path in both("train", "val")], "__MACOSX/._train/1.png", "readme.txt", ".DS_Store"
    )
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert folder(top).notes[0] == f"Taken from {top / around}, inside the folder that was named."
    assert folder(top).passed_over["files that are not pictures"] == 1


def test_a_folder_inside_the_splits_is_skipped(made):
    top = made(*both("seg_train/seg_train", "seg_test/seg_test"), "seg_pred/seg_pred/1.png")
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert seen(top / "seg_test") == (("cats", "dogs"), 0, 4)


def test_images_beside_annotations_are_found(made):
    top = made("images/cats/1.png", "images/dogs/1.png", "annotations/cats/1.xml", "annotations/dogs/1.xml")
    assert seen(top) == (("cats", "dogs"), 0, 2)
    assert folder(top).passed_over == {"files that are not pictures": 2}


def test_one_class_is_no_folder_too_many(made):
    assert seen(made("cats/1.png", "cats/deep/2.png")) == (("cats",), 0, 2)


def test_a_folder_of_each_split_in_each_class(made):
    top = made(*[f"{name}/{split}/{n}.png" for name in "ab" for split in ("train", "test") for n in range(3)])
    assert seen(top) == (("a", "b"), 6, 6)
    assert folder(top).notes == ("Each class has its own folders: train for training, test for the errors.",)
    assert all("/train/" in file for file in load_data(f"folder:{top}", 8).train_pixels.files)


def test_what_is_not_taken_is_counted_by_reason(made):
    top = made(
        *both("train", "val"), "train/cats/Thumbs.db", "val/.DS_Store", "train/cats/.hidden.png", "labels.csv",
        "train/dogs/notes.txt", "train/cats/scan.tif", "train/lost.png", "train/.ipynb_checkpoints/1.png",
        "train/empty/notes.md", "samples/1.png",
    )  # fmt: skip
    assert seen(top) == (("cats", "dogs"), 4, 4)
    assert folder(top).passed_over == {
        "hidden files and folders": 3,
        "files and folders of the operating system (__MACOSX, Thumbs.db and the like)": 1,
        "files that are not pictures": 3,
        "TIF pictures, a kind that is not read": 1,
        "pictures directly in train, outside the folders of classes": 1,
        "folders without pictures in train: 'empty'": 1,
        "pictures in samples, beside train and val": 1,
    }
    assert data_status(f"folder:{top}").notes == folder(top).told()


def test_both_forms_of_unicode_are_one_class(made):
    composed, apart = (unicodedata.normalize(form, "café ñ") for form in ("NFC", "NFD"))
    assert composed != apart
    top = made(f"train/{composed}/1.png", "train/tea/1.png", f"val/{apart}/1.png", "val/tea/1.png")
    assert seen(top) == ((composed, "tea"), 2, 2)
    assert load_test(f"folder:{top}").labels.tolist() == [0, 1]
    mixed = made(f"more/{composed}/1.png", f"more/{apart}/2.png", "more/tea/1.png") / "more"
    assert seen(mixed) == ((composed, "tea"), 0, 3)


def test_classes_are_in_one_order_on_every_disk(made):
    names = ["Zebra", "Äpfel", "Öl"]
    for number, form in enumerate(("NFC", "NFD")):
        top = made(*[f"{number}/{unicodedata.normalize(form, name)}/1.png" for name in names])
        assert seen(top / str(number))[0] == tuple(unicodedata.normalize("NFC", name) for name in names)


def test_classes_that_only_one_split_has_are_named_one_by_one(made):
    top = made(*both("train", "val", "abc"), *[f"val/{name}/1.png" for name in ("x", "y")])
    with pytest.raises(DataMissing) as error:
        dataset(f"folder:{top}")
    assert str(error.value) == (
        f"The folder {top}/val has 2 classes that the folder train does not have: 'x' and 'y'. Take them out, rename "
        "them, or put training images of them there."
    )
    other = made(*[f"less/{path}" for path in both("train", "val", "ab")], "less/train/c/1.png") / "less"
    assert seen(other) == (("a", "b", "c"), 5, 4)
    assert folder(other).notes[-1] == "val has no images of 'c'."


def test_a_parent_of_data_sets_names_them(made):
    top = made(
        *[f"pets/{path}" for path in both("train", "val")], *[f"old/plants/{path}" for path in both("Train", "Test")],
        "birds/finch/1.png", "birds/heron/1.png",
    )  # fmt: skip
    with pytest.raises(SeveralDataSets) as error:
        dataset(f"folder:{top}")
    assert error.value.paths == (top / "birds", top / "old" / "plants", top / "pets")
    assert str(error.value).startswith(
        f"The folder {top} holds 3 data sets, each with its own training and test images: 'birds', 'old/plants' and "
        f"'pets'. Name one of them, as in {top}/birds."
    )
    assert all(dataset(f"folder:{path}").test_images for path in error.value.paths)


def test_two_folders_for_the_same_images_are_refused(made):
    top = made(*both("train", "val"), *both("Training", "val"))
    with pytest.raises(DataMissing, match="has two folders for the same images, Training and train"):
        dataset(f"folder:{top}")


def test_all_kinds_of_pictures_are_found(made, monkeypatch):
    from PIL import features

    names = ["1.png", "2.JPG", "3.jpeg", "4.jfif", "5.bmp", "6.webp"] + ["7.avif"] * features.check("avif")
    top = made("other/1.png")
    for name in names:
        file = top / "cats" / name
        file.parent.mkdir(exist_ok=True)
        ending = file.suffix.lower()
        PICTURE.save(file, {".jfif": "JPEG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(ending, ending[1:].upper()))
    assert seen(top) == (("cats", "other"), 0, len(names) + 1)
    assert np.abs(np.asarray(load_test(f"folder:{top}", 8).pixels).astype(int) - 120).max() <= 2
    made("cats/8.heic")
    picture_kinds.has_reader.cache_clear()
    monkeypatch.setattr(picture_kinds, "find_spec", lambda name: None)
    assert folder(top).passed_over == {
        "HEIC pictures, for which no reader is installed (`pip install pillow-heif` installs it)": 1
    }
    picture_kinds.has_reader.cache_clear()
    monkeypatch.setattr(picture_kinds, "find_spec", lambda name: object())
    folder(top).stamps[str(top)] = 0  # installing changes no folder
    assert folder(top).passed_over == {}
    picture_kinds.has_reader.cache_clear()
