"""Rows of the metrics of runs as arrays; those of runs at rest are kept until their files change."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer import tables
from explorer.cache import ByteCache
from explorer.runs.metrics import MetricRow, read_end, read_metrics, sample_metrics
from explorer.runs.metrics_file import METRICS_FILES, settled_version

MOST_KEPT = 64 * 2**20  # bytes: 500 curves of 500 rows take 18 MB
Rows = NDArray[np.float64]  # a row per step, the columns of `tables.METRICS`, NaN for a missing value; read-only

_kept: ByteCache[Rows] = ByteCache(MOST_KEPT)


def curve(folder: Path, points: int | None, after: int = -1) -> Rows:
    """`metrics.read_metrics`; raises as that does."""
    if points is None:  # every step, for an export: too much to be kept
        return _array(read_metrics(folder, None, after))
    return _once_per_version(folder, ("averaged", points, after), lambda: read_metrics(folder, points, after))


def sample(folder: Path, points: int, after: int = -1) -> Rows:
    """`metrics.sample_metrics`; raises as that does."""
    return _once_per_version(folder, ("sampled", points, after), lambda: sample_metrics(folder, points, after))


def end(folder: Path, after: int) -> Rows:
    """`metrics.read_end`, at most one row; raises as that does."""
    return _once_per_version(folder, ("end", after), lambda: read_end(folder, after))


def _once_per_version(folder: Path, what: tuple[str | int, ...], read: Callable[[], Sequence[MetricRow]]) -> Rows:
    """What `read` gave for these files before, if they are the same and have rested since, else what it gives now."""
    version = settled_version(*(f"{folder}/{name}" for name in METRICS_FILES))
    key = (folder, version, what)
    found = _kept.get(key) if version is not None else None
    if found is None:
        found = _array(read())
        if version is not None:  # taken before the rows: a change meanwhile gives another version
            _kept.keep(key, found, found.nbytes + 500)
    return found


def _array(rows: Sequence[MetricRow]) -> Rows:
    values = np.array(rows, dtype=np.float64).reshape(-1, len(tables.METRICS))
    values.flags.writeable = False
    return values
