"""Pictures in files, as torchvision would show them to a network."""

import numpy as np
import pytest
from PIL import Image

from explorer.data.file_pixels import FilePixels, resized_side
from explorer.errors import BadSettings, StorageError

SIZES = [(400, 300), (301, 453), (224, 224), (256, 256), (100, 37), (257, 256), (333, 500), (1000, 21)]


@pytest.fixture
def files(tmp_path):
    """A PNG of noise for each of `SIZES` (width, height), and a JPEG."""
    generator = np.random.default_rng(0)
    found = []
    for number, (width, height) in enumerate(SIZES):
        found.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8)).save(found[-1])
    found.append(str(tmp_path / "photograph.jpg"))
    Image.fromarray(generator.integers(0, 256, (90, 160, 3), np.uint8)).resize((800, 450)).save(found[-1])
    return found


def test_pictures_are_those_of_torchvisions_transforms(files):
    import torch
    from torchvision.models import get_weight

    from explorer.data.batches import Normalisation

    transforms = get_weight("ResNet50_Weights.IMAGENET1K_V1").transforms()
    pixels = FilePixels(files, 224)
    theirs = torch.stack([transforms(Image.open(file).convert("RGB")) for file in files])
    scaled = (
        theirs * torch.tensor([0.229, 0.224, 0.225])[:, None, None] + torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    )
    np.testing.assert_array_equal(np.asarray(pixels), (scaled * 255).round().byte().permute(0, 2, 3, 1))
    ours = Normalisation.known("imagenet", 224, "imagenet")(pixels)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("side", "resized"), [(65, 74), (96, 110), (299, 342)])
def test_other_sides_are_resized_in_the_same_proportion(files, side, resized):
    from torchvision.transforms._presets import ImageClassification

    transforms = ImageClassification(crop_size=side, resize_size=resized, mean=(0, 0, 0), std=(1, 1, 1))
    for file, pixels in zip(files, np.asarray(FilePixels(files, side)), strict=True):
        theirs = (transforms(Image.open(file).convert("RGB")) * 255).round().byte().permute(1, 2, 0)
        np.testing.assert_array_equal(pixels, theirs)


def test_small_networks_are_shown_the_whole_square(tmp_path):
    square = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(square).save(tmp_path / "square.png")
    np.testing.assert_array_equal(FilePixels([str(tmp_path / "square.png")], 32)[0], square)
    assert [resized_side(side) for side in (32, 64, 224)] == [32, 64, 256]


def test_the_uncut_pictures_are_those_shown_and_what_is_around_them(files):
    shown, uncut = FilePixels(files, 224), FilePixels(files, 224).uncut
    assert uncut.shape == (len(files), 256, 256, 3)
    np.testing.assert_array_equal(np.asarray(uncut)[:, 16:240, 16:240], np.asarray(shown))


def test_it_is_indexed_as_an_array_is(files):
    pixels = FilePixels(files, 16)
    every = np.asarray(pixels)
    assert (pixels.shape, pixels.dtype, len(pixels)) == (every.shape, every.dtype, len(every))
    np.testing.assert_array_equal(pixels[3], every[3])
    np.testing.assert_array_equal(pixels[np.int64(3)], every[3])
    np.testing.assert_array_equal(pixels[2:5], every[2:5])
    np.testing.assert_array_equal(pixels[np.array([5, 1])], every[[5, 1]])
    np.testing.assert_array_equal(pixels[4:][np.array([1])], every[[5]])
    assert not pixels[0].flags.writeable


def test_files_are_read_when_they_are_looked_at(tmp_path):
    pixels = FilePixels([str(tmp_path / "gone.png")] * 3, 32)
    few = pixels[:2]
    with pytest.raises(StorageError, match=r"gone\.png cannot be read"):
        np.asarray(few)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "cat.jpg").write_text("no picture")
    with pytest.raises(BadSettings) as error:
        FilePixels([str(tmp_path / "cat.jpg")], 32)[0]
    assert str(error.value).startswith(
        f"{tmp_path / 'cat.jpg'}: The file (10 bytes) is not a PNG, JPEG or WebP picture."
    )


def test_a_picture_that_would_be_resized_to_gigabytes_is_refused(tmp_path):
    Image.new("L", (2000, 1)).save(tmp_path / "line.png")
    with pytest.raises(BadSettings, match=r"line\.png: The picture has 2,000×1 pixels, more than 50 times as long"):
        FilePixels([str(tmp_path / "line.png")], 224)[0]


def test_the_listing_tells_files_from_others(files):
    listing = FilePixels(files, 32).listing()
    assert listing == FilePixels(files, 224).listing()
    assert listing != FilePixels(files[1:], 32).listing()
    Image.new("L", (9, 9)).save(files[0])
    assert listing != FilePixels(files, 32).listing()
