"""Decoding of PNG, JPEG and WebP files from untrusted sources, with bounded size."""

import warnings
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadSettings, StorageError

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

MOST_BYTES = 50_000_000
MOST_PIXELS = 25_000_000
_TOO_MANY = f"more than {MOST_PIXELS // 1_000_000} megapixels. Save it smaller: networks look at far fewer."

_DECODING = Lock()  # one at a time: a large picture takes hundreds of megabytes, and warning filters are global


def read_picture(content: bytes) -> NDArray[np.uint8]:
    """The pixels of a PNG, JPEG or WebP file, on white, rotated by its EXIF data; the first frame of an animation.

    Sixteen bits become eight (PIL truncates colours; greys are rounded here), CMYK becomes RGB by PIL's formula. Colour
    profiles are ignored: values are taken as sRGB.

    Returns:
        uint8 (H, W, 3).

    Raises:
        BadSettings: another format, a broken or empty file, more than 50 MB, or more than 25 megapixels (checked before
            decoding).
    """
    if not content:
        raise BadSettings("The file is empty. Give a PNG, JPEG or WebP picture.")
    if len(content) > MOST_BYTES:
        raise BadSettings(
            f"The file has more than {MOST_BYTES // 1_000_000} MB, the most that is read. Save it smaller or as a JPEG."
        )
    from PIL.Image import DecompressionBombError

    with _DECODING, warnings.catch_warnings(action="ignore"):  # PIL's warnings do not help the user
        try:
            with _opened(content) as image:
                _require_size(*image.size)
                image.load()
                return _on_white(_upright(image))
        except BadSettings:
            raise
        except DecompressionBombError:  # raised while reading the header
            raise BadSettings(f"The picture has {_TOO_MANY}") from None
        except Exception as error:  # noqa: BLE001 - a hostile file can make a decoder raise anything
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise BadSettings(
                f"The picture is broken or cut off ({reason}). Save it again and give the new file."
            ) from None


def read_picture_file(path: Path, *, named: str = "") -> NDArray[np.uint8]:
    """`read_picture` of a file; the array is read-only.

    Args:
        named: its name in messages; empty takes the file's.

    Raises:
        BadSettings: it is not a readable picture.
        StorageError: it is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            pixels = read_picture(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}. Give a file that you may read.") from None
    except BadSettings as error:
        raise BadSettings(f"{named or path.name}: {error}") from None
    pixels.flags.writeable = False
    return pixels


def _opened(content: bytes) -> "ImageFile":
    """The picture with its header read; by plug-in, since `Image.open` warns of large pictures."""
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    file = BytesIO(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImageFile(file)
    if content.startswith(b"\xff\xd8\xff"):
        return JpegImageFile(file)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WebPImageFile(file)
    raise BadSettings(
        f"The file ({len(content):,} bytes) is not a PNG, JPEG or WebP picture. Save the picture as one of these."
    )


def _require_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadSettings(f"The picture has {width:,}×{height:,} pixels, which is {_TOO_MANY}")


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
