"""What a checkpoint made of somebody else's weights is called."""

import re

from explorer.errors import BadSettings, RunError, quoted
from explorer.models.names import settings_of
from explorer.runs.checkpoint_facts import checkpoint_file
from explorer.runs.store import run_folder

ENDING = ".safetensors"  # a reference that ends so is a path
_ENDINGS = re.compile(r"(?:[-._]|\.(?:safetensors|pth|pt|th|ckpt))+$", re.IGNORECASE)


def checkpoint_name(given: str, stem: str, *, overwrite: bool) -> str:
    """The id of a new checkpoint, which is that of no run, of no network, and of no other checkpoint.

    Args:
        given: by the user; empty makes one of the file's.
        stem: the file's name without its last ending.
        overwrite: whether it may be that of another checkpoint.

    Raises:
        BadSettings: it may not; the text says what to do.
    """
    found = given or _from_file(stem)
    if found.endswith(ENDING):
        raise BadSettings(f"`name` (={quoted(found)}) ends as a path does. Leave out {ENDING}.")
    taken = _taken(found)
    if taken and given:
        raise BadSettings(f"`name` (={quoted(found)}) is that of a {taken}. Choose another, such as my-{found}.")
    if taken:
        found = f"{found}-imported"
    if checkpoint_file(found) is not None and not overwrite:
        raise BadSettings(
            f"There is a checkpoint called {found!r} already. Choose another `name`, or say `overwrite` to replace it."
        )
    return found


def _taken(name: str) -> str:
    """What has this name and would be hidden by a checkpoint, or hide it; empty where nothing does."""
    try:
        folder = run_folder(name)
    except RunError:
        raise BadSettings(
            f"`name` (={quoted(name)}) cannot be that of a checkpoint. Take letters, digits, dots, underscores and "
            "hyphens, at most 121, a letter or a digit first."
        ) from None
    if settings_of(name) is not None:
        return "network"
    return "run" if name.startswith("shipped-") or folder.exists() else ""


def _from_file(stem: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:100].lstrip("-._").removeprefix("shipped-")
    return _ENDINGS.sub("", plain).lstrip("-._") or "imported"
