"""Progress of long computations, reported to a listener in the same context; pace; sizes for coarse results first."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Points of a line, and a side of a grid, from coarse to fine. Each is part of the next, so that none is computed twice.
GRIDS, LINES = (3, 5, 11, 21), (5, 11, 21, 41)

FEWEST_SECONDS = 3.0  # of a pace that says how long the rest will take

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("listener", default=None)


def report(fraction: float) -> None:
    """Report the completed fraction of the computation, 0 to 1, to the listener if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(min(max(fraction, 0.0), 1.0))


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Call `listener` with the fractions reported inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def part(done: int, whole: int) -> Iterator[None]:
    """Scale the fractions reported inside to part number `done`, counted from 0, of `whole` equal parts."""
    outer = _listener.get()
    if outer is None:
        yield
        return
    with listening(lambda fraction: outer((done + fraction) / whole)):
        yield
    outer((done + 1) / whole)


def sizes(whole: int) -> list[int]:
    """Growing numbers of images up to `whole`, so that a study gives coarse results soon: 50, 250, 1000."""
    smaller = [size for size in (50, 250, 1000) if size <= whole // 2]
    return [*smaller, whole]


class Pace:
    """The pace of a training since it was first looked at, with evaluations and all other work."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def seconds_left(self, done: int, total: int) -> float | None:
        """Until `total` steps at the pace up to `done`; None in the first seconds."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:  # resumed from an earlier state
            self._first = now, done
        since, first = self._first
        if now - since <= FEWEST_SECONDS or done <= first:
            return None
        return (now - since) / (done - first) * (total - done)
