"""Device, precision and number of threads of a training."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from explorer.machine import core_count, total_memory
from explorer.models.shortcuts import overruns
from explorer.results import DeviceFacts, Precision


def best_device() -> torch.device:
    """The accelerator that PyTorch finds, else the CPU."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def best_precision(device: torch.device, image_size: int) -> Precision:
    """bf16 if autocast to it is faster than fp32 on the device; never for 8x8 images, which gain nothing."""
    if image_size < 16:
        return "fp32"
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 no public test
        return "bf16" if fast else "fp32"
    return "fp32"


def memory_format(network: nn.Module) -> torch.memory_format:
    """Order in memory in which a network trains fastest: channels last, where that is safe."""
    return torch.contiguous_format if any(map(overruns, network.modules())) else torch.channels_last


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set PyTorch's number of threads, and restore it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def device_facts() -> DeviceFacts:
    """The training device of this machine, for pages, run.json and bug reports."""
    device = best_device()
    return DeviceFacts(
        device=device.type,
        name=_device_name(device),
        precision=best_precision(device, 32),
        cores=core_count(),
        memory_gib=round(total_memory() / 2**30, 1),
        torch=str(torch.__version__),
        python=platform.python_version(),
    )


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
