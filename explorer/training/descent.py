"""Stochastic gradient descent with momentum, by the function behind `torch.optim.SGD`.

The class imports PyTorch's compiler, which takes one to two seconds at the start of every training.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.sgd import sgd


class Descent:
    """Updates parameters by their gradients; those without a gradient stay as they are, and so do their momenta.

    Args:
        parameters: of the network, in an order that never changes.
        momentum, weight_decay: as of `torch.optim.SGD`.
    """

    def __init__(self, parameters: Iterable[Tensor], *, momentum: float, weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._momentum = momentum
        self._weight_decay = weight_decay
        self._momenta: list[Tensor] = []  # none before the first step, and without momentum

    def forget_gradients(self) -> None:
        """Remove all gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Update once, with this learning rate; a captured step reads it from a tensor."""
        if self._momentum and not self._momenta:
            self._momenta = [torch.zeros_like(each) for each in self._parameters]
        gradients = {place: each.grad for place, each in enumerate(self._parameters) if each.grad is not None}
        sgd(
            [self._parameters[place] for place in gradients],
            list(gradients.values()),
            [self._momenta[place] if self._momenta else None for place in gradients],
            weight_decay=self._weight_decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            fused=True,
        )

    def state(self) -> dict[str, Any]:
        """The momenta, as `torch.optim.SGD.state_dict` has them."""
        return {"state": {place: {"momentum_buffer": each} for place, each in enumerate(self._momenta)}}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a `state`, or one of `torch.optim.SGD`."""
        known = {place: entry.get("momentum_buffer") for place, entry in state["state"].items()}
        self._momenta = []
        if any(each is not None for each in known.values()):
            for place, parameter in enumerate(self._parameters):
                self._momenta.append(torch.zeros_like(parameter).copy_(known[place]))
