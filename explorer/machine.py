"""Cores, memory and GPU of the machine, or of the container that this process runs in."""

import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")  # Linux; in a container that of the container
OWN_GROUP = Path("/proc/self/cgroup")

_VERSION_2 = ("memory.max", "memory.current", "inactive_file")
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def core_count() -> int:
    """Cores this process may use: its affinity and the processor time of its container, rounded up."""
    import joblib  # takes 0.2 s, and is needed only when a training starts

    return int(joblib.cpu_count())


def total_memory() -> int:
    """Bytes that this process may use when nothing else does."""
    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in _group_memory())])


def available_memory() -> int:
    """Bytes that are free for this process."""
    return min([int(psutil.virtual_memory().available), *(max(0, limit - used) for limit, used in _group_memory())])


def _group_memory() -> list[tuple[int, int]]:
    """Bytes allowed and used in this process's control group and those above; empty where there are none."""
    try:
        lines = [line.split(":", 2) for line in OWN_GROUP.read_text().splitlines()]
    except OSError:
        return []
    found = []
    for _, controllers, path in lines:
        if controllers in ("", "memory"):
            top = CGROUP / controllers
            group = top / path.strip("/")
            names = _VERSION_1 if controllers else _VERSION_2
            found += [_memory_of(each, *names) for each in (group, *group.parents) if each.is_relative_to(top)]
    return [each for each in found if each is not None]


def _memory_of(folder: Path, limit: str, current: str, dropped: str) -> tuple[int, int] | None:
    """The limit of a group and its use, without cached files, which are dropped when memory is needed."""
    try:
        allowed, used = (int((folder / name).read_text()) for name in (limit, current))  # "max" if there is none
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return allowed, used - int(stat[dropped])
    except (OSError, ValueError, KeyError):
        return None


def has_gpu() -> bool:
    """Whether there is a GPU that PyTorch will use, found without importing it."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or "+cpu" in version("torch"):
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return bool(shutil.which("nvidia-smi") or shutil.which("rocm-smi"))
