"""Each block deleted in turn: tables that are there before anything is computed; importing this does not import torch.

Those of the shipped networks are read from a file.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import nan

import pandas as pd

from explorer import tables
from explorer.analysis.block_choices import deletable_blocks
from explorer.errors import ExplorerError
from explorer.files import write_text_atomically
from explorer.models.config import NetworkConfig
from explorer.runs import store
from explorer.runs.checkpoint_facts import checkpoint_facts

FILE = "lesions.csv"
COLUMNS = [*tables.LESION, "sha256"]  # of the weights

_HEADER = """\
# Each block of the shipped networks deleted in turn: `python -m checkpoints.lesions` (make zoo-lesions), {date}.
# In float32 on a fixed class-balanced sample of test images. How the networks were trained: README.md.
"""


def shipped_lesions() -> pd.DataFrame:
    """`tables.LESION` of the shipped networks, read from a file; those whose weights have changed since are left out.

    Raises:
        StorageError: the file cannot be read.
    """
    path = store.SHIPPED / FILE
    if not path.is_file():
        return pd.DataFrame(columns=tables.LESION)
    table = pd.read_csv(
        path, comment="#", keep_default_na=False, na_values={"error": "", "rise": "", "standard_error": ""}
    )
    same = table["reference"].map({each: _sha256(each) for each in table["reference"].unique()}) == table["sha256"]
    return table.loc[same, tables.LESION].reset_index(drop=True)


def unmeasured_lesions(keys: Sequence[object], config: NetworkConfig) -> pd.DataFrame:
    """`tables.LESION` of a network whose errors are not known yet.

    Args:
        keys: `tables.MEASURED_KEYS` of the network.
        config: of the network.
    """
    facts = [(*keys, each.stage, each.block, each.index, 0, *[nan] * 4, each.reshapes, each.border, each.refused)
             for each in deletable_blocks(config)]  # fmt: skip
    return pd.DataFrame(facts, columns=tables.LESION)


def write_lesions(table: pd.DataFrame) -> None:
    """Write `tables.LESION` of the shipped networks, with today's date.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    content = table.assign(sha256=table["reference"].map(_sha256))[COLUMNS].to_csv(index=False, float_format="%.6g")
    write_text_atomically(store.SHIPPED / FILE, _HEADER.format(date=datetime.now(UTC).date()) + content)


def _sha256(reference: str) -> str:
    """Of the weights of a shipped network; empty if it is not there."""
    with suppress(ExplorerError, OSError):
        return checkpoint_facts(reference).sha256
    return ""
