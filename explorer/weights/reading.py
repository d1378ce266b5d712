"""Read third-party weights files safely, in a separate process with limits."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from explorer.errors import StorageError
from explorer.files import PROJECT, storage_errors
from explorer.processes import WAIT_PASSIVELY
from explorer.progress import report
from explorer.weights.contents import WeightsFile
from explorer.weights.next_steps import SAVE_AGAIN
from explorer.weights.reader import TENSORS, VERDICT

MOST_BYTES = 1 << 30  # wide_resnet101_2 has 507 MB, the largest of torchvision's residual networks
READER = (sys.executable, "-m", "explorer.weights.reader")

# The reader limits its own CPU time; this limit is for slow disks, and for systems without such limits.
SECONDS, BYTES_A_SECOND = 60.0, 5_000_000

_OTHER_FILE = "Give another file of torch.save, or a .safetensors file."


class _Verdict(BaseModel):
    """Result of the reader: the number of each tensor by set and key, or the reason why there are none."""

    model_config = ConfigDict(extra="forbid")
    sets: dict[str, dict[str, int]] = {}
    left_out: dict[str, str] = {}
    averaged: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    claims: dict[str, float | str] = {}
    lightning: bool = False
    reason: str = ""


def read_weights_file(path: str | Path) -> WeightsFile:
    """The sets of weights in a third-party file, and what lies beside them.

    Reads files of torch.save, also from before PyTorch 1.6, and safetensors, recognised by content. No code in the file
    is executed. Another process reads the file, is ended if it needs more memory or time than a file of that size can
    need (on Linux; elsewhere see `reader.limit`), and returns the tensors as safetensors. For what is a set of weights,
    and the removed prefixes, see `weights.sets`. Waiting can be cancelled.

    Returns:
        Finite, contiguous tensors on the CPU, floating-point or integer, half precision as float32; tied weights are
        the same tensor.

    Raises:
        StorageError: there is no such file, it has another format or is damaged, contains no weights, names or calls
            what could run code, is larger than 1 GiB, or breaks a rule of `weights.headers` or `weights.tensors`.
    """
    path, size = regular_file(path)
    temporary = Path(tempfile.gettempdir())
    with storage_errors(temporary), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        status = _read(path, size, Path(folder))
        verdict = _verdict(path, Path(folder), status)
        try:
            found = safetensors.torch.load_file(Path(folder, TENSORS), backend="pread")  # leaves no file open
            tensors = [_at_least_float32(found.pop(str(number))) for number in range(len(found))]
            sets = {
                place: {key: tensors[number] for key, number in numbers.items()}
                for place, numbers in verdict.sets.items()
            }
        except (safetensors.SafetensorError, FileNotFoundError, LookupError):
            raise StorageError(f"{path.name} was read, but not passed on whole. Try again.") from None
        return WeightsFile(
            sets=sets,
            left_out=verdict.left_out,
            averaged=verdict.averaged,
            mean=_on_unit_scale(verdict.mean, verdict.mean),
            std=_on_unit_scale(verdict.std, verdict.mean),
            claims=verdict.claims,
            lightning=verdict.lightning,
        )


def regular_file(path: str | Path) -> tuple[Path, int]:
    """The absolute path and size of a readable regular file that is not too large.

    Raises:
        StorageError: it does not exist, is a folder, pipe or device, empty, larger than 1 GiB, or not readable.
    """
    try:
        found = Path(path).expanduser().absolute()
        status = found.stat()
    except (OSError, RuntimeError, ValueError):  # not there, no such user, a zero byte in the name
        raise StorageError(f"There is no file {str(path)[:200]!r}. Give the path of a weights file.") from None
    if not stat.S_ISREG(status.st_mode):
        raise StorageError(f"{found} is not a file but a folder, a pipe or a device. {_OTHER_FILE}")
    if status.st_size == 0:
        raise StorageError(f"{found.name} is empty. {_OTHER_FILE}")
    if status.st_size > MOST_BYTES:
        raise StorageError(
            f"{found.name} has {status.st_size:,} bytes; {MOST_BYTES:,} are the most that is read. Save the weights "
            "without the optimiser's state, or in half precision."
        )
    if not os.access(found, os.R_OK):
        raise StorageError(f"{found} may not be read by this user. Change its permissions, or copy it.")
    return found, status.st_size


def _read(path: Path, size: int, folder: Path) -> int:
    """Run the reader, which writes into the folder, and return its exit status."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TORCH_")}  # unsafe loading
    end = time.monotonic() + SECONDS + size / BYTES_A_SECOND
    process = subprocess.Popen(
        [*READER, str(path), str(folder)],
        cwd=PROJECT,
        env=variables | WAIT_PASSIVELY | {"OMP_NUM_THREADS": "1"},  # a thread per core would only take memory
        stdin=subprocess.DEVNULL,  # this process may use its own for messages from pages
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C ends this process, which ends the reader
    )
    try:
        while time.monotonic() < end:
            try:
                return process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                report(0.0)
        raise StorageError(_too_long(path))
    finally:
        process.kill()
        process.wait()


def _verdict(path: Path, folder: Path, status: int) -> _Verdict:
    try:
        verdict = _Verdict.model_validate_json((folder / VERDICT).read_bytes())
    except (FileNotFoundError, ValidationError):
        raise StorageError(_died(path, status)) from None
    if verdict.reason:
        raise StorageError(f"{path.name} {verdict.reason}")
    return verdict


def _died(path: Path, status: int) -> str:
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    if how == "SIGXCPU":
        return _too_long(path)
    return f"{path.name} cannot be read: the process that read it ended ({how}). {_OTHER_FILE}"


def _too_long(path: Path) -> str:
    return f"{path.name} takes longer to read than any weights file of its size should. {SAVE_AGAIN}"


def _on_unit_scale(numbers: tuple[float, ...], mean: tuple[float, ...]) -> tuple[float, ...]:
    """Of a mean or deviation on the scale of 0 to 255, as a mean above 1 is."""
    return tuple(each / 255 for each in numbers) if mean and max(mean) > 1 else numbers


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
