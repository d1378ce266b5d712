"""Checksums of facts, kept in the very file they are of: both are replaced in one move, and no change stays unseen."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from explorer.errors import StorageError
from explorer.settings import Settings

NAME = "facts_sha256"  # of the checksum among the facts

Facts = TypeVar("Facts", bound=Settings)


def digest(value: object) -> str:
    """The sha256 of a JSON value, whatever the order of its names."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(facts: Facts) -> Facts:
    """The same facts with the checksum of all others in their field `facts_sha256`."""
    return facts.model_copy(update={NAME: _digest_of_others(json.loads(facts.model_dump_json()))})


def require_seal(values: Mapping[str, Any]) -> None:
    """See that a file's facts are those that were sealed; those of earlier versions have no checksum and pass.

    Args:
        values: as they stand in the file: a later version may know of more than were sealed.

    Raises:
        StorageError: they are not; the message is the end of a sentence.
    """
    if values.get(NAME) and values[NAME] != _digest_of_others(values):
        raise StorageError("its checksum is wrong: it was changed since this program wrote it")


def _digest_of_others(values: Mapping[str, Any]) -> str:
    return digest({name: value for name, value in values.items() if name != NAME})
