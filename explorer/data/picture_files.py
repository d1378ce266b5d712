"""Decoding of picture files from untrusted sources, with bounded size."""

import warnings
from importlib import import_module
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from explorer.data.picture_kinds import KINDS, has_reader, kind_of
from explorer.errors import BadSettings, StorageError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

MOST_BYTES = 50_000_000
MOST_PIXELS = 25_000_000

# Reduced while they are read, pictures may be larger: JPEG files are decoded at an eighth of the size at least, all
# others whole. Progressive JPEG files keep all their coefficients in memory, six bytes a pixel.
MOST_BYTES_REDUCED = 200_000_000
MOST_PIXELS_REDUCED = 100_000_000
MOST_PIXELS_OF_JPEG = 250_000_000
PHOTOGRAPH = 4_000_000  # pixels up to which nothing is reduced, and resizing is exactly torchvision's
SPARE = 2  # times the side that is needed, kept by a reduction: what is then resized hardly differs

_DECODING = Lock()  # one at a time: a large picture takes hundreds of megabytes, and warning filters are global


def read_picture(content: bytes, *, shorter: int = 0) -> NDArray[np.uint8]:
    """The pixels of a picture file, on white, rotated by its EXIF data; the first frame of an animation.

    PNG, JPEG, WebP, BMP, and where Pillow has them AVIF and HEIC. Sixteen bits become eight (PIL truncates colours;
    greys are rounded here), CMYK becomes RGB by PIL's formula. Colour profiles are ignored: values are taken as sRGB.

    Args:
        shorter: pixels of the shorter side that are needed: pictures of more than 4 megapixels are reduced while they
            are read, to twice that or more. 0 keeps all pixels.

    Returns:
        uint8 (H, W, 3).

    Raises:
        BadSettings: another format, a broken or empty file, more than 50 MB, or more than 25 megapixels (checked before
            decoding); reduced, more than 200 MB, or 250 megapixels for JPEG and 100 for others.
    """
    most = MOST_BYTES_REDUCED if shorter else MOST_BYTES
    if len(content) > most:
        raise BadSettings(
            f"The file has more than {most // 1_000_000} MB, the most that is read. Save it smaller or as a JPEG."
        )
    from PIL.Image import DecompressionBombError

    with _DECODING, warnings.catch_warnings(action="ignore"):  # PIL's warnings do not help the user
        try:
            with _opened(content) as image:
                _require_size(image, reduced=bool(shorter))
                return _on_white(_upright(_decoded(image, shorter)))
        except BadSettings:
            raise
        except DecompressionBombError:  # raised while reading the header
            raise BadSettings(f"The picture has {_too_many(MOST_PIXELS)}") from None
        except Exception as error:  # noqa: BLE001 - a hostile file can make a decoder raise anything
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise BadSettings(
                f"The picture is broken or cut off ({reason}). Save it again and give the new file."
            ) from None


def read_picture_file(path: Path, *, named: str = "", shorter: int = 0) -> NDArray[np.uint8]:
    """`read_picture` of a file; the array is read-only.

    Args:
        named: its name in messages; empty takes the file's.
        shorter: as for `read_picture`.

    Raises:
        BadSettings: it is not a readable picture.
        StorageError: it is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read((MOST_BYTES_REDUCED if shorter else MOST_BYTES) + 1)
        pixels = read_picture(content, shorter=shorter)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}. Give a file that you may read.") from None
    except BadSettings as error:
        raise BadSettings(f"{named or path.name}: {error}") from None
    pixels.flags.writeable = False
    return pixels


def look_at_header(path: Path) -> None:
    """Check that a file is a picture by its header; what follows is not decoded, so it may still be broken.

    Raises:
        BadSettings: it is empty, of another kind, or too large.
        StorageError: it is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEADER)
        with _DECODING, warnings.catch_warnings(action="ignore"), _opened(start) as image:
            _require_size(image, reduced=True)
    except OSError as error:
        if error.strerror:
            raise StorageError(f"{path} cannot be read: {error.strerror}. Give a file that you may read.") from None
    except BadSettings:
        raise
    except Exception:  # noqa: BLE001 - a header may be longer than what was read of it
        read_picture_file(path, shorter=1)


HEADER = 65_536  # bytes


def _opened(content: bytes) -> "ImageFile":
    """The picture with its header read; by plug-in, since `Image.open` warns of large pictures."""
    if not content:
        raise BadSettings("The file is empty. Give a PNG, JPEG or WebP picture.")
    name = kind_of(content)
    if name is None:
        raise BadSettings(
            f"The file ({len(content):,} bytes) is not a PNG, JPEG or WebP picture. Save the picture as one of these."
        )
    kind = KINDS[name]
    if not has_reader(name):
        raise BadSettings(
            f"The file is a picture of the kind {name}, for which no reader is installed. Install one with "
            f"`{kind.install}`, or save the picture as PNG or JPEG."
        )
    return cast("ImageFile", getattr(import_module(kind.module), kind.plugin)(BytesIO(content)))


def _require_size(image: "ImageFile", *, reduced: bool) -> None:
    width, height = image.size
    most = MOST_PIXELS
    if reduced and not image.mode.startswith("I"):
        most = MOST_PIXELS_OF_JPEG if _is_baseline(image) else MOST_PIXELS_REDUCED
    if width * height > most:
        raise BadSettings(f"The picture has {width:,}×{height:,} pixels, which is {_too_many(most)}")


def _is_baseline(image: "ImageFile") -> bool:
    return image.format == "JPEG" and not image.info.get("progressive")


def _too_many(most: int) -> str:
    return f"more than {most // 1_000_000} megapixels. Save it smaller: networks look at far fewer."


def _decoded(image: "ImageFile", shorter: int) -> "Image.Image":
    """The picture; a large one reduced by a whole factor, to `SPARE` times the shorter side that is needed or more."""
    factor = min(image.size) // (SPARE * shorter) if shorter and image.width * image.height > PHOTOGRAPH else 1
    if factor < 2:
        image.load()
        return image
    if image.format == "JPEG":  # decoded at 1/2, 1/4 or 1/8, in the frequency domain
        image.draft(None, (image.width // factor, image.height // factor))
    image.load()
    factor = min(image.size) // (SPARE * shorter)
    if factor < 2 or image.mode.startswith("I"):
        return image
    whole: Image.Image = image
    if image.mode in ("1", "P", "PA"):  # indices of colours cannot be averaged
        whole = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return whole.reduce(factor)


def _upright(image: "Image.Image") -> "Image.Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - unreadable EXIF data are ignored, as in a browser
        return image


def _on_white(image: "Image.Image") -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16-bit greyscale
        values = np.asarray(image).astype(np.uint32)
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        clear = image.info.get("transparency")  # the grey value that is transparent
        grey[values == clear] = 255
        return np.repeat(grey[..., None], 3, axis=2)
    if not image.has_transparency_data:
        return np.array(image.convert("RGB"))
    from PIL import Image

    white = Image.new("RGB", image.size, "white")
    layer = image.convert("RGBA")
    white.paste(layer, mask=layer)
    return np.array(white)
