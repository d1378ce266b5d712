"""What lies beside a weights file: the facts that this program exported with it, where it is one of ours."""

import hashlib
from pathlib import Path

from explorer.errors import StorageError
from explorer.runs.checkpoint_facts import CheckpointFacts, facts_in


def facts_beside(path: Path) -> CheckpointFacts | None:
    """The facts in the .json file of the same name; None where there is none or it holds anything else.

    They are of these weights only where their `sha256` is `sha256_of(path)`.
    """
    try:
        return facts_in(path.with_suffix(".json"))
    except (FileNotFoundError, StorageError):
        return None


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}. Check that it is still there.") from None
