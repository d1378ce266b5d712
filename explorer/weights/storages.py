"""The tensors of a file of torch.save, made from their descriptions; what is not asked for is not read."""

import io
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal

import numpy as np
import torch
from torch import Tensor

from explorer.errors import StorageError
from explorer.weights.inert import Array, Described, Storage
from explorer.weights.next_steps import COPY_AGAIN, SAVE_AGAIN
from explorer.weights.pickles import read_pickle

_SIZE = struct.Struct("<q")  # of a storage before PyTorch 1.6, in elements


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of a storage lie in a file."""

    start: int
    bytes: int


class Storages:
    """The storages of an opened file.

    Args:
        file: of torch.save.
        places: by their keys.
    """

    def __init__(self, file: IO[bytes], places: Mapping[str, Place]) -> None:
        self.file = file
        self.places = places
        self._read: dict[Storage, Tensor] = {}

    def tensor(self, found: Described | Array | Tensor) -> Tensor:
        """A tensor of the file, by its description; tied ones share memory.

        Raises:
            StorageError: it does not fit the storage that it is said to be in. The message continues a sentence that
                starts with the file's name.
        """
        if isinstance(found, Tensor):
            return found
        if isinstance(found, Array):
            return _of_array(found)
        last = found.start + sum((n - 1) * stride for n, stride in zip(found.shape, found.strides, strict=True))
        if 0 not in found.shape and last >= found.storage.elements:
            raise StorageError(f"is damaged: a tensor reaches past the end of its storage. {COPY_AGAIN}")
        if 0 in found.shape:
            return torch.empty(found.shape, dtype=getattr(torch, found.dtype))
        return self._elements(found.storage).as_strided(found.shape, found.strides, found.start)

    def _elements(self, storage: Storage) -> Tensor:
        if storage not in self._read:
            dtype: torch.dtype = getattr(torch, storage.dtype)
            place = self.places.get(storage.key)
            if place is None or place.bytes != storage.elements * dtype.itemsize:
                raise StorageError(f"is damaged: a storage does not have the size of its tensors. {COPY_AGAIN}")
            content = bytearray(place.bytes)
            self.file.seek(place.start)
            if self.file.readinto(content) != place.bytes:  # type: ignore[attr-defined]
                raise StorageError(f"is cut off: a storage is missing. {COPY_AGAIN}")
            self._read[storage] = torch.frombuffer(content, dtype=dtype)
        return self._read[storage]


def zip_content(file: IO[bytes]) -> tuple[Any, Storages]:
    """The inert content and the storages of a zip archive whose layout has been checked.

    Raises:
        RefusedError, ValueError, ...: see `pickles.read_pickle`.
        StorageError: it was written on a machine with another order of bytes.
    """
    places: dict[str, Place] = {}
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        index = next(part for part in parts if part.filename.endswith("/data.pkl"))
        folder = index.filename.removesuffix("data.pkl")
        for part in parts:
            if part.filename == f"{folder}byteorder" and archive.read(part) == b"big":
                raise StorageError(f"was written on a machine with another order of bytes. {SAVE_AGAIN}")
            if part.filename.startswith(f"{folder}data/"):
                places[part.filename.removeprefix(f"{folder}data/")] = Place(_start(file, part), part.file_size)
        content, _ = read_pickle(io.BytesIO(archive.read(index)))
    return content, Storages(file, places)


def legacy_content(file: IO[bytes]) -> tuple[Any, Storages]:
    """The inert content and the storages of a file as torch.save wrote it before PyTorch 1.6.

    Five pickles (magic number, version, machine, content, keys of storages in order) are followed by the storages.

    Raises:
        RefusedError, ValueError, ...: see `pickles.read_pickle`.
        StorageError: it is damaged, or was written on a machine with another order of bytes.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    (_, _), (_, _), (machine, _), (content, storages), (keys, _) = (read_pickle(file) for _ in range(5))
    if isinstance(machine, dict) and machine.get("little_endian") is False:
        raise StorageError(f"was written on a machine with another order of bytes. {SAVE_AGAIN}")
    widths = {key: getattr(torch, storage.dtype).itemsize for key, storage in storages.items()}
    places: dict[str, Place] = {}
    for key in keys if isinstance(keys, list) else ():
        start = file.tell() + _SIZE.size
        head = file.read(_SIZE.size)
        if len(head) < _SIZE.size or not isinstance(key, str) or key not in widths:
            raise StorageError(f"is cut off or damaged: a storage is missing. {COPY_AGAIN}")
        length = _SIZE.unpack(head)[0] * widths[key]
        if not 0 <= length <= size - start:
            raise StorageError(f"is cut off: its last storages are missing. {COPY_AGAIN}")
        places[key] = Place(start, length)
        file.seek(start + length)
    return content, Storages(file, places)


def _start(file: IO[bytes], part: zipfile.ZipInfo) -> int:
    """Where the content of an uncompressed part begins."""
    file.seek(part.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(30))
    return part.header_offset + 30 + int(name) + int(extra)


def _of_array(array: Array) -> Tensor:
    """A numpy array as a tensor.

    Raises:
        StorageError: its content is not as long as its shape says.
    """
    dtype: torch.dtype = getattr(torch, array.dtype)
    if math.prod(array.shape) * dtype.itemsize != len(array.content):
        raise StorageError(f"is damaged: a numpy array does not have the size of its shape. {COPY_AGAIN}")
    if not array.content:
        return torch.empty(array.shape, dtype=dtype)
    flat = np.frombuffer(array.content, np.dtype(array.dtype).newbyteorder(">" if array.big_endian else "<"))
    order: Literal["F", "C"] = "F" if array.columns_first else "C"
    return torch.from_numpy(flat.astype(array.dtype).reshape(array.shape, order=order))
