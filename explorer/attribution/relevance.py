"""Layer-wise relevance propagation through networks of blocks with shortcuts."""

from copy import deepcopy
from typing import Any

import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn

from explorer.attribution.job import Job, Outcome
from explorer.models.blocks import Addition


class Apart(nn.Module):
    """What came in, as a tensor of its own.

    `nn.Identity` gives back the very tensor it was given, and Captum hangs the hooks for the output of one module and
    the input of the next on it: relevance is then counted over and over, and grows without bound with depth.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.view_as(x)


class SplitRule(EpsilonRule):  # type: ignore[misc]
    """Relevance at an addition is shared out by the size of the summands, so none is made or lost there.

    Source: Otsuki et al. 2024 (arXiv 2407.09115), ratio-based splitting.
    """

    def forward_hook(self, module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> Any:
        self._total = torch.stack([each.detach().abs() for each in inputs]).sum(0) + self.STABILITY_FACTOR
        return super().forward_hook(module, inputs, outputs)

    def _create_backward_hook_input(self, inputs: Tensor) -> Any:
        share = inputs.abs() / self._total
        return lambda gradient: self.relevance_output[gradient.device] * share


def lrp(job: Job, *, epsilon: float, sums: str) -> Outcome:
    """Relevance of the score, passed back layer by layer in the shares in which the inputs of a layer made it up."""
    network = deepcopy(job.network)  # which is given other modules, and rules
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Identity):
            network.set_submodule(name, Apart())
    for module in network.modules():
        if not list(module.children()) and not isinstance(module, nn.ReLU):
            split = sums == "split" and isinstance(module, Addition)
            module.rule = SplitRule(epsilon) if split else EpsilonRule(epsilon)
    values, delta = LRP(network).attribute(job.images, target=job.target, return_convergence_delta=True)
    return values.detach(), -delta.detach()  # Captum gives the score less the sum, unlike for other methods
