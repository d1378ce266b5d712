"""Pictures from anywhere: every kind of file that people have, hostile ones, and references to them."""

import io
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin
from sklearn.datasets import load_sample_image

from explorer.data import picture_files
from explorer.data.picture_files import MOST_BYTES, read_picture
from explorer.data.pictures import PHOTOGRAPHS, fitted, image_folder, keep_upload, picture
from explorer.errors import BadSettings, StorageError, UnknownName
from explorer.runs.store import list_runs

COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
GREYS = COLOURS[..., :1]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def saved(image, kind="PNG", **settings):
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def rgb(pixels=COLOURS):
    return Image.fromarray(pixels)


def grey(pixels=GREYS):
    return Image.fromarray(pixels[..., 0])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, data, *more):
    """A PNG file by hand: colour 0 is grey, 2 RGB; `data` its rows, each after a byte 0; `more` chunks before it."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def webp(width, height):
    """The beginning of a lossless WebP file that says it is that large."""
    head = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(15)
    data = b"WEBPVP8L" + struct.pack("<I", len(head)) + head
    return b"RIFF" + struct.pack("<I", len(data)) + data


def on_white(pixels, alpha):
    part = alpha[..., None] / 255
    return np.rint(pixels * part + 255 * (1 - part))


def palette():
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    return image


RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
ALPHA = np.linspace(0, 255, 35).reshape(5, 7).astype(np.uint8)
SIXTEEN = np.array([[0, 128, 129, 256], [32768, 65279, 65407, 65535]], np.uint16)
# each divided by 257 and rounded; 128 and 129 stand beside the first step up, 65406.5 is the last
SIXTEEN_AS_EIGHT = np.array([[0, 0, 1, 1], [128, 254, 255, 255]], np.uint8)[..., None].repeat(3, axis=2)

FILES = {
    "PNG": (saved(rgb()), COLOURS),
    "PNG, grey": (saved(grey()), GREYS.repeat(3, axis=2)),
    "PNG, one bit": (saved(grey().convert("1", dither=0)), np.where(GREYS >= 128, 255, 0).repeat(3, axis=2)),
    "PNG, palette": (saved(palette()), [[RED, BLUE], [BLUE, RED]]),
    "PNG, palette with transparency": (saved(palette(), transparency=1), [[RED, WHITE], [WHITE, RED]]),
    "PNG, palette with alpha": (saved(palette(), transparency=b"\xff\x00"), [[RED, WHITE], [WHITE, RED]]),
    "PNG, alpha": (saved(Image.fromarray(np.dstack([COLOURS, ALPHA]))), on_white(COLOURS, ALPHA)),
    "PNG, grey with alpha": (
        saved(Image.fromarray(np.dstack([GREYS, ALPHA]))),
        on_white(GREYS.repeat(3, axis=2), ALPHA),
    ),
    "PNG, one colour transparent": (
        saved(rgb(np.array([[RED, BLUE]], np.uint8)), transparency=BLUE),
        [[RED, WHITE]],
    ),
    "PNG, one grey transparent": (saved(grey(np.array([[[7], [9]]], np.uint8)), transparency=9), [[(7, 7, 7), WHITE]]),
    "PNG, 16 bits": (saved(Image.fromarray(SIXTEEN)), SIXTEEN_AS_EIGHT),
    "PNG, 16 bits, one grey transparent": (
        png(2, 1, 16, 0, b"\0" + struct.pack(">HH", 256, 512), chunk(b"tRNS", struct.pack(">H", 512))),
        [[(1, 1, 1), WHITE]],
    ),
    "PNG, 16 bits, colours": (png(1, 1, 16, 2, b"\0" + struct.pack(">HHH", 0, 0x8000, 0xFFFF)), [[(0, 128, 255)]]),
    "PNG, animated": (
        saved(rgb(), save_all=True, append_images=[rgb(255 - COLOURS)], duration=50),
        COLOURS,
    ),
    "WebP": (saved(rgb(), "WEBP", lossless=True), COLOURS),
    "BMP": (saved(rgb(), "BMP"), COLOURS),
    "BMP, palette": (saved(rgb().quantize(16), "BMP"), np.array(rgb().quantize(16).convert("RGB"))),
    "WebP, animated": (
        saved(rgb(), "WEBP", lossless=True, save_all=True, append_images=[rgb(255 - COLOURS)], duration=50),
        COLOURS,
    ),
}


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES)
def test_a_file_gives_its_pixels(content, expected):
    found = read_picture(content)
    assert found.dtype == np.uint8
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.astype(int), expected, atol=0.5)  # half transparent ones are rounded


def test_alpha_of_a_webp_is_laid_on_white():
    clear = np.dstack([COLOURS, np.zeros_like(ALPHA)])
    assert (read_picture(saved(Image.fromarray(clear), "WEBP", lossless=True)) == 255).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_one_colour_has_that_colour(mode):
    image = Image.new("RGB", (16, 16), (200, 60, 60) if mode != "L" else (90, 90, 90))
    found = read_picture(saved(image.convert(mode), "JPEG", quality=95))
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - np.asarray(image)).max() <= 3


# What a reader must do, by EXIF's number of the orientation (CIPA DC-008, tag 274).
TURNED = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels),
}


@pytest.mark.parametrize("number", TURNED)
@pytest.mark.parametrize("image", [rgb(), Image.fromarray(SIXTEEN)], ids=["8 bits", "16 bits"])
def test_a_picture_is_turned_as_its_exif_data_says(image, number):
    exif = Image.Exif()
    exif[274] = number
    expected = TURNED[number](read_picture(saved(image)))
    np.testing.assert_array_equal(read_picture(saved(image, exif=exif)), expected)


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\xff\xff\xff\xff"])
def test_exif_data_that_cannot_be_read_turn_nothing(exif):
    assert read_picture(saved(rgb(), "JPEG", exif=exif)).shape == (5, 7, 3)


@pytest.mark.parametrize(
    "content",
    [
        saved(rgb(), exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\xff\xff\xff\xff"),
        png(1, 1, 8, 0, b"\0\0", chunk(b"acTL", bytes(8))),
    ],
    ids=["EXIF data", "animation without frames"],
)
def test_what_pil_warns_of_is_no_news(content):
    with warnings.catch_warnings(record=True, action="always") as told:
        with Image.open(io.BytesIO(content)) as image:
            image.getexif()
        assert told != []
        told.clear()
        read_picture(content)
    assert told == []


def test_a_colour_profile_is_ignored():
    assert (read_picture(saved(rgb(), icc_profile=b"no profile at all")) == COLOURS).all()


NO_PICTURE = "is not a PNG, JPEG or WebP picture. Save the picture as one of these."
TOO_LARGE = "which is more than 25 megapixels. Save it smaller"
BROKEN = "The picture is broken or cut off ("
JPEG = saved(rgb(np.zeros((64, 64, 3), np.uint8)), "JPEG")
TEXT = PngImagePlugin.PngInfo()
TEXT.add_text("comment", "a" * 2_000_000, zip=True)

HOSTILE = {
    "empty": (b"", "The file is empty. Give a PNG, JPEG or WebP picture."),
    "text": (b"Dear network,\n", f"The file (14 bytes) {NO_PICTURE}"),
    "GIF": (saved(rgb(), "GIF"), NO_PICTURE),
    "TIFF": (saved(rgb(), "TIFF"), NO_PICTURE),
    "BMP, cut off": (saved(rgb(), "BMP")[:60], BROKEN),
    "a text that begins as a BMP does": (b"BMW drives by, for forty bytes and more", NO_PICTURE),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', NO_PICTURE),
    "another kind in the same container": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", NO_PICTURE),
    "AVIF, only the first bytes": (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", BROKEN),
    "sound in a RIFF file": (b"RIFF\x24\0\0\0WAVEfmt ", NO_PICTURE),
    "PNG, only the first bytes": (b"\x89PNG\r\n\x1a\n", BROKEN),
    "PNG, cut off": (saved(rgb())[:60], BROKEN),
    "PNG, damaged head": (png(1, 1, 8, 0, b"\0\0").replace(b"IHDR\0\0\0\x01", b"IHDR\0\0\0\x02"), BROKEN),
    "PNG, no pixels": (png(0, 5, 8, 2, b""), BROKEN),
    "PNG, data missing": (png(50, 50, 8, 2, b"\0"), BROKEN),
    "PNG, 2 MB of text in 2 kB": (saved(rgb(), pnginfo=TEXT), BROKEN),
    "PNG, 900 megapixels": (png(30_000, 30_000, 8, 2, bytes(1000)), f"has 30,000×30,000 pixels, {TOO_LARGE}"),
    "PNG, a pixel too many": (png(25_000_001, 1, 1, 0, bytes(100)), f"has 25,000,001×1 pixels, {TOO_LARGE}"),
    "JPEG, only the first bytes": (JPEG[:3], BROKEN),
    "JPEG, cut off": (JPEG[:-40], BROKEN),
    "JPEG, 900 megapixels": (
        JPEG.replace(b"\0\x40\0\x40\x03", struct.pack(">HH", 30_000, 30_000) + b"\x03"),
        f"has 30,000×30,000 pixels, {TOO_LARGE}",
    ),
    "WebP, cut off": (saved(rgb(), "WEBP")[:40], BROKEN),
    "WebP, 169 megapixels": (webp(13_000, 13_000), f"has 13,000×13,000 pixels, {TOO_LARGE}"),
    "WebP, 268 megapixels": (webp(16_383, 16_383), "The picture has more than 25 megapixels. Save it smaller"),
    "50 MB and a byte": (bytes(MOST_BYTES + 1), "The file has more than 50 MB, the most that is read."),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_sound_picture_gets_one_clear_line_at_once(content, message):
    start = time.perf_counter()
    with pytest.raises(BadSettings) as error:
        read_picture(content)
    assert time.perf_counter() - start < 1
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("name", [name for name, (_, message) in HOSTILE.items() if "megapixels" in message])
def test_a_picture_that_is_too_large_is_never_decoded(name, monkeypatch):
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image))
    with pytest.raises(BadSettings, match="megapixels"):
        read_picture(HOSTILE[name][0])
    assert decoded == []


def test_a_sound_file_with_any_bytes_changed_is_a_picture_or_a_clear_error():
    generator = np.random.default_rng(0)
    outcomes = set()
    for content in (saved(rgb()), saved(palette(), transparency=b"\xff\x00"), JPEG, saved(rgb(), "WEBP")):
        for _ in range(150):
            changed = bytearray(content)
            for place in generator.integers(0, len(content), 3):
                changed[place] = generator.integers(0, 256)
            try:
                outcomes.add(read_picture(bytes(changed)).shape[2])
            except BadSettings:
                outcomes.add("refused")
    assert outcomes == {3, "refused"}


def test_a_test_image_is_the_one_of_that_number(digits):
    found = picture("test:17", data="digits")
    np.testing.assert_array_equal(found.pixels, digits.test_pixels[17])
    assert found.label == digits.test_labels[17]
    assert (found.reference, found.title) == ("test:17", "Test image 17 of Handwritten digits")


def test_a_test_image_comes_in_the_sizes_of_its_data_set(cifar10):
    half = picture("test:3", data="cifar10", image_size=16).pixels
    mean = cifar10.test_pixels[3].reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(half, np.floor(mean + 0.5))
    for size in (None, 32, 224):
        np.testing.assert_array_equal(picture("test:3", data="cifar10", image_size=size).pixels, cifar10.test_pixels[3])


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_scikit_learns(name):
    found = picture(name)
    np.testing.assert_array_equal(found.pixels, load_sample_image(name))
    assert found.label is None
    assert "CC BY 2.0" in found.title


def test_a_path_is_read_only_where_that_is_allowed(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(saved(rgb()))
    found = picture(str(path), paths=True)
    np.testing.assert_array_equal(found.pixels, COLOURS)
    assert (found.title, found.label) == ("cat.png", None)
    with pytest.raises(UnknownName, match="No picture is called"):
        picture(str(path))


@pytest.mark.parametrize(
    ("error", "reference", "settings", "message"),
    [
        (BadSettings, "test:17", {}, "'test:17' names a test image, and no data set to take it from. Name one with"),
        (BadSettings, "test:x", {"data": "digits"}, "'test:x': a test image is named by its number, as in test:17."),
        (BadSettings, "test:-1", {"data": "digits"}, "'test:-1': a test image is named by its number, as in test:17."),
        (
            BadSettings,
            "test:360",
            {"data": "digits"},
            "'test:360': Handwritten digits has 360 test images; their numbers go from 0 to 359.",
        ),
        (UnknownName, "test:0", {"data": "digit"}, "No data set is called 'digit'. Did you mean 'digits'?"),
        (
            UnknownName,
            "chima.jpg",
            {},
            "No picture is called 'chima.jpg'. Did you mean 'china.jpg'? Known: test:NU",
        ),
        (
            StorageError,
            "/no/such/cat.png",
            {"paths": True},
            "There is no file /no/such/cat.png. Give the path",
        ),
        (StorageError, "/dev/zero", {"paths": True}, "There is no file /dev/zero."),
        (UnknownName, f"upload:{'0' * 64}", {}, "That uploaded picture is not kept here (any more). Upload it again."),
    ],
)
def test_a_reference_to_nothing_says_what_to_do(error, reference, settings, message):
    with pytest.raises(error) as raised:
        picture(reference, **settings)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "text", ["y" * 300, "y" * 10_000, "a\0b", "\ud800", "~nobody-of-that-name/x", ".", "\x1b"], ids=ascii
)
def test_a_path_that_is_none_is_told_in_a_short_line(text):
    with pytest.raises(StorageError, match="There is no file .* Give the path of a PNG") as raised:
        picture(text, paths=True)
    assert len(str(raised.value)) < 200


def test_uploads_in_a_folder_that_may_not_be_read_are_told(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(StorageError, match="Make the folder writable"):
        picture(f"upload:{'0' * 64}")
    with pytest.raises(StorageError, match="Make the folder writable"):
        keep_upload(saved(rgb()))


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(BadSettings, match=r"^notes\.txt: The file \(10 bytes\) is not a PNG"):
        picture(str(tmp_path / "notes.txt"), paths=True)


def test_an_upload_is_kept_under_the_name_of_its_pixels():
    reference = keep_upload(saved(rgb()))
    np.testing.assert_array_equal(picture(reference).pixels, COLOURS)
    assert keep_upload(saved(rgb(), "WEBP", lossless=True)) == reference
    other = keep_upload(saved(rgb(255 - COLOURS)))
    sideways = keep_upload(saved(rgb(COLOURS.reshape(7, 5, 3))))
    assert len({reference, other, sideways}) == 3
    kept = sorted(path.name for path in image_folder().iterdir())
    assert kept == sorted(f"{each.removeprefix('upload:')}.png" for each in (reference, other, sideways))


@pytest.fixture
def decoded(monkeypatch):
    """The sizes in bytes of the files that have been decoded."""
    found, opened = [], picture_files._opened
    monkeypatch.setattr(picture_files, "_opened", lambda content: found.append(len(content)) or opened(content))
    return found


def test_an_upload_is_decoded_once(decoded):
    content = saved(rgb())
    reference = keep_upload(content)
    pictures = [picture(reference).pixels for _ in range(3)]
    assert decoded == [len(content)]
    assert (pictures[2] == COLOURS).all()
    assert not pictures[0].flags.writeable


def test_a_file_is_decoded_once_unless_it_changes(decoded, tmp_path):
    path = tmp_path / "picture.png"
    for colours in (COLOURS, 255 - COLOURS):
        (tmp_path / "new.png").write_bytes(saved(rgb(colours)))
        (tmp_path / "new.png").replace(path)
        for _ in range(2):
            np.testing.assert_array_equal(picture(str(path), paths=True).pixels, colours)
    assert len(decoded) == 2


def test_an_upload_is_kept_at_1024_pixels_a_side_at_most():
    reference = keep_upload(saved(Image.new("RGB", (2048, 512), RED)))
    pixels = picture(reference).pixels
    assert pixels.shape == (256, 1024, 3)
    assert (pixels == RED).all()


def test_a_broken_upload_leaves_nothing():
    with pytest.raises(BadSettings):
        keep_upload(b"no picture")
    assert not image_folder().exists()


def test_uploads_are_not_taken_for_runs():
    keep_upload(saved(rgb()))
    assert list_runs() == []


def test_a_folder_that_cannot_be_written_is_a_clear_error(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="could not be written"):
        keep_upload(saved(rgb()))


@pytest.mark.parametrize("name", ["../secret", "A" * 64, "a" * 63, f"{'a' * 64}/../../secret", f"{'a' * 64}\n", ""])
def test_only_names_of_uploads_are_ever_opened(name, home, monkeypatch):
    image_folder().mkdir(parents=True)
    (home / "secret.png").write_bytes(saved(rgb()))
    (image_folder() / f"{'A' * 64}.png").write_bytes(saved(rgb()))
    monkeypatch.setattr(Path, "open", lambda path, *_: pytest.fail(f"{path} was opened"))
    with pytest.raises(UnknownName, match="is not kept here"):
        picture(f"upload:{name}")


def test_a_picture_of_the_right_size_is_only_copied():
    square = COLOURS[:, :5]
    found = fitted(square, 5, 3)
    np.testing.assert_array_equal(found, square)
    assert not np.shares_memory(found, square)


def test_the_middle_square_is_taken():
    np.testing.assert_array_equal(fitted(COLOURS, 5, 3), COLOURS[:, 1:6])
    np.testing.assert_array_equal(fitted(COLOURS.swapaxes(0, 1), 5, 3), COLOURS[:, 1:6].swapaxes(0, 1))


def test_colours_become_grey_by_itu_r_601_and_grey_is_repeated():
    grey = fitted(COLOURS[:, :5], 5, 1)
    expected = COLOURS[:, :5] @ [0.299, 0.587, 0.114]
    assert grey.shape == (5, 5, 1)
    np.testing.assert_allclose(grey[..., 0], expected, atol=0.51)
    np.testing.assert_array_equal(fitted(grey, 5, 3), grey.repeat(3, axis=2))
    np.testing.assert_array_equal(fitted(grey, 5, 1), grey)


def test_shrinking_averages_what_lies_between():
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None]
    assert np.abs(fitted(board, 8, 1)[2:6, 2:6].astype(int) - 127.5).max() < 3  # single pixels would be 0 or 255


@pytest.mark.parametrize(
    ("shape", "side", "channels", "message"),
    [
        ((5, 5), 5, 3, "`pixels` has shape (5, 5); expected (H, W, 3) or (H, W, 1)."),
        ((5, 5, 4), 5, 3, "`pixels` has shape (5, 5, 4)"),
        ((5, 0, 3), 5, 3, "`pixels` has shape (5, 0, 3)"),
        ((5, 5, 3), 5, 2, "A picture cannot be given 2 channels at 5 pixels a side: it can have 1 or 3, at 1 or more."),
        ((5, 5, 3), 0, 3, "A picture cannot be given 3 channels at 0 pixels a side"),
    ],
)
def test_what_cannot_be_fitted_is_told(shape, side, channels, message):
    with pytest.raises(BadSettings) as error:
        fitted(np.zeros(shape, np.uint8), side, channels)
    assert message in str(error.value)


def test_avif_is_read_as_pillow_reads_it():
    smooth = Image.fromarray(COLOURS).resize((64, 48))
    content = saved(smooth, "AVIF", quality=90)
    with Image.open(io.BytesIO(content)) as theirs:
        np.testing.assert_array_equal(read_picture(content), np.array(theirs.convert("RGB")))


def test_a_kind_without_its_reader_says_what_to_install(monkeypatch):
    monkeypatch.setattr(picture_files, "has_reader", lambda kind: kind not in ("HEIC", "AVIF"))
    for kind, head, package in (("HEIC", b"heic", "pillow-heif"), ("AVIF", b"avif", "--upgrade pillow")):
        with pytest.raises(BadSettings) as error:
            read_picture(b"\0\0\0\x18ftyp" + head + b"\0\0\0\0mif1" + head)
        assert str(error.value) == (
            f"The file is a picture of the kind {kind}, for which no reader is installed. Install one with "
            f"`pip install {package}`, or save the picture as PNG or JPEG."
        )


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {"quality": 95}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("PNG", "RGB", {}), ("PNG", "P", {}), ("PNG", "RGBA", {}), ("PNG", "1", {}), ("WEBP", "RGB", {}),
        ("BMP", "RGB", {}),
    ],
)  # fmt: skip
def test_a_large_photograph_is_reduced_to_twice_what_is_needed_or_more(kind, mode, options):
    across = Image.linear_gradient("L").resize((3000, 2000))
    photograph = Image.merge("RGB", (across, across.rotate(180), across.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    content = saved(photograph.convert(mode), kind, **options)
    whole, reduced = read_picture(content), read_picture(content, shorter=64)
    assert whole.shape == (2000, 3000, 3)
    assert 128 <= min(reduced.shape[:2]) < 400
    assert reduced.shape[1] / reduced.shape[0] == pytest.approx(1.5, abs=0.02)
    small = [
        np.array(Image.fromarray(each).resize((96, 64), Image.Resampling.BILINEAR), int) for each in (whole, reduced)
    ]
    assert np.abs(small[0] - small[1]).mean() < 1  # of 255


def test_pictures_up_to_four_megapixels_keep_their_pixels():
    photograph = Image.linear_gradient("L").resize((2000, 2000)).convert("RGB")
    for kind in ("JPEG", "PNG"):
        content = saved(photograph, kind)
        np.testing.assert_array_equal(read_picture(content, shorter=32), read_picture(content))


def test_what_is_too_large_to_be_read_whole_is_read_reduced():
    content = saved(Image.new("RGB", (6000, 5000), "red"), "JPEG")
    with pytest.raises(BadSettings, match="30|more than 25 megapixels"):
        read_picture(content)
    pixels = read_picture(content, shorter=224)
    assert min(pixels.shape[:2]) >= 448
    assert (np.abs(pixels.astype(int) - (255, 0, 0)) < 3).all()


def test_a_photograph_on_its_side_is_turned_after_it_is_reduced():
    photograph = Image.linear_gradient("L").resize((3000, 2000)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    found = read_picture(saved(photograph, "JPEG", exif=exif), shorter=64)
    assert found.shape[0] > found.shape[1]
