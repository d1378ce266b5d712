"""Activation checkpointing: blocks are recomputed in the backward pass, for less memory and more time.

Source: Chen, Xu, Zhang and Guestrin 2016, arXiv 1604.06174, section 4: n blocks form about sqrt(n) segments, of which
only the inputs are kept, and the inside of one at a time; a step takes one more forward pass. Results are the same, on
a CPU to the bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from explorer.models.activations import segments

_RECOMPUTING: ContextVar[bool] = ContextVar("recomputing", default=False)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # updated by batch norms in a forward pass


def recomputed(blocks: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Output of the blocks applied to `x`, with activation checkpointing."""
    for segment in segments(len(blocks)):
        part = nn.Sequential(*(blocks[place] for place in segment))
        x = checkpoint(part, x, use_reentrant=False, preserve_rng_state=False, context_fn=partial(_contexts, part))
    return x


def once(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A module hook that is not called during recomputation."""

    @wraps(hook)
    def called(*arguments: Any) -> Any:
        return None if _RECOMPUTING.get() else hook(*arguments)

    return called


def _contexts(part: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _recomputing(part)


@contextmanager
def _recomputing(part: nn.Module) -> Iterator[None]:
    """Let batch norms update copies of their running statistics, which already include this batch."""
    norms = [module for module in part.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [{name: getattr(norm, name) for name in STATISTICS} for norm in norms]
    token = _RECOMPUTING.set(True)
    try:
        for norm, statistics in zip(norms, kept, strict=True):
            for name, tensor in statistics.items():
                setattr(norm, name, None if tensor is None else tensor.clone())
        yield
    finally:
        _RECOMPUTING.reset(token)
        for norm, statistics in zip(norms, kept, strict=True):
            for name, tensor in statistics.items():
                setattr(norm, name, tensor)
