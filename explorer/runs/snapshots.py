"""Snapshots: the complete state of a training at a step, for analyses and for resuming."""

import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from explorer.errors import RunError, StorageError, one_line
from explorer.files import inside, storage_errors, write_atomically
from explorer.runs.checkpoint_facts import snapshot_steps
from explorer.runs.state_files import LATEST, damaged, seal, state_name, verified_state

State = dict[str, Any]  # step, weights and buffers, optimiser: plain types and tensors


def is_snapshot_step(step: int, steps: int) -> bool:
    """Whether the weights after `step` of `steps` updates are kept: 0, 1, 2, 5, 10, 20, 50, ... and the last."""
    digits = str(step).rstrip("0")
    return step == steps or step == 0 or digits in ("1", "2", "5")


def write_snapshot(folder: Path, state: State) -> None:
    """Save the state of a run in its `folder`, named after its step.

    Raises:
        StorageError: the disk is full or the folder read-only; earlier snapshots are intact.
    """
    _write(folder / "snapshots" / state_name(state["step"]), state)


def write_latest(folder: Path, state: State) -> None:
    """Replace the state from which a run resumes; raises as `write_snapshot` does."""
    _write(folder / "snapshots" / LATEST, state)


def remove_latest(folder: Path) -> None:
    """Remove the state from which a run resumes, which a finished run does not need."""
    with storage_errors(folder):
        (folder / "snapshots" / LATEST).unlink(missing_ok=True)


def read_snapshot(folder: Path, step: int) -> State:
    """The state after `step` updates.

    Raises:
        StorageError: there is no such snapshot, or it is damaged.
    """
    try:
        return _read(folder, state_name(step), step)
    except FileNotFoundError:
        steps = ", ".join(map(str, snapshot_steps(folder))) or "none"
        raise StorageError(f"{folder.name} has no snapshot at step {step}. There are: {steps}.") from None


class _OtherSettingsError(StorageError):
    """An undamaged state of a run with other settings."""


def resume_state(
    folder: Path, last_step: int, settings: Mapping[str, Any] | None = None
) -> tuple[State | None, list[str]]:
    """The most advanced undamaged state up to `last_step`; None if there is none, to start from step 0.

    Args:
        last_step: of the last row of the metrics; -1 if there is none.
        settings: of the run, see `facts.training_settings`, which its states must have; None accepts any.

    Returns:
        The state, and what is wrong with more advanced ones, each as a clause without a full stop.

    Raises:
        RunError: all undamaged states are of other settings.
    """
    latest: State | None = None
    trouble = []
    with suppress(FileNotFoundError):
        try:
            latest = _require_settings(_read(folder, LATEST), settings, LATEST)
        except StorageError as error:
            trouble.append(error)
    if latest is not None and latest["step"] > last_step:
        trouble.append(StorageError(f"metrics.db ends at step {last_step}, before {LATEST} (step {latest['step']})"))
        latest = None
    kept = snapshot_steps(folder)
    for step in reversed(kept):
        if latest is not None and latest["step"] >= step:
            break
        if step <= last_step:
            try:
                latest = _require_settings(read_snapshot(folder, step), settings, state_name(step))
                break
            except StorageError as error:
                trouble.append(error)
    if latest is None:
        _require_no_other_settings(folder, trouble)
        if last_step > 0 and not kept and not trouble:
            trouble.append(StorageError("all states are missing"))
    return latest, [one_line(error.reason).replace(f"{folder / 'snapshots'}{os.sep}", "") for error in trouble]


def _require_no_other_settings(folder: Path, trouble: list[StorageError]) -> None:
    """Raise if starting again would replace the states of another training."""
    for error in trouble:
        if isinstance(error, _OtherSettingsError):
            raise RunError(f"{folder.name}: {error}. Restore both from one copy, or start a new run.")


def _require_settings(state: State, settings: Mapping[str, Any] | None, name: str) -> State:
    """The state, checked against the run's settings, which states of earlier versions lack."""
    setting = _difference(state.get("settings", settings), settings)
    if setting:
        raise _OtherSettingsError(
            f"{name} of step {state['step']} was made with another `{setting}` than run.json says"
        )
    return state


def _difference(a: Any, b: Any) -> str:
    """The name of the first setting that differs, such as recipe.learning_rate; empty if none does."""
    if not isinstance(a, dict) or not isinstance(b, dict):
        return ""
    for name in sorted({*a, *b}, key=str):
        if a.get(name) != b.get(name):
            return f"{name}.{inner}" if (inner := _difference(a.get(name), b.get(name))) else str(name)
    return ""


def _write(path: Path, state: State) -> None:
    inside(path.parents[1], "snapshots", path.name)
    with storage_errors(path):
        path.parent.mkdir(exist_ok=True)
    content = io.BytesIO()
    torch.save(state, content)  # not directly to the file, where torch would hide that the disk is full
    seal(content, state["step"])
    write_atomically(path, lambda file: file.write(content.getbuffer()))


def _read(folder: Path, name: str, step: int | None = None) -> State:
    """The state in a file, verified by its checksum before it is parsed, since torch does not detect flipped bits.

    Args:
        step: the expected step; None accepts any.
    """
    path = folder / "snapshots" / name
    archive, sealed_step = verified_state(folder, name)
    try:
        state = torch.load(archive, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 a crafted pickle can make torch raise anything
        raise damaged(path, one_line(error) or type(error).__name__) from None
    if not isinstance(state, dict) or type(state.get("step")) is not int or not isinstance(state.get("network"), dict):
        raise damaged(path, "it is no snapshot of this program")
    for expected in {step, sealed_step} - {None, state["step"]}:
        raise damaged(path, f"it is of step {state['step']}, not {expected}")
    return dict(state)
