"""Errors: memory or room that ran out is recognised, and messages show values in one short line."""

import errno
import sqlite3

import numpy as np
import pytest
import torch

from explorer.errors import (
    ExplorerError,
    StorageError,
    is_disk_full,
    is_out_of_memory,
    one_line,
    quoted,
)
from explorer.escaping import in_terminal
from explorer.files import storage_errors


@pytest.mark.parametrize(
    "ask",
    [lambda: bytearray(10**15), lambda: np.empty(10**15), lambda: torch.empty(10**15), lambda: torch.empty(2**62)],
    ids=["python", "numpy", "torch", "torch, past all counting"],
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
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (ImportError("No module named 'torch'"), False),
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


@pytest.mark.parametrize(
    ("value", "shown"),
    [("resnet20", "'resnet20'"), (3, "3"), ("a\nb", r"'a\nb'"), ("\ud800\x1b", r"'\ud800\x1b'"), ("größe", "'größe'")],
    ids=ascii,
)
def test_a_value_is_shown_as_python_writes_it(value, shown):
    assert quoted(value) == shown


@pytest.mark.parametrize("value", ["x" * 10_000, "\0" * 10_000, ["a b"] * 500, 10**4000])
def test_a_long_value_is_shown_by_its_beginning_and_end(value):
    assert len(quoted(value)) < 100
    assert quoted(value)[:10] == repr(value)[:10]
    assert "..." in quoted(value)


def test_a_number_that_python_does_not_write_is_told_in_words():
    assert quoted(10**5000) == "a number of more than 4,300 digits"


def test_an_error_becomes_one_line_without_control_characters():
    assert one_line("a\nb\tc\x1b[31m \udcff") == "a b c\\x1b[31m \\udcff"
    assert in_terminal("a\nb") == "a\\nb"


def test_an_error_with_a_word_without_end_is_short():
    assert len(one_line(f"There is no file {'x' * 10_000}. Give another.")) < 150
    assert len(one_line("a b " * 10_000)) < 5000


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
