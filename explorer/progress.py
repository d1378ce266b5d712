"""How far a long computation is: those who compute report it, whoever waits for them listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("listener", default=None)


def report(fraction: float) -> None:
    """Say which fraction of the computation is done, 0 to 1; nothing happens where nobody listens."""
    listener = _listener.get()
    if listener is not None:
        listener(min(max(fraction, 0.0), 1.0))


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Let `listener` hear what is reported inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def part(done: int, whole: int) -> Iterator[None]:
    """Part number `done`, counted from 0, of `whole` equal parts: what is reported inside counts as a share of it."""
    outer = _listener.get()
    if outer is None:
        yield
        return
    with listening(lambda fraction: outer((done + fraction) / whole)):
        yield
    outer((done + 1) / whole)
