"""Folders of pictures as data sets, compared with torchvision's ImageFolder."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from explorer.data import folders
from explorer.data.batches import Batches, Normalisation, sample_of_test_set
from explorer.data.catalogue import DATASETS, data_for_classes, data_status, dataset, verify_data
from explorer.data.imagenet import _listed, are_synsets, categories
from explorer.data.pictures import picture
from explorer.data.pixels import load_data, load_test
from explorer.errors import BadSettings, DataMissing, StorageError, UnknownName


@pytest.fixture
def write(tmp_path):
    """Writes pictures of random pixels at paths below the folder "pets"; gives the folder."""
    generator = np.random.default_rng(0)

    def written(*paths, size=(20, 14)):
        for path in paths:
            file = tmp_path / "pets" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = generator.integers(0, 256, (size[1], size[0], 3), np.uint8)
            Image.fromarray(pixels).save(file, "JPEG" if file.suffix.lower() in (".jpg", ".jpeg") else "PNG")
        return tmp_path / "pets"

    return written


@pytest.fixture
def pets(write):
    """Seven test images of three classes."""
    return write(
        "tench/b.png", "tench/a.JPG", "goldfish/10.png", "goldfish/9.png", "goldfish/deep/1.png",
        "goldfish/deep-er/1.png", "Siamese_cat/x.jpeg",
    )  # fmt: skip


@pytest.fixture
def split(write):
    """Six training and three test images of two classes."""
    return write(
        *[f"train/{name}/{number}.png" for name in "ab" for number in range(3)],
        "val/a/0.png",
        "val/b/1.png",
        "val/b/0.png",
    )


def test_the_classes_and_files_are_those_of_image_folder(pets):
    from torchvision.datasets import ImageFolder

    (pets / "goldfish" / "notes.txt").write_text("no picture")
    theirs = ImageFolder(str(pets))
    ours = load_data(f"folder:{pets}")
    assert list(ours.classes) == theirs.classes == ["Siamese_cat", "goldfish", "tench"]
    assert list(zip(ours.test_pixels.files, ours.test_labels, strict=True)) == theirs.samples
    assert len(ours.train_labels) == 0


def test_a_folder_with_train_and_val_has_both(split):
    from torchvision.datasets import ImageFolder

    data = load_data(f"folder:{split}", 32)
    for name, files, labels in (
        ("train", data.train_pixels.files, data.train_labels),
        ("val", data.test_pixels.files, data.test_labels),
    ):
        assert list(zip(files, labels, strict=True)) == ImageFolder(str(split / name)).samples
    row = dataset(f"folder:{split}")
    assert (row.train_images, row.test_images, row.classes) == (6, 3, ("a", "b"))
    (split / "val").rename(split / "test")
    assert load_test(f"folder:{split}").labels.tolist() == [0, 1, 1]


def test_the_row_says_what_is_there(pets):
    row = dataset(f"folder:{pets}/")
    assert (row.name, row.title, row.channels, row.sizes) == (f"folder:{pets}", "The folder pets", 3, (224,))
    assert (row.train_images, row.test_images, len(row.classes)) == (0, 7, 3)
    assert data_status(row.name).detail == f"7 pictures in {pets}."
    assert verify_data(row.name).available
    assert load_data(row.name).image_size == 224
    assert load_data(row.name, 40).test_pixels.shape == (7, 40, 40, 3)
    with pytest.raises(
        BadSettings, match=r"`image_size` \(=2000\) is not a size of The folder pets: it comes in 1 to 1024"
    ):
        load_data(row.name, 2000)


def test_a_row_is_the_same_until_the_folder_changes(pets):
    name = f"folder:{pets}"
    row, data = dataset(name), load_data(name)
    assert dataset(name) is row
    assert load_data(name) is data
    assert load_test(name).pixels is data.test_pixels
    (pets / "goldfish" / "deep" / "1.png").unlink()
    os.utime(pets / "goldfish" / "deep", ns=(1, 1))  # a clock may be too coarse to tell the two times apart
    assert dataset(name).test_images == 6
    assert load_data(name).fingerprint != data.fingerprint


def test_nothing_is_decoded_before_it_is_looked_at(pets):
    (pets / "tench" / "b.png").write_text("no picture")
    _, sample = sample_of_test_set(f"folder:{pets}", 32, 7, normalisation="imagenet")
    assert len(sample) == 7
    with pytest.raises(BadSettings, match=r"tench/b\.png: The file \(10 bytes\) is not a PNG"):
        list(sample)


def test_a_sample_is_drawn_and_normalised_as_of_other_data_sets(pets):
    chosen, sample = sample_of_test_set(f"folder:{pets}", 32, 3, normalisation="imagenet")
    assert sorted(sample.labels) == [0, 1, 2]
    data = load_data(f"folder:{pets}", 32)
    expected = Normalisation.of(data, "imagenet")(np.asarray(data.test_pixels)[chosen])
    assert sample.whole("cpu")[0].tolist() == expected.tolist()
    (batch,) = list(sample)
    assert batch[0].tolist() == expected.tolist()
    assert batch[1].tolist() == data.test_labels[chosen].tolist()


def test_large_pictures_come_in_smaller_batches(write):
    folder = write(*[f"a/{number}.png" for number in range(40)], "b/0.png")
    sizes = {}
    for side in (32, 224):
        _, sample = sample_of_test_set(f"folder:{folder}", side, 100, normalisation="unit")
        sizes[side] = [len(labels) for _, labels in sample]
    assert sizes == {32: [41], 224: [32, 9]}


def test_a_test_image_is_a_picture(pets):
    found = picture("test:6", data=f"folder:{pets}", image_size=48)
    assert (found.label, found.title, found.pixels.shape) == (2, "Test image 6 of The folder pets", (48, 48, 3))
    with pytest.raises(BadSettings, match="has 7 test images; their numbers go from 0 to 6"):
        picture("test:7", data=f"folder:{pets}")


def test_training_is_refused_where_there_are_test_images_only(pets):
    data = load_data(f"folder:{pets}", 32)
    message = (
        "The folder pets has no training images. Choose another data set, or put its classes into two subfolders: "
        "train, and val for the images to test on."
    )
    with pytest.raises(BadSettings) as error:
        Batches(data, batch_size=1, normalisation="imagenet")
    assert str(error.value) == message


def test_what_is_measured_needs_training_images(pets):
    with pytest.raises(BadSettings) as error:
        Normalisation.known(f"folder:{pets}", 32)
    assert str(error.value) == (
        "`normalisation` (='channel') is measured on training images, and The folder pets has none. Choose a fixed "
        "kind, such as 'imagenet', or that of another data set, such as 'channel:cifar10'."
    )


def test_normalisation_is_measured_on_the_training_images_of_a_folder(split):
    data = load_data(f"folder:{split}", 40)
    values = np.asarray(data.train_pixels) / 255
    channel, pixel = (Normalisation.known(f"folder:{split}", 40, kind) for kind in ("channel", "pixel"))
    np.testing.assert_allclose(channel.mean.flatten(), values.mean(axis=(0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(channel.std.flatten(), values.std(axis=(0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(pixel.mean.permute(1, 2, 0), values.mean(axis=0), atol=1e-6)


def test_training_batches_are_decoded_for_each_step(split):
    data = load_data(f"folder:{split}", 40)
    batches = Batches(data, batch_size=4, augment=False, normalisation="unit")
    images, labels = batches.batch(0)
    chosen = batches.indices(0)
    np.testing.assert_allclose(images.permute(0, 2, 3, 1), np.asarray(data.train_pixels)[chosen] / 255, atol=1e-6)
    assert labels.tolist() == data.train_labels[chosen].tolist()


def test_labels_can_count_among_imagenets_classes(pets):
    name = f"imagenet:{pets}"
    row, data = dataset(name), load_data(name)
    assert row.classes == data.classes == categories()
    assert data.test_labels.tolist() == [284] + [1] * 4 + [0] * 2
    assert [row.classes[label] for label in sorted(set(data.test_labels))] == ["tench", "goldfish", "Siamese cat"]
    assert data.test_pixels.files.tolist() == load_data(f"folder:{pets}").test_pixels.files.tolist()


def test_labels_can_count_among_those_of_cifar10(write):
    folder = write("ship/1.png", "CAT/1.png")
    row = dataset(f"cifar10:{folder}")
    assert (row.classes, row.sizes, row.normalisation) == (DATASETS["cifar10"].classes, (32,), "channel:cifar10")
    assert load_test(row.name).labels.tolist() == [3, 8]


def test_imagenets_own_folders_are_numbered_in_order(write):
    names = [f"n{number:08}" for number in range(1_440_764, 1_440_764 + 1000)]
    folder = write(*[f"{name}/a.png" for name in names], size=(2, 2))
    assert load_test(f"imagenet:{folder}").labels.tolist() == list(range(1000))
    assert not are_synsets(tuple(names[1:]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["tench", "n01443537"],
            "The subfolder 'n01443537' is not named after one of the 1,000 classes of ImageNet. Rename it",
        ),
        (
            ["CARDIGAN"],
            "The subfolder 'CARDIGAN' can be two of the classes of ImageNet. Rename it to Cardigan or cardigan.",
        ),
        (
            ["Tench", "tench"],
            "The subfolder 'tench' is named after the same class as another. Put their pictures toget",
        ),
    ],
)
def test_a_subfolder_that_is_no_class_is_named(write, names, message):
    folder = write(*[f"{name}/a.png" for name in names])
    with pytest.raises(BadSettings) as error:
        load_test(f"imagenet:{folder}")
    assert message in str(error.value)


def test_cardigans_are_told_apart_by_their_first_letter(write):
    folder = write("Cardigan/a.png", "cardigan/a.png")
    assert load_test(f"imagenet:{folder}").labels.tolist() == [264, 474]


def test_the_name_follows_the_classes_of_a_network(pets, write):
    name = f"folder:{pets}"
    assert data_for_classes(name, ()) == data_for_classes(name + "/", dataset(name).classes) == name
    assert data_for_classes(name, categories()) == f"imagenet:{pets}"
    assert data_for_classes("digits", categories()) == "digits"
    with pytest.raises(BadSettings) as error:
        data_for_classes(name, ("a", "b", "c", "d", "e"))
    assert str(error.value) == (
        f"The network's classes are a, b, c and 2 more; the subfolders of {pets} are Siamese_cat, goldfish, tench. "
        "They must have the same names."
    )
    with pytest.raises(BadSettings, match="'Siamese_cat' is not named after one of the 10 classes of CIFAR-10"):
        data_for_classes(name, DATASETS["cifar10"].classes)


def test_imagenet_without_a_folder_has_classes_and_no_images():
    row = dataset("imagenet")
    assert (len(row.classes), row.test_images, row.normalisation) == (1000, 0, "imagenet")
    assert not data_status("imagenet").available
    for asked in (lambda: load_data("imagenet"), lambda: picture("test:0", data="imagenet")):
        with pytest.raises(DataMissing, match="Name a folder of them, or of pictures in subfolders named after its cl"):
            asked()


def test_categories_are_torchvisions():
    from torchvision.models import get_weight

    assert list(categories()) == get_weight("ResNet50_Weights.IMAGENET1K_V1").meta["categories"]


def test_categories_are_had_from_torchvision_where_its_list_is_elsewhere(monkeypatch):
    with pytest.raises(LookupError):
        _listed("_OTHER = ['tench']")
    expected = categories()
    monkeypatch.setattr("explorer.data.imagenet._listed", lambda _: (_ for _ in ()).throw(LookupError))
    categories.cache_clear()
    assert categories() == expected


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "There is no folder {0}. Name a folder with a subfolder for each class."),
        (["a.png"], "The folder {0} has no subfolders. Put the pictures of each class into a subfolder"),
        (["b/notes/"], "The folders in {0} have no pictures (b). Put the pictures of each class into its folder."),
        (
            ["a/1.png", "b/2.gif"],
            "The folder {0}/b has no pictures that can be read (GIF pictures, a kind that is not read: 1). Save them",
        ),
        (
            ["val/a/1.png"],
            "The folder {0} has val and no others, where training needs train and val. To evaluate on the im",
        ),
        (
            ["train/a/1.png", "val/b/1.png"],
            "The folder {0}/val has a class 'b' that the folder train does not have.",
        ),
    ],
)
def test_a_folder_that_is_no_data_set_says_why(write, tmp_path, made, message):
    write(*[path for path in made if not path.endswith("/")])
    for path in made:
        if path.endswith("/"):
            (tmp_path / "pets" / path).mkdir(parents=True)
    name = f"folder:{tmp_path / 'pets'}"
    with pytest.raises(DataMissing) as error:
        dataset(name)
    assert message.format(tmp_path / "pets") in str(error.value)
    assert data_status(name).detail == str(error.value)
    with pytest.raises(DataMissing):
        load_test(name)


def test_what_is_no_folder_and_what_is_not_said_in_full_are_refused(write):
    folder = write("a/1.png")
    with pytest.raises(DataMissing, match=r"1\.png is not a folder"):
        dataset(f"folder:{folder}/a/1.png")
    with pytest.raises(BadSettings, match="The folder pets is not an absolute path"):
        dataset("folder:pets")
    for name in ("directory:/tmp", "grey-directory:/tmp", "folder"):
        with pytest.raises(UnknownName) as error:
            dataset(name)
        assert str(error.value).endswith("fashionmnist, mnist. A folder of pictures is named folder:/absolute/path.")


def test_hidden_files_and_pipes_do_no_harm(write):
    folder = write("a/1.png", "a/._1.png", ".cache/1.png", "a/.hidden/1.png")
    assert dataset(f"folder:{folder}").test_images == 1
    os.mkfifo(folder / "a" / "pipe.png")
    with pytest.raises(DataMissing, match=r"pipe\.png is neither a file"):
        dataset(f"folder:{folder}")


def test_a_link_that_leads_back_is_not_followed(write):
    folder = write("a/1.png", "b/1.png")
    (folder / "a" / "again").symlink_to(folder)
    (folder / "c").symlink_to(folder / "b")
    assert load_test(f"folder:{folder}").labels.tolist() == [0, 1, 2]


def test_a_file_that_went_away_is_named(write):
    folder = write("a/1.png", "b/1.png")
    pixels, _ = load_test(f"folder:{folder}")
    (folder / "b" / "1.png").unlink()
    with pytest.raises(StorageError, match=r"b/1\.png cannot be read"):
        np.asarray(pixels)


def test_few_folders_are_remembered(write, monkeypatch):
    monkeypatch.setattr(folders, "_SCANNED", {})
    monkeypatch.setattr(folders, "_MOST_SCANNED", 8)
    folder = write(*[f"{number}/a/1.png" for number in range(12)], size=(2, 2))
    for number in range(12):
        dataset(f"folder:{folder}/{number}")
    assert len(folders._SCANNED) <= 8


def test_no_torch_is_needed_to_know_what_is_there(pets):
    code = f"""
from explorer.data.catalogue import dataset, data_status, data_for_classes
from explorer.data.pictures import picture
assert dataset("imagenet:{pets}").test_images == 7
assert data_status("folder:{pets}").available
assert picture("test:0", data="imagenet:{pets}").label == 284
import sys
assert "torch" not in sys.modules and "torchvision" not in sys.modules"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folders.__file__.rpartition("/explorer/")[0], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
