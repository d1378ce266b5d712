"""Running out of memory, or of room on the disk, is recognised whoever says it."""

import errno
import sqlite3

import numpy as np
import pytest
import torch

from explorer.errors import ExplorerError, StorageError, is_disk_full, is_out_of_memory
from explorer.files import storage_errors


@pytest.mark.parametrize(
    "ask",
    [lambda: bytearray(10**15), lambda: np.empty(10**15), lambda: torch.empty(10**15)],
    ids=["python", "numpy", "torch"],
)
def test_asking_for_too_much_is_recognised(ask):
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        ask()
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), True),
        (torch.OutOfMemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:81] DefaultCPUAllocator: not enough memory: you tried"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)"), False),
        (ExplorerError("A message of ours about being out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=str,
)
def test_other_errors_are_told_apart(error, expected):
    assert is_out_of_memory(error) is expected


def test_a_full_disk_is_recognised_behind_our_own_message(tmp_path):
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert is_disk_full(caught.value)
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(errno.EACCES, "Permission denied")
    assert not is_disk_full(caught.value)


def test_a_full_disk_is_recognised_when_sqlite_says_so():
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        database.execute("CREATE TABLE metrics (step)")
    database.close()
    assert is_disk_full(caught.value)
    assert not is_disk_full(sqlite3.OperationalError("no such table: metrics"))
