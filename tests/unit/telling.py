"""A call that takes its time and tells how far it is, for `test_pytorch_process`."""

import time

from explorer import progress


def in_steps(steps):
    for step in range(steps):
        progress.report(step / steps)
        time.sleep(0.05)
    return steps


def on_the_device():
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
