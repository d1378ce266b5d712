"""Blocks whose inner results are not kept for the backward pass but computed again there: less memory, more time.

Source: Chen, Xu, Zhang and Guestrin 2016, arXiv 1604.06174, section 4: of n blocks in about sqrt(n) segments only the
inputs of segments are kept, and the inside of one at a time; a step takes one forward pass more. The results are the
same, to the bit on a CPU.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from explorer.models.activations import segments

_AGAIN: ContextVar[bool] = ContextVar("recomputing", default=False)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # what a batch norm updates in a forward pass


def recomputed(blocks: Sequence[nn.Module], x: Tensor) -> Tensor:
    """What the blocks, one after the other, make of `x`."""
    for segment in segments(len(blocks)):
        part = nn.Sequential(*(blocks[place] for place in segment))
        x = checkpoint(
            part, x, use_reentrant=False, preserve_rng_state=False, context_fn=partial(_first_and_second_time, part)
        )
    return x


def once(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook for what passes through a module that is not called when the module computes the same again."""

    @wraps(hook)
    def called(*arguments: Any) -> Any:
        return None if _AGAIN.get() else hook(*arguments)

    return called


def _first_and_second_time(part: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _second_time(part)


@contextmanager
def _second_time(part: nn.Module) -> Iterator[None]:
    """Let batch norms update copies of their running statistics, which have seen this batch already."""
    norms = [module for module in part.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [{name: getattr(norm, name) for name in STATISTICS} for norm in norms]
    token = _AGAIN.set(True)
    try:
        for norm, statistics in zip(norms, kept, strict=True):
            for name, tensor in statistics.items():
                setattr(norm, name, None if tensor is None else tensor.clone())
        yield
    finally:
        _AGAIN.reset(token)
        for norm, statistics in zip(norms, kept, strict=True):
            for name, tensor in statistics.items():
                setattr(norm, name, tensor)
