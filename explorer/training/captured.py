"""A training step as a CUDA graph: small networks are bound by the kernels' launches, which a graph replays at once."""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.errors import one_line

WARM_UP_STEPS = 3  # without the graph; they are steps of the training like all others


class CapturedStep:
    """A step that is captured after some calls and then replayed; if capturing fails, it goes on without.

    Args:
        step: the update by images and labels, always of the same shapes, which gives a tensor of values; it may not
            wait for the device. What it reads and writes must stay where it is.

    Attributes:
        failure: why it could not be captured; empty if it was or is still to be.
    """

    def __init__(self, step: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._step = step
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, Tensor]
        self._values: Tensor
        self.failure = ""

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        if self._graph is None and self._calls == WARM_UP_STEPS and not self.failure:
            self._capture(images, labels)
        self._calls += 1
        if self._graph is None:
            return self._aside(images, labels) if images.is_cuda else self._step(images, labels)
        for mine, given in zip(self._inputs, (images, labels), strict=True):
            mine.copy_(given)
        self._graph.replay()
        return self._values.clone()

    def _aside(self, images: Tensor, labels: Tensor) -> Tensor:
        """The step on a stream of its own, as PyTorch asks for before a capture."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            values = self._step(images, labels)
        torch.cuda.current_stream().wait_stream(stream)
        return values

    def _capture(self, images: Tensor, labels: Tensor) -> None:
        inputs = images.clone(), labels.clone()
        try:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                values = self._step(*inputs)
        except Exception as error:  # noqa: BLE001 what cannot be captured raises errors of many kinds
            self.failure = one_line(error) or type(error).__name__
            return
        self._graph, self._inputs, self._values = graph, inputs, values
