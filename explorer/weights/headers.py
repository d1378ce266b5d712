"""Check format and layout of a third-party weights file, before PyTorch unpickles, unpacks or allocates anything.

Importing this does not import torch.
"""

import os
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Literal

from explorer.errors import StorageError
from explorer.weights.next_steps import COPY_AGAIN, EXPORT_SCRIPT, SAVE_AGAIN, UNPACK
from explorer.weights.other_files import other_kind, other_zip

Kind = Literal["zip", "legacy", "safetensors"]

MOST_PARTS = 50_000  # of a zip archive; ResNet-1202 with Adam's state has 18,029
MOST_LIST_BYTES = 100 * MOST_PARTS  # of a zip archive's directory; torch.save writes 60 per part
MOST_INDEX_BYTES = 16 << 20  # of the index of tensors; ResNet-1202 with Adam's state takes 1.9 MB

# torch.save before 1.6: a pickle of its magic number, in any protocol
_LEGACY = re.compile(rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\.", re.DOTALL)
_END, _ZIP64_LOCATOR, _ZIP64_END, _PART = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x03\x04"


def checked_kind(file: IO[bytes], path: Path) -> Kind:
    """The kind of a weights file, from its content and not its name, after checks of its layout.

    Args:
        file: `path`, opened.

    Raises:
        StorageError: it is of no known kind, or its layout is not valid for its kind. The message continues a sentence
            that starts with the file's name.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(512)
    if start.startswith(_PART):
        _check_zip(file, size)
        return "zip"
    if _LEGACY.match(start):
        return "legacy"
    if start[8:9] == b"{":
        _check_safetensors(path, int.from_bytes(start[:8], "little"))
        return "safetensors"
    raise StorageError(_unknown(start))


def cleaned_message(error: Exception) -> str:
    """A library's error message in one line, without characters by which a hostile file could mislead."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return " ".join(re.sub(r"[^\w .,:;=/()'-]", " ", first).split())[:120]


def _unknown(start: bytes) -> str:
    return other_kind(start) or (
        f"is not a weights file: it begins with {start[:8].hex(' ')}. Give a file of torch.save or a .safetensors "
        "file; what was downloaded may be another file than its name says."
    )


def _check_zip(file: IO[bytes], size: int) -> None:
    end = _directory(file, size)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        if what := other_zip([part.filename for part in parts[:1000]]):
            raise StorageError(what)
        _check_names(parts)
        _check_places(file, parts, end)
        damaged = archive.testzip()
    if damaged is not None:
        raise StorageError(f"is damaged: a checksum is wrong. {COPY_AGAIN}")


def _directory(file: IO[bytes], size: int) -> int:
    """Offset of the zip directory at the end of the archive; its size is checked."""
    file.seek(max(size - 98, 0))
    tail = file.read(98)
    if tail[-22:-18] != _END:
        raise StorageError(f"is cut off: the end of the zip archive is missing. {COPY_AGAIN}")
    length, offset = struct.unpack("<12xII2x", tail[-22:])
    end = size - 22
    if tail[-42:-38] == _ZIP64_LOCATOR and tail[-98:-94] == _ZIP64_END:
        length, offset = struct.unpack("<40xQQ", tail[-98:-42])
        end = size - 98
    if offset + length != end:
        raise StorageError(f"is damaged: the list of its parts is not where the zip archive says. {COPY_AGAIN}")
    if length > MOST_LIST_BYTES:
        raise StorageError(f"lists its parts in {length:,} bytes; {MOST_LIST_BYTES:,} are the most. {SAVE_AGAIN}")
    return int(offset)


def _check_names(parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > MOST_PARTS:
        raise StorageError(f"has {len(parts):,} parts; {MOST_PARTS:,} are the most. {SAVE_AGAIN}")
    names = [part.filename for part in parts]
    if len(set(names)) < len(names):
        raise StorageError(f"has two parts of the same name. {SAVE_AGAIN}")
    if any(name.endswith("/constants.pkl") for name in names):
        raise StorageError(f"is a TorchScript program, not weights. {EXPORT_SCRIPT}")
    indices = [part.file_size for part in parts if part.filename.endswith("/data.pkl")]
    if not indices:
        raise StorageError(f"is a zip archive that torch.save did not write. {UNPACK}")
    if max(indices) > MOST_INDEX_BYTES:
        raise StorageError(
            f"describes its tensors in {max(indices):,} bytes; {MOST_INDEX_BYTES:,} are the most. {SAVE_AGAIN}"
        )


def _check_places(file: IO[bytes], parts: list[zipfile.ZipInfo], end: int) -> None:
    """Require parts that are uncompressed and do not overlap, so that no more is read than the file's size."""
    taken = 0
    for part in sorted(parts, key=lambda part: part.header_offset):
        if part.compress_type != zipfile.ZIP_STORED or part.compress_size != part.file_size:
            raise StorageError(f"has compressed parts, which could unpack to any size. {SAVE_AGAIN}")
        file.seek(part.header_offset)
        header = file.read(30)
        if len(header) < 30 or header[:4] != _PART or part.header_offset < taken:
            raise StorageError(f"is damaged: parts of the zip archive overlap or are missing. {SAVE_AGAIN}")
        taken = part.header_offset + 30 + sum(struct.unpack("<26xHH", header)) + part.file_size
        if taken > end:
            raise StorageError(f"is damaged: a part of the zip archive reaches past its end. {COPY_AGAIN}")


def _check_safetensors(path: Path, length: int) -> None:
    if length > MOST_INDEX_BYTES:
        raise StorageError(
            f"describes its tensors in {length:,} bytes; {MOST_INDEX_BYTES:,} are the most. {COPY_AGAIN}"
        )
    import safetensors  # the other kinds are refused sooner without it

    try:
        with safetensors.safe_open(path, framework="numpy"):  # checks names, shapes, data types and offsets
            pass
    except safetensors.SafetensorError as error:
        raise StorageError(f"is a damaged safetensors file ({cleaned_message(error)}). {COPY_AGAIN}") from None
