"""Listing and export of all checkpoints on this machine, and deletion of those in `checkpoint_folder()`."""

import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from explorer.errors import ExplorerError, RunError, StorageError, quoted
from explorer.files import home, require_free, storage_errors, write_bytes_atomically
from explorer.runs.checkpoint_facts import checkpoint_facts, checkpoint_file, read_weights
from explorer.runs.comparison import comparison
from explorer.runs.store import checkpoint_folder

Origin = Literal["shipped", "run", "kept"]

COLUMNS = [
    "id",
    "network",
    "depth",
    "parameters",
    "classes",  # how many
    "data",
    "normalisation",
    "error",  # fraction of the test images wrong; NaN if not measured
    "error_images",  # of how many test images; 0 for the whole test set
    "origin",  # "kept" in `checkpoint_folder()`, final weights of a "run", or "shipped"
    "made",  # when its file was written, a UTC time in ISO form
    "source",  # a description
]


def checkpoint_table() -> pd.DataFrame:
    """All readable checkpoints by `COLUMNS`, the newest first, shipped ones last."""
    rows = []
    for row in comparison().to_dict("records"):
        try:
            facts, place = checkpoint_facts(row["reference"]), origin(row["reference"])
            made = datetime.fromtimestamp(_path(row["reference"]).stat().st_mtime, UTC).isoformat()
        except (ExplorerError, OSError):  # deleted since
            continue
        whole = facts.test_error is not None or facts.sample_error is None
        rows.append(
            row
            | {
                "id": row["reference"],
                "classes": facts.network.classes,
                "normalisation": facts.normalisation,
                "error": facts.test_error if whole else facts.sample_error,
                "error_images": 0 if whole else facts.sample_images,
                "origin": place,
                "made": made,
                "source": facts.source,
            }
        )
    rows.sort(key=lambda row: (row["origin"] != "shipped", row["made"]), reverse=True)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"error": float})


def origin(checkpoint_id: str) -> Origin:
    """The origin of a checkpoint.

    Raises:
        RunError: there is no such checkpoint.
    """
    path = _path(checkpoint_id)
    if path.parent == checkpoint_folder():
        return "kept"
    return "run" if path.parents[1] == home() else "shipped"


def export_checkpoint(checkpoint_id: str, target: Path) -> Path:
    """Copy a checkpoint: its .safetensors and its .json file.

    Args:
        target: the .safetensors file to write, or a folder in which it is named after the checkpoint.

    Returns:
        The .safetensors file.

    Raises:
        RunError: there is no such checkpoint.
        StorageError: `target` exists, has another ending or cannot be written; then nothing is left behind.
    """
    source = _path(checkpoint_id)
    path = target / f"{checkpoint_id}.safetensors" if target.is_dir() else target
    if path.suffix != ".safetensors":
        raise StorageError(f"{path} does not end in .safetensors, as the weights of a checkpoint do. Add that.")
    for each in (path, path.with_suffix(".json")):
        require_free(each)
    write_bytes_atomically(path, read_weights(source))
    try:
        write_bytes_atomically(path.with_suffix(".json"), read_weights(source.with_suffix(".json")))
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return path


def zipped(checkpoint_id: str) -> bytes:
    """The two files of a checkpoint in a zip.

    Raises:
        RunError: there is no such checkpoint.
        StorageError: a file cannot be read.
    """
    source = _path(checkpoint_id)
    packed = io.BytesIO()
    with storage_errors(source), zipfile.ZipFile(packed, "w") as archive:  # stored: weights hardly compress
        for each in (source, source.with_suffix(".json")):
            archive.writestr(f"{checkpoint_id}{each.suffix}", read_weights(each))
    return packed.getvalue()


def delete_checkpoint(checkpoint_id: str) -> None:
    """Delete an imported or constructed checkpoint.

    Raises:
        RunError: there is no such checkpoint, it is of a run, or it came with the program.
        StorageError: it cannot be deleted.
    """
    place = origin(checkpoint_id)
    if place == "shipped":
        raise RunError(f"{checkpoint_id} came with the program and is not deleted.")
    if place == "run":
        raise RunError(
            f"{checkpoint_id} is a run; only imported and constructed checkpoints can be deleted by themselves. Delete "
            f"its experiment on the Runs page or with `python -m explorer runs delete {checkpoint_id}`."
        )
    path = _path(checkpoint_id)
    with storage_errors(path):
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)


def _path(checkpoint_id: str) -> Path:
    path = None if checkpoint_id.endswith(".safetensors") else checkpoint_file(checkpoint_id)
    if path is None:
        raise RunError(
            f"There is no checkpoint {quoted(checkpoint_id)}. `python -m explorer checkpoints list` shows all."
        )
    return path
