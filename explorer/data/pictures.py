"""Pictures for attributions, by reference.

- test:17: image 17 of a data set's test images, counted from 0;
- china.jpg: a photograph that comes with scikit-learn (`PHOTOGRAPHS`);
- upload:SHA256: an uploaded picture, see `keep_upload`;
- anything else: the path of a file on this machine.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.cache import ByteCache
from explorer.data.catalogue import dataset, require
from explorer.data.picture_files import read_picture, read_picture_file
from explorer.data.pixels import load_test
from explorer.data.scikit_learn import scikit_learn_file
from explorer.errors import BadSettings, StorageError, UnknownName, quoted
from explorer.files import file_identity, home, storage_errors, write_atomically
from explorer.registry import nearest_hint

UPLOAD_SIDE = 1024  # pixels of the longer side of a stored upload at most
PHOTOGRAPH_SIDE, THUMBNAIL_SIDE = 96, 128  # pixels of thumbnails: of photographs; of test images at most
MOST_KEPT = 2**27  # bytes of decoded pictures: forty uploads, or one of the largest files

# The titles name the photographers, as the licence (CC BY 2.0) requires; scikit-learn's README names danielbuechele
# for both, but its link to the second leads to vultilion.
PHOTOGRAPHS = {
    "china.jpg": "Chinese temple (photograph by danielbuechele, CC BY 2.0)",
    "flower.jpg": "Flower (photograph by vultilion, CC BY 2.0)",
}

_TEST = re.compile(r"test:([0-9]{1,9})")
_UPLOAD = re.compile(r"upload:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture as displayed; `fitted` converts it to a network's input size.

    Attributes:
        pixels: uint8 (H, W, 3), or (H, W, 1) from a greyscale data set; read-only.
        label: its class; None if unknown.
        title: caption.
    """

    reference: str
    pixels: NDArray[np.uint8]
    label: int | None
    title: str


def picture(reference: str, *, data: str = "", image_size: int | None = None, paths: bool = False) -> Picture:
    """The picture of a reference.

    Args:
        reference: see the module.
        data: name of the data set of a test image.
        image_size: side of a test image; sizes that its data set is not available in give the original. Photographs and
            files are not resized; those whose shorter side has 4096 pixels or more are reduced, see `read_picture`.
        paths: whether a path may be read; False for references that are not trusted, as in a link to a page.

    Raises:
        UnknownName: no picture or data set has that name.
        BadSettings: there is no test image of that number, or the file is not a readable picture.
        DataMissing: the data set is not on this machine.
        StorageError: the file is missing or cannot be read.
    """
    if reference.startswith("test:"):
        return _test_image(reference, data, image_size)
    if reference in PHOTOGRAPHS:
        return Picture(reference, _read(scikit_learn_file("images", reference)), None, PHOTOGRAPHS[reference])
    if reference.startswith("upload:"):
        return Picture(reference, _read(_upload(reference)), None, "Uploaded picture")
    if paths:
        path = _file(reference)
        return Picture(reference, _read(path), None, path.name)
    known = ("test:NUMBER", *PHOTOGRAPHS)
    raise UnknownName(
        f"No picture is called {quoted(reference)}.{nearest_hint(reference, known)} Known: {', '.join(known)}, and "
        "pictures that were uploaded."
    )


def keep_upload(content: bytes) -> str:
    """Store a picture, at most 1024 pixels a side, in the `image_folder`; gives its reference, a hash of the pixels.

    Raises:
        BadSettings: it is not a readable picture.
        StorageError: the disk is full or the folder read-only.
    """
    from PIL import Image

    image = Image.fromarray(read_picture(content, shorter=UPLOAD_SIDE))
    image.thumbnail((UPLOAD_SIDE, UPLOAD_SIDE), Image.Resampling.LANCZOS)
    name = hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()
    path = image_folder() / f"{name}.png"
    with storage_errors(path):
        exists = path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
    if not exists:
        write_atomically(path, lambda file: image.save(file, "PNG"))
    pixels = np.array(image)
    pixels.flags.writeable = False  # all who ask for it are given the same
    _decoded.keep(file_identity(path), pixels, pixels.nbytes)
    return f"upload:{name}"


