"""Files of states: zip archives as written by torch, with a checksum; does not import torch.

The checksum is the archive's comment: `torch.load` and `unzip` can read the file, and file and checksum are replaced
atomically. States of earlier versions have none.
"""

import hashlib
import io
import re
import zipfile
from pathlib import Path

from explorer.errors import StorageError, one_line
from explorer.files import inside, read_file, storage_errors
from explorer.runs.checkpoint_facts import snapshot_steps

LATEST = "latest.pt"  # the complete state from which a run resumes, and the one before, should it be damaged
PREVIOUS = "previous.pt"
MOST_STATE_BYTES = 8 * 2**30  # of a state; one of resnet152 has 0.5 GB
_END = b"PK\x05\x06"  # start of the last record of a zip, which ends with the length of the comment
_END_BYTES = 22
_SEAL = re.compile(rb"ResNet Explorer, step ([0-9]{10}), sha256 of all before ([0-9a-f]{64})")
_SEAL_BYTES = 119


def state_name(step: int) -> str:
    """The name of the file with the state after `step` updates."""
    return f"step-{step:07d}.pt"


def seal(archive: io.BytesIO, step: int) -> None:
    """Add step and checksum to an archive that has no comment."""
    with archive.getbuffer() as content:
        assert content[-_END_BYTES : -_END_BYTES + 4] == _END, "torch wrote no zip without a comment"
        content[-2:] = _SEAL_BYTES.to_bytes(2, "little")
        checksum = hashlib.sha256(content)
    comment = f"ResNet Explorer, step {step:010d}, sha256 of all before ".encode()
    checksum.update(comment)
    archive.seek(0, io.SEEK_END)
    archive.write(comment + checksum.hexdigest().encode())


def verified_state(folder: Path, name: str) -> tuple[io.BytesIO, int | None]:
    """The archive and the step of a state of the run in `folder`, verified by its checksum.

    The step is None for a file of an earlier version, which has it only in its pickle.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: it is damaged, or not a file of this kind; in one line.
    """
    path = inside(folder, "snapshots", name)
    content = read_file(path, MOST_STATE_BYTES)
    try:
        return _checked(content)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 zipfile raises many kinds of errors on damaged files
        raise damaged(path, one_line(error) or type(error).__name__) from None


def damaged(path: Path, cause: str) -> StorageError:
    """The error about a damaged state."""
    reason = f"{path} is damaged: {cause}"
    return StorageError(f"{reason}. Use another snapshot.", reason=reason)


def newest_verified_step(folder: Path) -> int | None:
    """The step of the most advanced undamaged state from which the run in `folder` can resume; None if there is none.

    Snapshots of earlier versions count, since they are such states.
    """
    newest = max((_resumable_step(folder, name) for name in (LATEST, PREVIOUS)), default=-1)
    for step in reversed(snapshot_steps(folder)):
        if step <= newest or _resumable_step(folder, state_name(step)) == step:
            return max(step, newest)
    return None if newest < 0 else newest


def is_complete(archive: io.BytesIO) -> bool:
    """Whether a verified state has more than weights, so that a run can resume from it."""
    with zipfile.ZipFile(archive) as entries:
        pickles = (name for name in entries.namelist() if name.endswith("/data.pkl"))
        return any(b"optimiser" in entries.read(name) for name in pickles)


def keep_previous(place: Path) -> None:
    """Rename the newest complete state in a folder of snapshots, before another is written in its place.

    Raises:
        StorageError: the folder is read-only.
    """
    latest = place / LATEST
    if latest.is_file() and not latest.is_symlink():
        with storage_errors(latest):
            latest.replace(place / PREVIOUS)


def remove_states(folder: Path) -> list[Path]:
    """Remove the states from which a run resumes, which a finished run does not need; gives their files.

    Raises:
        StorageError: the folder is read-only.
    """
    removed = []
    with storage_errors(folder):
        for path in (folder / "snapshots" / LATEST, folder / "snapshots" / PREVIOUS):
            if path.is_file() or path.is_symlink():
                path.unlink()
                removed.append(path)
    return removed


def _resumable_step(folder: Path, name: str) -> int:
    """The step of an undamaged complete state, else -1; also for latest.pt of an early version, which hides it."""
    try:
        archive, step = verified_state(folder, name)
    except (FileNotFoundError, StorageError):
        return -1
    if step is None:
        step = -1 if name in (LATEST, PREVIOUS) else int(name.removeprefix("step-").removesuffix(".pt"))
    return step if is_complete(archive) else -1


def _checked(content: bytes) -> tuple[io.BytesIO, int | None]:
    seal = _SEAL.fullmatch(content[-_SEAL_BYTES:])
    if seal and hashlib.sha256(memoryview(content)[:-64]).hexdigest().encode() != seal[2]:
        raise StorageError("its checksum is wrong")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise StorageError("it is compressed, as no state is")
        if sum(entry.file_size for entry in entries) > len(content):
            raise StorageError("its entries overlap")
        if seal:
            return io.BytesIO(content), int(seal[1])
        if archive.comment:
            raise StorageError("its checksum cannot be read")
        return _verified_copy(archive), None


def _verified_copy(archive: zipfile.ZipFile) -> io.BytesIO:
    """A copy of the entries only, each verified by its CRC, since torch does not detect flipped bits."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as target:
        for entry in archive.infolist():
            target.writestr(entry.filename, archive.read(entry))
    copy.seek(0)
    return copy
