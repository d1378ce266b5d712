"""The files of states: zip archives as torch writes them, with their checksum in them. No torch is needed here.

The checksum is the archive's comment, so that `torch.load` and `unzip` read such a file as any other, and that file
and checksum are replaced in one move. States of earlier versions have none.
"""

import hashlib
import io
import re
import zipfile
from pathlib import Path

from explorer.errors import StorageError, one_line
from explorer.files import inside, read_file
from explorer.runs.checkpoint_facts import snapshot_steps

LATEST = "latest.pt"
_MOST_BYTES = 8 * 2**30  # of a state; one of resnet152 has 0.5 GB
_END = b"PK\x05\x06"  # begins the last record of a zip, which ends with the length of the comment
_END_BYTES = 22
_SEAL = re.compile(rb"ResNet Explorer, step ([0-9]{10}), sha256 of all before ([0-9a-f]{64})")
_SEAL_BYTES = 119


def state_name(step: int) -> str:
    """The name of the file in which the state after `step` updates is kept."""
    return f"step-{step:07d}.pt"


def seal(archive: io.BytesIO, step: int) -> None:
    """Add step and checksum to an archive that has no comment."""
    with archive.getbuffer() as content:
        assert content[-_END_BYTES : -_END_BYTES + 4] == _END, "torch wrote no zip without a comment"
        content[-2:] = _SEAL_BYTES.to_bytes(2, "little")
        checksum = hashlib.sha256(content)
    said = f"ResNet Explorer, step {step:010d}, sha256 of all before ".encode()
    checksum.update(said)
    archive.seek(0, io.SEEK_END)
    archive.write(said + checksum.hexdigest().encode())


def whole_state(folder: Path, name: str) -> tuple[io.BytesIO, int | None]:
    """The archive in a file of the run in `folder`, once nothing in it is damaged, and the step that it says.

    The step is None in a file of an earlier version, which says it inside.

    Raises:
        FileNotFoundError: there is none.
        StorageError: it is damaged, or not a file of this kind; in one line.
    """
    path = inside(folder, "snapshots", name)
    content = read_file(path, _MOST_BYTES)
    try:
        return _checked(content)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 whatever a damaged archive makes a reader stumble over
        raise damaged(path, one_line(error) or type(error).__name__) from None


def damaged(path: Path, told: str) -> StorageError:
    """The error about a state of which `told` says what is wrong."""
    reason = f"{path} is damaged: {told}"
    return StorageError(f"{reason}. Use another snapshot.", reason=reason)


def newest_whole_step(folder: Path) -> int | None:
    """The step of the most advanced whole state of the run in `folder`; None where there is none."""
    found = [_whole_step(folder, LATEST)]
    for step in reversed(snapshot_steps(folder)):
        if _whole_step(folder, state_name(step)) is not None:
            found.append(step)
            break
    return max((step for step in found if step is not None), default=None)


def _whole_step(folder: Path, name: str) -> int | None:
    """Of latest.pt of an earlier version it is not known: what it says is inside of a pickle."""
    try:
        _, step = whole_state(folder, name)
    except (FileNotFoundError, StorageError):
        return None
    return step if step is not None or name == LATEST else int(name.removeprefix("step-").removesuffix(".pt"))


def _checked(content: bytes) -> tuple[io.BytesIO, int | None]:
    said = _SEAL.fullmatch(content[-_SEAL_BYTES:])
    if said and hashlib.sha256(memoryview(content)[:-64]).hexdigest().encode() != said[2]:
        raise StorageError("its checksum is wrong")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise StorageError("it is compressed, as no state is")
        if sum(entry.file_size for entry in entries) > len(content):
            raise StorageError("its entries overlap")
        if said:
            return io.BytesIO(content), int(said[1])
        if archive.comment:
            raise StorageError("its checksum cannot be read")
        return _copied(archive), None


def _copied(archive: zipfile.ZipFile) -> io.BytesIO:
    """A copy of what was read with the checksum of each entry verified, and of nothing else.

    torch itself loads a flipped bit without a word, and a flipped name or offset as another tensor.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as target:
        for entry in archive.infolist():
            target.writestr(entry.filename, archive.read(entry))
    copy.seek(0)
    return copy
