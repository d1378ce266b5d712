"""Interrupts that let a training step end."""

import signal
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """Inside of it, the first interrupt (Ctrl-C, a notebook's stop button) is kept and the second one raises.

    So a training ends between two steps, from where it can go on exactly. In other threads than the main one nothing
    changes, since they get no interrupts.
    """

    def __init__(self) -> None:
        self.received = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
