"""What lies beside a weights file: the facts that this program exported with it, where it is one of ours."""

import hashlib
import json
from pathlib import Path

from explorer.errors import StorageError
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.seals import unsealed

MOST_BYTES = 1 << 20  # of facts; the names of ImageNet's 1,000 classes take 30 kB


def facts_beside(path: Path) -> CheckpointFacts | None:
    """The facts in the .json file of the same name; None where there is none or it holds anything else.

    They are of these weights only where their `sha256` is `sha256_of(path)`.
    """
    beside = path.with_suffix(".json")
    try:
        if not beside.is_file() or beside.stat().st_size > MOST_BYTES:
            return None
        return CheckpointFacts(**unsealed(json.loads(beside.read_text(encoding="utf-8"))))
    except (StorageError, OSError, ValueError, TypeError, RecursionError):  # the last of brackets within brackets
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
