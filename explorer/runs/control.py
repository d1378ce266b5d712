"""Requests of the user to a running worker: one small file, read before each step."""

import json
from pathlib import Path
from typing import Literal

from explorer.errors import StorageError
from explorer.files import read_json, storage_errors, write_text_atomically

Request = Literal["pause", "stop"]


def request(folder: Path, action: Request) -> None:
    """Ask the worker of the run in `folder` to pause or stop before its next step."""
    write_text_atomically(folder / "control.json", json.dumps({"action": action}))


def requested(folder: Path) -> Request | None:
    """The request to the worker of the run in `folder`; None if there is none."""
    try:
        action = read_json(folder / "control.json", most=10_000)["action"]
    except FileNotFoundError:
        return None
    except (StorageError, KeyError, TypeError):
        return "pause"  # an unreadable request: pausing loses nothing
    return "stop" if action == "stop" else "pause"


def withdraw(folder: Path) -> None:
    """Remove the request."""
    with storage_errors(folder):
        (folder / "control.json").unlink(missing_ok=True)
