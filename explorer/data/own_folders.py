"""The user's list of folders of pictures, the only folders that pages and links may name."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.data.catalogue import OWN, DatasetRow, data_status, known_dataset, table_row
from explorer.data.folders import folder
from explorer.errors import BadSettings, ExplorerError, StorageError, quoted, reason_in
from explorer.files import home, read_json, storage_errors, write_text_atomically

HOW_TO_ADD = 'Add it under "Your own pictures" on the Data page or with `python -m explorer data add PATH`.'

MOST_FOLDERS = 200


def own_folders() -> list[str]:
    """The names of the data sets on the list, such as "folder:/home/me/pets", in order of addition.

    Raises:
        StorageError: the list cannot be read.
    """
    file = list_file()
    try:
        found = read_json(file, most=2**20)
        _require_paths(found)
    except FileNotFoundError:
        return []
    except (StorageError, ValueError) as error:
        raise StorageError(
            f"The list of your folders, {file}, cannot be read: {reason_in(error)}. Repair or delete it; the "
            "pictures are not in it."
        ) from None
    return list(dict.fromkeys(f"{OWN}:{Path(path)}" for path in found["folders"] if Path(path).is_absolute()))


def _require_paths(found: object) -> None:
    paths = found.get("folders") if isinstance(found, dict) else None
    if not isinstance(paths, list) or len(paths) > MOST_FOLDERS:
        raise ValueError(f"it has no list of at most {MOST_FOLDERS} `folders`")
    for path in paths:
        if not isinstance(path, str) or "\0" in path or len(path) > 4096:
            raise ValueError(f"{quoted(path)} is not the path of a folder")


def add_folder(path: str) -> str:
    """Put a folder on the list; one that is on it keeps its place.

    Args:
        path: absolute, or relative to the user's home as in ~/pets.

    Returns:
        The name of the data set.

    Raises:
        BadSettings: it is not an absolute path.
        DataMissing: there is no such folder, or it has no pictures in subfolders; the message says why.
        StorageError: the list cannot be read or written.
    """
    name = f"{OWN}:{folder(_path(path)).path}"
    names = own_folders()
    if name not in names:
        if len(names) >= MOST_FOLDERS:
            raise BadSettings(f"{MOST_FOLDERS} folders are on the list, the most there can be. Take one off it first.")
        _write([*names, name])
    return name


def remove_folder(path: str) -> None:
    """Take a folder off the list; nothing is deleted from disk.

    Raises:
        BadSettings: it is not on the list.
        StorageError: the list cannot be read or written.
    """
    name, names = f"{OWN}:{_path(path)}", own_folders()
    if name not in names:
        raise BadSettings(f"The folder {_path(path)} is not on the list. `python -m explorer data status` shows it.")
    names.remove(name)
    _write(names)


def folder_table() -> list[dict[str, Any]]:
    """The folders on the list, missing ones included, as rows like those of `data.catalogue.data_table`."""
    return [_described(name) for name in own_folders()]


def readable_folders() -> dict[str, DatasetRow]:
    """The rows of the readable folders on the list, by name; none if the list itself is unreadable."""
    return {name: row for name in _listed() if (row := known_dataset(name)) is not None}


def folders_state() -> tuple[object, ...]:
    """A key that changes when a folder or a picture in one is added, removed or left out; reads times only."""
    state: list[object] = []
    for name in _listed():
        try:
            found = folder(Path(name.partition(":")[2]))
            state.append((name, found.record, tuple(found.stamps.items())))
        except ExplorerError as error:
            state.append((name, str(error)))
    return tuple(state)


def _listed() -> list[str]:
    """The list, empty if unreadable; the Data page and `data status` report why."""
    try:
        return own_folders()
    except StorageError:
        return []


def list_file() -> Path:
    """The file of the list, existing or not."""
    return home() / "folders.json"


def _path(text: str) -> Path:
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError:
        path = Path(text)
    if not text.strip() or not path.is_absolute() or "\0" in text:
        raise BadSettings(
            f"`path` (={quoted(text)}) is not the absolute path of a folder. "
            "Write it from the root, as in /home/me/pets."
        )
    return Path(os.path.normpath(path))  # without resolving links


def _write(names: list[str]) -> None:
    file = list_file()
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    paths = [name.partition(":")[2] for name in names]
    write_text_atomically(file, json.dumps({"folders": paths}, indent=2, ensure_ascii=False) + "\n")


def _described(name: str) -> dict[str, Any]:
    status, row = data_status(name), known_dataset(name)
    if row is not None and not row.train_images:
        status = replace(status, detail=f"{row.test_images:,} pictures in {status.place}, none to train on.")
    return table_row(status, row)
