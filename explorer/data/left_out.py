"""The record of pictures that are left out of folders, so that a data set stays the same; nothing is deleted."""

import json
from collections.abc import Iterable
from pathlib import Path

from explorer.errors import StorageError, quoted, reason_in
from explorer.files import file_identity, home, read_json, storage_errors, write_text_atomically

MOST_BYTES = 2**25


def record_file() -> Path:
    """The file of the record, existing or not."""
    return home() / "left_out.json"


def record_identity() -> tuple[object, ...]:
    """Another once the record has been changed."""
    return file_identity(record_file())


def left_out(path: Path) -> frozenset[str]:
    """The pictures that are left out of a folder, as paths in it with "/" between folders.

    Raises:
        StorageError: the record cannot be read.
    """
    return frozenset(_record().get(str(path), ()))


def leave_out(path: Path, files: Iterable[str]) -> None:
    """Record further pictures of a folder as left out.

    Args:
        path: of the folder.
        files: paths in it, or full ones.

    Raises:
        StorageError: the record cannot be read or written.
    """
    record = _record()
    names = {Path(file).relative_to(path).as_posix() if Path(file).is_absolute() else file for file in files}
    record[str(path)] = sorted({*record.get(str(path), ()), *names})
    _write(record)


def take_back(path: Path) -> int:
    """Forget what is left out of a folder; gives the number of pictures.

    Raises:
        StorageError: the record cannot be read or written.
    """
    record = _record()
    names = record.pop(str(path), [])
    if names:
        _write(record)
    return len(names)


def _record() -> dict[str, list[str]]:
    file = record_file()
    try:
        found = read_json(file, most=MOST_BYTES)
        _require_names(found)
    except FileNotFoundError:
        return {}
    except (StorageError, ValueError) as error:
        raise StorageError(
            f"The record of pictures left out, {file}, cannot be read: {reason_in(error)}. Repair or delete it; the "
            "pictures are not in it."
        ) from None
    folders: dict[str, list[str]] = found["folders"]
    return folders


def _require_names(found: object) -> None:
    folders = found.get("folders") if isinstance(found, dict) else None
    if not isinstance(folders, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in folders.values()
    ):
        raise ValueError("it has no table of `folders` with lists of names")


def _write(record: dict[str, list[str]]) -> None:
    file = record_file()
    for name in (name for names in record.values() for name in names):
        if not name.isprintable():
            raise StorageError(
                f"The name of {quoted(name)} has characters that cannot be written down. Rename the file."
            )
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(file, json.dumps({"folders": record}, indent=1, ensure_ascii=False) + "\n")