def image_folder() -> Path:
    """The folder of uploaded pictures, existing or not."""
    return home() / "images"


def fitted(pixels: NDArray[np.uint8], side: int, channels: int) -> NDArray[np.uint8]:
    """The largest square at the centre of a picture, resized and converted to the channels of a network's input.

    Resized with antialiasing (Lanczos); a copy if the size is right already. Colours become grey by ITU-R 601; grey is
    repeated.

    Args:
        pixels: uint8 (H, W, 3) or (H, W, 1).
        side: pixels.
        channels: 3 or 1.

    Returns:
        uint8 (side, side, channels).

    Raises:
        BadSettings: a shape, side or number of channels that is not allowed.
    """
    from PIL import Image

    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or 0 in pixels.shape:
        raise BadSettings(f"`pixels` has shape {pixels.shape}; expected (H, W, 3) or (H, W, 1).")
    if channels not in (1, 3) or side < 1:
        raise BadSettings(
            f"A picture cannot be given {channels} channels at {side} pixels a side: it can have 1 or 3, at 1 or more."
        )
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    square = pixels[top : top + shorter, left : left + shorter]
    image = Image.fromarray(square[..., 0] if square.shape[2] == 1 else square)
    image = image.convert("L" if channels == 1 else "RGB")
    if shorter != side:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    return np.array(image).reshape(side, side, channels)


def thumbnail(found: Picture) -> NDArray[np.uint8]:
    """Pixels for a strip of pictures: small test images as they are, larger ones and photographs scaled down."""
    if found.label is None:
        return fitted(found.pixels, PHOTOGRAPH_SIDE, 3)
    large = max(found.pixels.shape[:2]) > THUMBNAIL_SIDE
    return fitted(found.pixels, THUMBNAIL_SIDE, found.pixels.shape[2]) if large else found.pixels


_decoded: ByteCache[NDArray[np.uint8]] = ByteCache(MOST_KEPT)


def _read(path: Path) -> NDArray[np.uint8]:
    """The pixels of a file, decoded once as long as it is the same; photographs of 16 megapixels are reduced."""
    identity = file_identity(path)
    pixels = _decoded.get(identity)
    if pixels is None:
        pixels = read_picture_file(path, shorter=UPLOAD_SIDE)
        _decoded.keep(identity, pixels, pixels.nbytes)
    return pixels


def _test_image(reference: str, data: str, image_size: int | None) -> Picture:
    if not data:
        raise BadSettings(
            f"{quoted(reference)} names a test image, and no data set to take it from. Name one with `data`."
        )
    row = dataset(data)
    number = _TEST.fullmatch(reference)
    if number is None:
        raise BadSettings(f"{quoted(reference)}: a test image is named by its number, as in test:17.")
    index = int(number[1])
    if not row.test_images:
        require(data)  # raises with the reason
    if index >= row.test_images:
        raise BadSettings(
            f"{quoted(reference)}: {row.title} has {row.test_images:,} test images; their numbers go from 0 to "
            f"{row.test_images - 1}."
        )
    test = load_test(data, image_size if row.any_size or image_size in row.sizes else None)
    return Picture(reference, test.pixels[index], int(test.labels[index]), f"Test image {index} of {row.title}")


def _upload(reference: str) -> Path:
    name = _UPLOAD.fullmatch(reference)  # no other file can be named
    path = image_folder() / f"{name[1]}.png" if name else None
    with storage_errors(image_folder()):
        exists = path is not None and path.is_file()
    if path is None or not exists:
        raise UnknownName("That uploaded picture is not kept here (any more). Upload it again.")
    return path


def _file(reference: str) -> Path:
    try:
        path = Path(reference).expanduser()
        exists = path.is_file()  # reading a pipe would block
    except (OSError, RuntimeError):  # too long a name, or no such user
        exists = False
    if not exists:
        raise StorageError(f"There is no file {quoted(reference)[1:-1]}. Give the path of a PNG, JPEG or WebP picture.")
    return path
