"""Read and check the weights inside a third-party file; runs in the process of `reader`."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from explorer.errors import StorageError
from explorer.weights.headers import MOST_INDEX_BYTES, Kind, cleaned_message
from explorer.weights.inert import Array, RefusedError
from explorer.weights.next_steps import COPY_AGAIN, EXPORT_LIGHTNING, EXPORT_MODULE, SAVE_AGAIN
from explorer.weights.sets import Numbers, Sets, Value, sets_in
from explorer.weights.storages import Storages, legacy_content, zip_content

MOST_TENSORS = 20_000  # of a set; ResNet-1202 has 7,208
MOST_SETS = 64

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
_KEY = re.compile(r"[\w.:/+ -]{1,200}")
_MODULE_CLASS = re.compile(rb"torch\.nn\.(?:modules|parallel)\.[\w.]+")


@dataclass(slots=True)
class Contents:
    """The checked content of a file; see `contents.WeightsFile` for the fields."""

    sets: dict[str, dict[str, Tensor]]
    left_out: dict[str, str]
    averaged: list[str]
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    claims: dict[str, float | str] = field(default_factory=dict)
    lightning: bool = False


def read_contents(file: IO[bytes], path: Path, kind: Kind) -> Contents:
    """The sets of weights in a file whose layout has been checked, and what lies beside them.

    A set that cannot be used is left out, with the reason, if there is another.

    Args:
        file: `path`, opened.

    Raises:
        StorageError: it names or calls what could run code, contains no weights, or unusable weights. The message
            continues a sentence that starts with the file's name.
    """
    found, storages = _found(file, path, kind)
    if not found.weights:
        raise StorageError(_nothing(found))
    if len(found.weights) > MOST_SETS:
        raise StorageError(f"holds {len(found.weights)} sets of weights; {MOST_SETS} are the most. {SAVE_AGAIN}")
    _check_sizes(found, path.stat().st_size)
    sets, faults = {}, {}
    for place, state in found.weights.items():
        try:
            sets[place] = _checked(state, storages)
        except StorageError as error:
            faults[place] = error
    if not sets:
        raise next(iter(faults.values()))
    left_out = found.left_out | {place: str(error) for place, error in faults.items()}
    mean, std = _numbers(found.mean, storages), _numbers(found.std, storages)
    usable = bool(mean) and len(mean) == len(std) and min(std) > 0
    return Contents(
        sets=sets,
        left_out={_shown(name): reason for name, reason in left_out.items()},
        averaged=[place for place in found.averaged if place in sets],
        mean=mean if usable else [],
        std=std if usable else [],
        claims=_claims(found.claims, storages),
        lightning=found.lightning,
    )


def identity(tensor: Tensor) -> tuple[Any, ...]:
    """A key that is equal for tied weights, one tensor under several names."""
    place = (tensor.untyped_storage().data_ptr(), tensor.storage_offset())
    return (*place, tensor.dtype, tuple(tensor.shape), tensor.stride())


def _found(file: IO[bytes], path: Path, kind: Kind) -> tuple[Sets, Storages]:
    if kind == "safetensors":
        found = sets_in(dict(safetensors.torch.load_file(path)))
        with safetensors.safe_open(path, framework="pt") as opened:
            notes = sets_in(opened.metadata() or {})
        found.claims |= {key: value for key, value in notes.claims.items() if key != "format"}
        return found, Storages(file, {})
    file.seek(0)
    try:
        content, storages = zip_content(file) if kind == "zip" else legacy_content(file)
    except RefusedError as error:
        raise StorageError(_refusal(file, cleaned_message(error))) from None
    return sets_in(content), storages


def _nothing(found: Sets) -> str:
    """Why there are no weights."""
    if found.modules:
        return f"holds a whole module, not its state_dict ({_shown(found.modules[0])}). {EXPORT_MODULE}"
    if found.lightning:
        return f"is a checkpoint of PyTorch Lightning without weights. {EXPORT_LIGHTNING}"
    return f"holds no weights: no mapping of names to tensors. {SAVE_AGAIN}"


def _refusal(file: IO[bytes], name: str) -> str:
    """Why a file is not read that names or calls what could run code, and what it is."""
    file.seek(0)
    start = file.read(MOST_INDEX_BYTES)
    if b"pytorch-lightning_version" in start:
        return f"is a checkpoint of PyTorch Lightning that holds more than tensors ({name}). {EXPORT_LIGHTNING}"
    if _MODULE_CLASS.search(start):
        return f"holds a whole module, not its state_dict ({name}). {EXPORT_MODULE}"
    return f"holds more than tensors ({name}), and opening that could run code. {SAVE_AGAIN}"


def _shown(name: str) -> str:
    """A name from the file as a message may show it."""
    return name if _KEY.fullmatch(name) else cleaned_message(ValueError(name))


def _check_sizes(found: Sets, size: int) -> None:
    """Require no more tensors than usual, and no more numbers than the file can hold.

    Raises:
        StorageError: see above.
    """
    unique: dict[object, int] = {}
    for state in found.weights.values():
        if len(state) > MOST_TENSORS:
            raise StorageError(f"holds {len(state):,} tensors; {MOST_TENSORS:,} are the most. {SAVE_AGAIN}")
        for tensor in state.values():
            if isinstance(tensor, Tensor):
                unique[identity(tensor)] = tensor.numel() * tensor.element_size()
            elif isinstance(tensor, Array):
                unique[id(tensor)] = len(tensor.content)
            elif tensor.dtype in DTYPES and _no_shared_memory(tensor.shape, tensor.strides):
                unique[tensor] = math.prod(tensor.shape) * int(getattr(torch, tensor.dtype).itemsize)
    total = sum(unique.values())
    if total > size:
        raise StorageError(f"has {size:,} bytes and tensors of {total:,}. {SAVE_AGAIN}")


def _checked(state: Mapping[str, Value], storages: Storages) -> dict[str, Tensor]:
    """The tensors of a set.

    Raises:
        StorageError: one cannot be used.
    """
    found = {}
    for key, value in state.items():
        if fault := _fault(key, value):
            raise StorageError(f"{fault} {SAVE_AGAIN}")
        tensor = found[key] = storages.tensor(value)
        if not _finite(tensor):
            raise StorageError(
                f"has values that are not finite (NaN or infinity) in {key!r}. Its training failed: use an earlier one."
            )
        if key.rpartition(".")[2] == "running_var" and bool((tensor < 0).any()):
            raise StorageError(f"has negative variances in {key!r}, which no norm can have. {COPY_AGAIN}")
    return found


def _fault(key: str, value: Value) -> str | None:
    """Why a tensor cannot be used, as the rest of a sentence about the file; None if it can."""
    if not _KEY.fullmatch(key):
        return "names a tensor by something other than a name of at most 200 letters, digits and dots."
    special = "" if isinstance(value, Tensor | Array) else value.special
    if special == "special":
        return f"has a tensor of a special kind in {key!r}; only dense ones can be used."
    kind = str(value.dtype).removeprefix("torch.")
    if kind not in DTYPES or special:
        return f"has numbers that cannot be used in {key!r} ({kind}); usual are float32 and float16."
    if not isinstance(value, Tensor | Array) and not _no_shared_memory(value.shape, value.strides):
        return f"has a tensor of shape {tuple(value.shape)} in {key!r} whose elements share memory."
    return None


def _no_shared_memory(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether no two elements of a tensor share memory, as with a stride of 0."""
    reach = 0  # of all axes with smaller strides
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length > 1:
            if stride <= reach:
                return False
            reach += stride * (length - 1)
    return True


def _finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    lowest, highest = torch.aminmax(tensor.detach())  # NaN if there is one; no copy, unlike isfinite
    return bool(torch.isfinite(lowest) and torch.isfinite(highest))


def _numbers(value: Value | Numbers | None, storages: Storages) -> list[float]:
    """The finite numbers of a small tensor or list; empty if it has others or cannot be read."""
    if isinstance(value, tuple):
        return list(value) if all(map(math.isfinite, value)) else []
    if value is None or _fault("a", value):
        return []
    try:
        tensor = storages.tensor(value)
    except StorageError:
        return []
    return [float(each) for each in tensor.double().flatten()] if _finite(tensor) else []


def _claims(found: Mapping[str, Any], storages: Storages) -> dict[str, float | str]:
    claims: dict[str, float | str] = {}
    for place, value in found.items():
        if isinstance(value, str):
            claims[place] = value
        elif isinstance(value, int | float):
            claims[place] = float(value)
        elif numbers := _numbers(value, storages):
            claims[place] = numbers[0]
    return claims
