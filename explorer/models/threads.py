"""Passes of networks in several threads, of one core each: quicker on CPUs than all cores for one small pass."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

# Pixels of the images in a forward pass: the outputs of most layers then fit into the caches of a core. Larger images
# are passed a few at a time all the same. With fewer pixels in all, fusing takes longer than it saves.
PIXELS = 50 * 32 * 32
LEAST_IMAGES = 4

T = TypeVar("T")
R = TypeVar("R")


def several_at_once(function: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
    """The results in order; as many parts at a time as PyTorch has threads, in one each."""
    count, waiting = torch.get_num_threads(), deque[Future[R]]()
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                for part in parts:
                    waiting.append(pool.submit(function, part))
                    if len(waiting) > count:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)  # those not begun, after an error
    finally:
        torch.set_num_threads(count)  # also of threads that begin later
