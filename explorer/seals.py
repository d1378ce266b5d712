"""Files of facts that contain their own checksum, so that both are replaced atomically."""

import hashlib
import json
from pathlib import Path
from typing import Any

from explorer.errors import StorageError
from explorer.settings import Settings

NAME = "facts_sha256"  # key of the checksum in the file


def digest(value: object) -> str:
    """The sha256 of a JSON value, independent of the order of its names."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed_text(facts: Settings) -> str:
    """The content of a file of facts, with their checksum as `facts_sha256`."""
    values = json.loads(facts.model_dump_json())
    return json.dumps(values | {NAME: digest(values)}, indent=2, ensure_ascii=False) + "\n"


def unsealed(values: Any) -> dict[str, Any]:
    """The facts of a file without their checksum, which files of earlier versions lack.

    Raises:
        StorageError: the checksum is wrong; the message is the end of a sentence.
        TypeError: the content is not an object.
    """
    if not isinstance(values, dict):
        raise TypeError("it says no facts")
    facts = {name: value for name, value in values.items() if name != NAME}
    if NAME in values and values[NAME] != digest(facts):
        raise StorageError("its checksum is wrong: it was changed since this program wrote it")
    return facts


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}. Check that it is still there.") from None
