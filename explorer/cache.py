"""Values kept for the next time they are asked for, within a number of bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class ByteCache(Generic[V]):
    """Values by key, of at most `most_bytes` together: those that nobody has asked for longest go first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> V | None:
        """The value, if it is still kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value of `size` bytes, unless that alone is too much."""
        with self._lock:
            self._remove(key)
            if size <= self._most_bytes:
                self._kept[key] = value, size
                self._bytes += size
            while self._bytes > self._most_bytes:
                self._remove(next(iter(self._kept)))

    def drop(self, key: Hashable) -> None:
        """Keep a value no longer."""
        with self._lock:
            self._remove(key)

    def _remove(self, key: Hashable) -> None:
        _, size = self._kept.pop(key, (None, 0))
        self._bytes -= size
