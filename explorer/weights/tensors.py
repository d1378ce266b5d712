"""Find and check the weights inside a third-party file; runs in the process of `reader`."""

import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import safetensors.torch
import torch
from torch import Tensor, nn

from explorer.errors import StorageError
from explorer.weights.headers import COPY_AGAIN, MOST_INDEX_BYTES, SAVE_AGAIN, Kind, cleaned_message

MOST_TENSORS = 20_000  # ResNet-1202 has 7,208

DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
)

# Prefixes of wrappers: DataParallel, Lightning and other classes, torch.compile, ...
PREFIXES = ("module.", "model.", "_orig_mod.", "net.", "network.", "backbone.", "resnet.", "encoder.")

_KEY = re.compile(r"[\w.:/+ -]{1,200}")
_REFUSED_CLASS = re.compile(r"GLOBAL ([\w.]+) (?:was not an allowed|whose module)")
_MODULE_CLASS = re.compile(rb"ctorch\.nn\.(?:modules|parallel)\.[\w.]+\n\w+\n")


def read_weights(file: IO[bytes], path: Path, kind: Kind) -> dict[str, Tensor]:
    """The weights in a file whose layout has been checked, by key, in the file's order.

    The file contains a mapping of keys to tensors, at most two levels down ("state_dict", "model", "net", "ema", ...):
    the one with the most tensors is used, the first of equals, and the rest (epoch, optimiser, ...) is ignored.
    Prefixes of `PREFIXES` that all keys have in common are removed, also repeatedly.

    Args:
        file: `path`, opened.

    Raises:
        StorageError: it contains other objects than plain values and tensors, no weights, or unusable weights. The
            message continues a sentence that starts with the file's name.
    """
    found = _loaded(file, path, kind)
    weights: dict[str, Tensor] = max(_mappings(found, levels=2), key=len, default={})
    if not weights:
        raise StorageError(f"holds no weights: no mapping of names to tensors. {SAVE_AGAIN}")
    if len(weights) > MOST_TENSORS:
        raise StorageError(f"holds {len(weights):,} tensors; {MOST_TENSORS:,} are the most. {SAVE_AGAIN}")
    for key, tensor in weights.items():
        if fault := _fault(key, tensor):
            raise StorageError(f"{fault} {SAVE_AGAIN}")
    size = path.stat().st_size
    total = sum(each.numel() * each.element_size() for each in {identity(t): t for t in weights.values()}.values())
    if total > size:
        raise StorageError(f"has {size:,} bytes and tensors of {total:,}. {SAVE_AGAIN}")
    for key, tensor in weights.items():
        if not _finite(tensor):
            raise StorageError(
                f"has values that are not finite (NaN or infinity) in {key!r}. Its training failed: use an earlier one."
            )
        if key.rpartition(".")[2] == "running_var" and bool((tensor < 0).any()):
            raise StorageError(f"has negative variances in {key!r}, which no norm can have. {COPY_AGAIN}")
    return _without_shared_prefix(weights)


def identity(tensor: Tensor) -> tuple[Any, ...]:
    """A key that is equal for tied weights, one tensor under several names."""
    place = (tensor.untyped_storage().data_ptr(), tensor.storage_offset())
    return (*place, tensor.dtype, tuple(tensor.shape), tensor.stride())


def _loaded(file: IO[bytes], path: Path, kind: Kind) -> Any:
    if kind == "safetensors":
        return safetensors.torch.load_file(path)
    file.seek(0)
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise StorageError(_refusal(file, error)) from None


def _refusal(file: IO[bytes], error: pickle.UnpicklingError) -> str:
    """Why PyTorch does not unpickle a file: usually it contains objects of a class."""
    refused = _REFUSED_CLASS.search(str(error))
    if refused is None:
        last = str(error).rpartition("WeightsUnpickler error: ")[2]
        return f"is damaged, or holds more than tensors ({cleaned_message(ValueError(last))}). {SAVE_AGAIN}"
    file.seek(0)
    if _MODULE_CLASS.search(file.read(MOST_INDEX_BYTES)):
        return f"holds a whole module, not its state_dict ({refused[1]}); opening it would run code. {SAVE_AGAIN}"
    return f"holds more than tensors ({refused[1]}), and opening that could run code. {SAVE_AGAIN}"


def _mappings(found: Any, levels: int) -> Iterator[dict[str, Tensor]]:
    """The named tensors of a mapping, then those of mappings inside it."""
    if not isinstance(found, Mapping):
        return
    yield {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if levels:
        for value in found.values():
            yield from _mappings(value, levels - 1)


def _fault(key: str, tensor: Tensor) -> str | None:
    """Why a tensor cannot be used, as the rest of a sentence about the file; None if it can."""
    if not _KEY.fullmatch(key):
        return "names a tensor by something other than a name of at most 200 letters, digits and dots."
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout != torch.strided or tensor.is_nested:
        return f"has a tensor of a special kind in {key!r}; only dense ones can be used."
    if tensor.device.type != "cpu" or tensor.dtype not in DTYPES or tensor.is_neg():
        kind = str(tensor.dtype).removeprefix("torch.")
        return f"has numbers that cannot be used in {key!r} ({kind}); usual are float32 and float16."
    if not _no_shared_memory(tensor.shape, tensor.stride()):
        return f"has a tensor of shape {tuple(tensor.shape)} in {key!r} whose elements share memory."
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


def _without_shared_prefix(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(key.startswith(prefix) and key != prefix for key in weights):
            return _without_shared_prefix({key.removeprefix(prefix): tensor for key, tensor in weights.items()})
    return weights
