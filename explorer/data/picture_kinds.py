"""The kinds of picture files that can be read, by the endings of their names and by their first bytes."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

# Accepted by torchvision's ImageFolder or common beside pictures; not read here.
OTHER_PICTURES = (".gif", ".pgm", ".ppm", ".pbm", ".tif", ".tiff", ".jp2", ".jxl", ".dng", ".cr2", ".nef", ".arw")

_BMP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))  # bytes of each version
_BRANDS_OF_AVIF = (b"avif", b"avis")
_BRANDS_OF_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of picture file.

    Attributes:
        module, plugin: the class of Pillow, or of a package for it, that reads the kind.
        endings: of names, in small letters.
        install: what to install where it cannot be read; empty if it always can.
    """

    module: str
    plugin: str
    endings: tuple[str, ...]
    install: str = ""


KINDS = {
    "PNG": Kind("PIL.PngImagePlugin", "PngImageFile", (".png", ".apng")),
    "JPEG": Kind("PIL.JpegImagePlugin", "JpegImageFile", (".jpg", ".jpeg", ".jfif", ".jpe")),
    "WebP": Kind("PIL.WebPImagePlugin", "WebPImageFile", (".webp",)),
    "BMP": Kind("PIL.BmpImagePlugin", "BmpImageFile", (".bmp", ".dib")),
    "AVIF": Kind("PIL.AvifImagePlugin", "AvifImageFile", (".avif",), "pip install --upgrade pillow"),
    "HEIC": Kind("pillow_heif.as_plugin", "HeifImageFile", (".heic", ".heif"), "pip install pillow-heif"),
}

ENDINGS = {ending: name for name, kind in KINDS.items() for ending in kind.endings}


def kind_of(content: bytes) -> str | None:
    """The name of the kind in `KINDS`, judged by the first bytes of a file; None for another."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if content.startswith(b"BM") and content[14:18] in _BMP_HEADERS:
        return "BMP"
    if content[4:8] == b"ftyp":
        brands = {content[place : place + 4] for place in range(8, min(len(content), 64), 4)}
        if content[8:12] in _BRANDS_OF_AVIF or (content[8:12] in _BRANDS_OF_HEIC[-2:] and b"avif" in brands):
            return "AVIF"
        if content[8:12] in _BRANDS_OF_HEIC:
            return "HEIC"
    return None


def missing_reader(ending: str) -> str:
    """Why pictures with this ending cannot be read here, and what to install; empty if they can."""
    kind = ENDINGS.get(ending)
    if kind is None or has_reader(kind):
        return ""
    return f"{kind} pictures, for which no reader is installed (`{KINDS[kind].install}` installs it)"


@lru_cache(maxsize=16)
def has_reader(kind: str) -> bool:
    """Whether pictures of a kind in `KINDS` can be read."""
    if kind == "AVIF":
        from PIL import features

        return bool(features.check("avif"))
    return kind != "HEIC" or find_spec("pillow_heif") is not None
