"""Running out of memory is recognised whoever says it."""

import errno

import numpy as np
import pytest
import torch

from explorer.errors import ExplorerError, is_out_of_memory


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
