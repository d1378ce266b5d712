"""Snapshots: the weights of a training at some steps, for analyses; and its complete states, for resuming.

The weights of a snapshot are in half precision, those of norms excepted. The steps 0 and the last need none: the seed
gives the first weights, and the checkpoint has the last ones.
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.errors import RunError, StorageError, one_line
from explorer.files import inside, storage_errors, write_atomically
from explorer.runs.checkpoint_facts import snapshot_steps
from explorer.runs.state_files import LATEST, PREVIOUS, damaged, keep_previous, seal, state_name, verified_state

State = dict[str, Any]  # step, weights and buffers; optimiser if it is complete: plain types and tensors


def is_snapshot_step(step: int, steps: int) -> bool:
    """Whether the weights after `step` of `steps` updates are kept: 0, 1, 2, 5, 10, 20, 50, ... and the last."""
    digits = str(step).rstrip("0")
    return step == steps or step == 0 or digits in ("1", "2", "5")


def write_snapshot(folder: Path, state: State) -> None:
    """Save the weights in the state of a run in its `folder`, named after the step.

    Raises:
        StorageError: the disk is full or the folder read-only; earlier snapshots are intact.
    """
    weights = {name: _halved(tensor) for name, tensor in state["network"].items()}
    _write(folder / "snapshots" / state_name(state["step"]), {"step": state["step"], "network": weights})


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    """Weights of a convolution or linear map in half precision, if they are in its range; others as they are."""
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


def write_latest(folder: Path, state: State) -> None:
    """Save the complete state from which a run resumes; the last one is kept beside it.

    Raises:
        StorageError: the disk is full or the folder read-only; the last state is intact.
    """
    _write(folder / "snapshots" / LATEST, state)


def read_snapshot(folder: Path, step: int) -> State:
    """The weights after `step` updates, those of earlier versions with the optimiser's state.

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
    """The most advanced undamaged complete state up to `last_step`; None if there is none, to start from step 0.

    Snapshots of earlier versions are such states.

    Args:
        last_step: of the last row of the metrics; -1 if there is none.
        settings: of the run, see `facts.training_settings`, which its states must have; None accepts any.

    Returns:
        The state, and what is wrong with more advanced ones, each as a clause without a full stop.

    Raises:
        RunError: all undamaged states are of other settings.
    """
    found: State | None = None
    trouble: list[StorageError] = []
    kept = [(state_name(step), step) for step in reversed(snapshot_steps(folder)) if step <= last_step]
    for name, step in [(LATEST, None), (PREVIOUS, None), *kept]:
        if found is not None and (step is None or step <= found["step"]):
            continue
        try:
            state = _read(folder, name, step)
            if "optimiser" in state:
                found = _usable(state, settings, name, last_step)
        except FileNotFoundError:
            continue
        except StorageError as error:
            trouble.append(error)
    if found is None:
        _require_no_other_settings(folder, trouble)
        if last_step > 0 and not trouble:
            trouble.append(StorageError("all states are missing"))
    return found, [one_line(error.reason).replace(f"{folder / 'snapshots'}{os.sep}", "") for error in trouble]


def _require_no_other_settings(folder: Path, trouble: list[StorageError]) -> None:
    """Raise if starting again would replace the states of another training."""
    for error in trouble:
        if isinstance(error, _OtherSettingsError):
            raise RunError(f"{folder.name}: {error}. Restore both from one copy, or start a new run.")


def _usable(state: State, settings: Mapping[str, Any] | None, name: str, last_step: int) -> State:
    """The state, checked against the run's settings, which states of earlier versions lack, and its metrics."""
    setting = _difference(state.get("settings", settings), settings)
    if setting:
        raise _OtherSettingsError(
            f"{name} of step {state['step']} was made with another `{setting}` than run.json says"
        )
    if state["step"] > last_step:
        raise StorageError(f"metrics.db ends at step {last_step}, before {name} (step {state['step']})")
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
    if path.name == LATEST:
        keep_previous(path.parent)
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
