"""The process that reads one of somebody else's weights files, within limits, and ends.

Started by `weights.reading` as `python -m explorer.weights.reader FILE FOLDER`. Into the folder it writes the
tensors, named by their numbers, as safetensors, and last a verdict as one line of JSON: which key is which tensor, or
the reason why there are none.
"""

import json
import math
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StorageError
from explorer.weights.headers import SAVE_AGAIN, checked_kind, said

if TYPE_CHECKING:
    from torch import Tensor

TENSORS, VERDICT = "tensors.safetensors", "verdict.json"

SPARE_BYTES = 256 << 20  # beside twice the file, for what PyTorch needs to read it
CPU_SECONDS, CPU_BYTES_A_SECOND = 4, 5_000_000  # beside what importing PyTorch takes


def main(path: Path, folder: Path) -> None:
    """Read the file, write the answer."""
    try:
        verdict: dict[str, object] = {"tensors": _read(path, folder)}
    except StorageError as error:
        verdict = {"reason": str(error)}
    except Exception as error:  # noqa: BLE001 - a hostile file can make a library raise anything
        verdict = {"reason": _explanation(error)}
    (folder / VERDICT).write_text(json.dumps(verdict))


def _read(path: Path, folder: Path) -> dict[str, int]:
    with path.open("rb") as file:
        kind = checked_kind(file, path)
        from explorer.weights.tensors import read_weights  # imports PyTorch, which takes seconds

        limit(path.stat().st_size)
        return write(read_weights(file, path, kind), folder)


def limit(size: int) -> None:
    """Allow this process as much more memory and time as a weights file of `size` bytes can need.

    Systems differ: Linux keeps both limits, macOS only that on time, Windows neither.
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
        (resource.RLIMIT_CPU, seconds, seconds + 1),  # the first ends it by a signal of its own, SIGXCPU
        (resource.RLIMIT_AS, memory, memory),
    ):
        with suppress(OSError, ValueError):  # a system that has another limit already, or none of this kind
            resource.setrlimit(kind, (most, beyond))


def write(weights: "dict[str, Tensor]", folder: Path) -> dict[str, int]:
    """Write tensors into the folder; gives the number of each by its key, one number for tied ones.

    Raises:
        StorageError: the disk is full. The text goes on after the name of the file they come from.
    """
    import safetensors.torch

    from explorer.weights.tensors import identity

    numbers: dict[tuple[object, ...], int] = {}
    tensors: dict[str, Tensor] = {}
    storages: set[int] = set()
    for tensor in weights.values():
        number = numbers.setdefault(identity(tensor), len(numbers))
        if str(number) not in tensors:
            dense = tensor.detach().contiguous()
            place = dense.untyped_storage().data_ptr()
            tensors[str(number)] = dense.clone() if place in storages else dense  # safetensors wants each by itself
            storages.add(place)
    try:
        safetensors.torch.save_file(tensors, folder / TENSORS)
    except safetensors.SafetensorError as error:
        raise StorageError(
            f"could not be copied into {folder} ({said(error)}). Free some space there, or name another folder in the "
            "environment variable TMPDIR."
        ) from None
    return {key: numbers[identity(tensor)] for key, tensor in weights.items()}


def _explanation(error: Exception) -> str:
    out_of_memory = isinstance(error, MemoryError | SystemError)  # the second where there is none for the first
    if out_of_memory or "can't allocate memory" in str(error):
        return f"asks for more memory than a file of its size can need. {SAVE_AGAIN}"
    return f"is damaged, or not written by torch.save ({type(error).__name__}: {said(error)}). {SAVE_AGAIN}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    os._exit(0)  # without taking PyTorch down, which takes 130 MB more and half a second
