"""Layer-wise relevance propagation (LRP) through residual networks."""

from copy import deepcopy
from typing import Any

from captum.attr import LRP
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn

from explorer.attribution.job import Job, ValuesAndDelta
from explorer.models.blocks import Addition


class IdentityView(nn.Module):
    """An identity that returns a new tensor.

    `nn.Identity` returns its input itself, on which Captum then registers the hooks of two modules: relevance would be
    counted repeatedly and grow without bound with depth.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.view_as(x)


class SplitRule(EpsilonRule):  # type: ignore[misc]
    """Relevance at an addition is split in proportion to the absolute summands, so it is conserved.

    Source: Otsuki et al. 2024 (arXiv 2407.09115), ratio-based splitting.
    """

    def forward_hook(self, module: Addition, inputs: tuple[Tensor, ...], outputs: Tensor) -> Any:
        branch, shortcut = (each.detach() for each in inputs)
        sizes = branch.abs(), module.weighted(shortcut).abs()
        total = sizes[0] + sizes[1] + self.STABILITY_FACTOR
        self._shares = iter([each / total for each in sizes])  # one for each input, in their order
        return super().forward_hook(module, inputs, outputs)

    def _create_backward_hook_input(self, inputs: Tensor) -> Any:
        share = next(self._shares)
        return lambda gradient: self.relevance_output[gradient.device] * share


def lrp(job: Job, *, epsilon: float, sums: str) -> ValuesAndDelta:
    """Relevance of the score, propagated back layer by layer in proportion to the contributions of a layer's inputs."""
    network = deepcopy(job.network)  # its modules are replaced and get rules
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Identity):
            network.set_submodule(name, IdentityView())
    for module in network.modules():
        if not list(module.children()) and not isinstance(module, nn.ReLU):
            split = sums == "split" and isinstance(module, Addition)
            module.rule = SplitRule(epsilon) if split else EpsilonRule(epsilon)
    values, delta = LRP(network).attribute(job.images, target=job.target, return_convergence_delta=True)
    return values.detach(), -delta.detach()  # Captum returns score minus sum, unlike for other methods
