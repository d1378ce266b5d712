"""Snapshots: the whole state of a training at a step, kept through time and for resuming."""

import io
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from explorer.errors import StorageError
from explorer.files import storage_errors, write_atomically
from explorer.runs.checkpoint_facts import snapshot_steps

State = dict[str, Any]  # step, weights and buffers, optimiser: plain types and tensors

LATEST = "latest.pt"


def is_snapshot_step(step: int, steps: int) -> bool:
    """Whether the weights after `step` of `steps` updates are kept: 0, 1, 2, 5, 10, 20, 50, ... and the last."""
    digits = str(step).rstrip("0")
    return step == steps or step == 0 or digits in ("1", "2", "5")


def write_snapshot(folder: Path, state: State) -> None:
    """Keep the state of a run in its `folder`, under its step.

    Raises:
        StorageError: the disk is full or the folder read-only; earlier snapshots are intact.
    """
    _write(folder / "snapshots" / f"step-{state['step']:07d}.pt", state)


def write_latest(folder: Path, state: State) -> None:
    """Replace the state from which a run resumes; raises as `write_snapshot` does."""
    _write(folder / "snapshots" / LATEST, state)


def forget_latest(folder: Path) -> None:
    """Remove the state from which a run resumes: a finished one has its last snapshot."""
    with storage_errors(folder):
        (folder / "snapshots" / LATEST).unlink(missing_ok=True)


def read_snapshot(folder: Path, step: int) -> State:
    """The state after `step` updates.

    Raises:
        StorageError: there is no such snapshot, or it is damaged.
    """
    path = folder / "snapshots" / f"step-{step:07d}.pt"
    if not path.exists():
        steps = ", ".join(map(str, snapshot_steps(folder))) or "none"
        raise StorageError(f"{folder.name} has no snapshot at step {step}. There are: {steps}.")
    return _read(path)


def resume_state(folder: Path, last_step: int) -> State | None:
    """The most advanced intact state not past `last_step`, the last row of the metrics; None starts anew."""
    latest: State | None = None
    with suppress(StorageError, FileNotFoundError):  # never written, or damaged: the kept snapshots remain
        latest = _read(folder / "snapshots" / LATEST)
    if latest is not None and latest["step"] > last_step:
        latest = None
    for step in reversed(snapshot_steps(folder)):
        if latest is not None and latest["step"] >= step:
            break
        if step <= last_step:
            with suppress(StorageError):
                return read_snapshot(folder, step)
    return latest


def _write(path: Path, state: State) -> None:
    with storage_errors(path):
        path.parent.mkdir(exist_ok=True)
    content = io.BytesIO()
    torch.save(state, content)  # not straight into the file: torch would hide that the disk is full
    write_atomically(path, lambda file: file.write(content.getbuffer()))


def _read(path: Path) -> State:
    """Read with every record's checksum verified: torch itself loads a flipped bit without a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise StorageError(f"{path} is damaged: a checksum is wrong. Use another snapshot.")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except (OSError, zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise StorageError(f"{path} is damaged: {error}. Use another snapshot.") from None
    if not isinstance(state, dict) or not isinstance(state.get("step"), int):
        raise StorageError(f"{path} is not a snapshot of this program. Use another one.")
    return dict(state)
