"""Files that exports write."""

from pathlib import Path

from explorer.errors import StorageError


def require_free(path: Path) -> None:
    """Raise StorageError if there is something at `path`, so that an export replaces nothing."""
    if path.exists() or path.is_symlink():
        raise StorageError(f"{path} is there already. Choose another file, or remove it.")
