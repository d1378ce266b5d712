"""Parts of a computation in several threads, with one thread of PyTorch in each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor


def several_at_once(function: Callable[[Tensor], Tensor], parts: Iterable[Tensor]) -> Iterator[Tensor]:
    """The results in order; as many at a time as PyTorch has threads, in one each: quicker than all threads for one."""
    count, waiting = torch.get_num_threads(), deque[Future[Tensor]]()
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
