"""Calls that take their time, hang or fail, for `test_client`."""

import os
import signal
import time

from explorer import progress


def in_steps(steps):
    for step in range(steps):
        progress.report(step / steps)
        time.sleep(0.05)
    return steps


def stopped():
    """A process that stops answering: nothing it would do itself happens any more."""
    os.kill(os.getpid(), signal.SIGSTOP)


def without_end():
    """A call that never looks up, and stays when it is asked to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.01)


def in_memory(count):
    import torch

    return torch.empty(count)


def on_the_device():
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
