"""The process that reads one third-party weights file, within limits of memory and time.

Started by `weights.reading` as `python -m explorer.weights.reader FILE FOLDER`. It writes the tensors, named by
numbers, into the folder as safetensors, and last a verdict in JSON: for each set of weights the number of each key's
tensor and what lies beside the weights, or the reason why there are none.
"""

import gc
import json
import math
import os
import sys
import time
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StorageError
from explorer.weights.headers import checked_kind, cleaned_message
from explorer.weights.next_steps import SAVE_AGAIN

if TYPE_CHECKING:
    from torch import Tensor

TENSORS, VERDICT = "tensors.safetensors", "verdict.json"

SPARE_BYTES = 256 << 20  # in addition to twice the file's size, for PyTorch
CPU_SECONDS, CPU_BYTES_A_SECOND = 4, 5_000_000  # in addition to the import of PyTorch


def main(path: Path, folder: Path) -> None:
    """Read the file, and write tensors and verdict."""
    gc.disable()  # the process ends soon; to look through millions of values again and again takes longer than reading
    try:
        verdict = _read(path, folder)
    except StorageError as error:
        verdict = {"reason": str(error)}
    except Exception as error:  # noqa: BLE001 - a hostile file can make a library raise anything
        verdict = {"reason": _explanation(error)}
    (folder / VERDICT).write_text(json.dumps(verdict))


def _read(path: Path, folder: Path) -> dict[str, object]:
    with path.open("rb") as file:
        kind = checked_kind(file, path)
        from explorer.weights.tensors import read_contents  # imports PyTorch, which takes seconds

        limit(path.stat().st_size)
        contents = read_contents(file, path, kind)
        rest = {each.name: getattr(contents, each.name) for each in fields(contents)}
        return rest | {"sets": write(contents.sets, folder)}


def limit(size: int) -> None:
    """Limit memory and time of this process to what a weights file of `size` bytes can need.

    Linux enforces both limits, macOS only that on time, Windows neither.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    import psutil

    seconds = math.ceil(time.process_time() + CPU_SECONDS + size / CPU_BYTES_A_SECOND)
    memory = psutil.Process().memory_info().vms + SPARE_BYTES + 2 * size
    for kind, most, beyond in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, seconds, seconds + 1),  # the first limit sends SIGXCPU
        (resource.RLIMIT_AS, memory, memory),
    ):
        with suppress(OSError, ValueError):  # the system has a lower limit already, or none of this kind
            resource.setrlimit(kind, (most, beyond))


def write(sets: "dict[str, dict[str, Tensor]]", folder: Path) -> dict[str, dict[str, int]]:
    """Write tensors into the folder, and return the number of each by set and key; tied weights have one number.

    Raises:
        StorageError: the disk is full. The message continues a sentence that starts with the file's name.
    """
    import safetensors.torch

    from explorer.weights.tensors import identity

    numbers: dict[tuple[object, ...], int] = {}
    tensors: dict[str, Tensor] = {}
    storages: set[int] = set()
    for tensor in (each for state in sets.values() for each in state.values()):
        number = numbers.setdefault(identity(tensor), len(numbers))
        if str(number) not in tensors:
            dense = tensor.detach().contiguous()
            place = dense.untyped_storage().data_ptr()
            tensors[str(number)] = dense.clone() if place in storages else dense  # safetensors allows no shared memory
            storages.add(place)
    try:
        safetensors.torch.save_file(tensors, folder / TENSORS)
    except safetensors.SafetensorError as error:
        raise StorageError(
            f"could not be copied into {folder} ({cleaned_message(error)}). Free some space there, or name another "
            "folder in the environment variable TMPDIR."
        ) from None
    return {place: {key: numbers[identity(tensor)] for key, tensor in state.items()} for place, state in sets.items()}


def _explanation(error: Exception) -> str:
    out_of_memory = isinstance(error, MemoryError | SystemError)  # the latter if there is no memory for the former
    if out_of_memory or "can't allocate memory" in str(error):
        return f"asks for more memory than a file of its size can need. {SAVE_AGAIN}"
    return f"is damaged, or not written by torch.save ({type(error).__name__}: {cleaned_message(error)}). {SAVE_AGAIN}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    os._exit(0)  # without PyTorch's shutdown, which takes 130 MB and half a second
