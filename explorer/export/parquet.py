"""Tables as Parquet files."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError
from explorer.export import INSTALL
from explorer.files import require_free, write_atomically

if TYPE_CHECKING:
    import pandas as pd


def write_parquet(table: "pd.DataFrame", path: str | Path) -> Path:
    """Write a table, such as that of `explorer.metrics`, to a new Parquet file, columns and types as they are.

    Raises:
        StorageError: the file is there already, or cannot be written.
        ExplorerError: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ExplorerError(f"pyarrow, which writes Parquet, is not installed. Install it with `{INSTALL}`.")
    path = Path(path)
    require_free(path)
    write_atomically(path, lambda file: table.to_parquet(file, engine="pyarrow", index=False))
    return path
