"""Snapshots: the whole state of a training at a step, kept through time and for resuming."""

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
from explorer.runs.state_files import LATEST, damaged, seal, state_name, whole_state

State = dict[str, Any]  # step, weights and buffers, optimiser: plain types and tensors


def is_snapshot_step(step: int, steps: int) -> bool:
    """Whether the weights after `step` of `steps` updates are kept: 0, 1, 2, 5, 10, 20, 50, ... and the last."""
    digits = str(step).rstrip("0")
    return step == steps or step == 0 or digits in ("1", "2", "5")


def write_snapshot(folder: Path, state: State) -> None:
    """Keep the state of a run in its `folder`, under its step.

    Raises:
        StorageError: the disk is full or the folder read-only; earlier snapshots are intact.
    """
    _write(folder / "snapshots" / state_name(state["step"]), state)


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
    try:
        return _read(folder, state_name(step), step)
    except FileNotFoundError:
        steps = ", ".join(map(str, snapshot_steps(folder))) or "none"
        raise StorageError(f"{folder.name} has no snapshot at step {step}. There are: {steps}.") from None


class _OtherSettingsError(StorageError):
    """A whole state, but of a run with other settings."""


def resume_state(
    folder: Path, last_step: int, settings: Mapping[str, Any] | None = None
) -> tuple[State | None, list[str]]:
    """The most advanced whole state not past `last_step`, the last row of the metrics; None starts anew.

    Args:
        folder: of the run.
        last_step: -1 where there is no row.
        settings: of the run, see `facts.training_settings`, which its states tell; None takes those of any.

    Returns:
        The state, and what is wrong with more advanced ones, each as a clause without a full stop.

    Raises:
        RunError: there are whole states, but only of other settings.
    """
    latest: State | None = None
    trouble = []
    with suppress(FileNotFoundError):
        try:
            latest = _own(_read(folder, LATEST), settings, LATEST)
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
                latest = _own(read_snapshot(folder, step), settings, state_name(step))
                break
            except StorageError as error:
                trouble.append(error)
    if latest is None:
        _require_own(folder, trouble)
        if last_step > 0 and not kept and not trouble:
            trouble.append(StorageError("all states are missing"))
    return latest, [_clause(folder, error) for error in trouble]


def _require_own(folder: Path, trouble: list[StorageError]) -> None:
    """Begin anew only where that does not replace the states of another training."""
    for error in trouble:
        if isinstance(error, _OtherSettingsError):
            raise RunError(f"{folder.name}: {error}. Restore both from one copy, or start a new run.")


def _own(state: State, settings: Mapping[str, Any] | None, name: str) -> State:
    """The state, if it is of these settings; those of earlier versions do not tell theirs."""
    setting = _difference(state.get("settings", settings), settings)
    if setting:
        raise _OtherSettingsError(
            f"{name} of step {state['step']} was made with another `{setting}` than run.json says"
        )
    return state


def _difference(a: Any, b: Any) -> str:
    """The first of two groups of settings that differs, as in recipe.learning_rate; empty where none does."""
    if not isinstance(a, dict) or not isinstance(b, dict):
        return ""
    for name in sorted({*a, *b}, key=str):
        if a.get(name) != b.get(name):
            return f"{name}.{inner}" if (inner := _difference(a.get(name), b.get(name))) else str(name)
    return ""


def _clause(folder: Path, error: StorageError) -> str:
    return one_line(error.reason).replace(f"{folder / 'snapshots'}{os.sep}", "")


def _write(path: Path, state: State) -> None:
    inside(path.parents[1], "snapshots", path.name)
    with storage_errors(path):
        path.parent.mkdir(exist_ok=True)
    content = io.BytesIO()
    torch.save(state, content)  # not straight into the file: torch would hide that the disk is full
    seal(content, state["step"])
    write_atomically(path, lambda file: file.write(content.getbuffer()))


def _read(folder: Path, name: str, step: int | None = None) -> State:
    """Nothing is parsed before its checksum is verified: torch itself loads a flipped bit without a word.

    Args:
        step: of which it must be; None: of any.
    """
    path = folder / "snapshots" / name
    archive, told = whole_state(folder, name)
    try:
        state = torch.load(archive, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 whatever a crafted pickle makes torch stumble over
        raise damaged(path, one_line(error) or type(error).__name__) from None
    if not isinstance(state, dict) or type(state.get("step")) is not int or not isinstance(state.get("network"), dict):
        raise damaged(path, "it is no snapshot of this program")
    for expected in {step, told} - {None, state["step"]}:
        raise damaged(path, f"it is of step {state['step']}, not {expected}")
    return dict(state)
