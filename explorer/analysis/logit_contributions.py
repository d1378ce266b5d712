"""What each block of a pre-activation network adds to the scores."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer import progress
from explorer.analysis.images import require_images
from explorer.analysis.inside_blocks import reason_not_additive
from explorer.errors import BadSettings
from explorer.models.blocks import ResidualBlock
from explorer.models.layers import blocks, network_name
from explorer.models.network import Network
from explorer.models.recording import working_copy


def logit_contributions(
    network: nn.Module, images: Tensor, classes: Sequence[int] | None = None
) -> tuple[list[str], NDArray[np.float32]]:
    """What stem, blocks and biases add to the scores of each image; the parts sum to the scores.

    In a pre-activation network nothing is applied to the sum of stem and branches until the last norm and ReLU. Batch
    norm at its running statistics is linear, and a ReLU is, for one image, a mask; so each branch's output has its own
    share of each score. Where the shape changes, the shortcut starts after a norm and ReLU (He et al. 2016, appendix),
    which are treated in the same way. What norms, convolutions of shortcuts and the classifier add independently of the
    image is one part, "bias". A share counts what a branch puts into the sum, not what later blocks make of it.

    Args:
        network: of `build` or `load_checkpoint`, with pre-activation blocks.
        images: (N, C, H, W), normalised for `network`, on its device.
        classes: whose scores; None takes all.

    Returns:
        The names of the parts: "stem", each block's module, "bias"; and their contributions, (N, parts, classes).

    Raises:
        BadSettings: `images` do not fit, or the network's blocks do not simply add up.
    """
    require_images(network, images)
    require_additive(network)
    copy = working_copy(network).requires_grad_(requires_grad=False)
    assert isinstance(copy, Network)
    chosen = range(copy.config.classes) if classes is None else classes
    leaves: list[Tensor] = []
    offsets: list[tuple[Tensor, Tensor]] = []  # output of a module of the trunk, and what it adds by itself

    def leaf(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1]

    def offset(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.requires_grad:
            offsets.append((output, _alone(module, inputs[0])))

    with ExitStack() as hooks, torch.enable_grad():
        for each in (copy.stem, *(block.end for block in blocks(copy))):
            hooks.callback(each.register_forward_hook(leaf).remove)
        for each in _affine(copy):
            hooks.callback(each.register_forward_hook(offset).remove)
        scores = copy(images)
        shares = []
        for number, label in enumerate(chosen, start=1):
            both = [*leaves, *(output for output, _ in offsets)]
            gradients = torch.autograd.grad(scores[:, label].sum(), both, retain_graph=True)
            values = [*(each.detach() for each in leaves), *(added for _, added in offsets)]
            products = [(one * two).flatten(1).sum(1) for one, two in zip(gradients, values, strict=True)]
            shares.append(torch.stack([*products[: len(leaves)], sum(products[len(leaves) :], torch.zeros(()))], dim=1))
            progress.report(number / len(chosen))
    names = ["stem", *(block.name for block in blocks(copy)), "bias"]
    return names, torch.stack(shares, dim=2).float().numpy(force=True)


def require_additive(network: nn.Module) -> None:
    """Raise BadSettings unless the scores are a sum of what the blocks add."""
    name = network_name(network)
    why = reason_not_additive(network.config) if isinstance(network, Network) else "is not a network of `build`"
    if not why:
        return
    raise BadSettings(
        f"{name} {why}: its scores have no parts for blocks. Take a pre-activation network, such as preresnet110 or "
        "wrn-28-10."
    )


def _affine(network: Network) -> Iterator[nn.Module]:
    """The modules between the sum and the scores that add something by themselves."""
    for block in blocks(network):
        assert isinstance(block.module, ResidualBlock)
        if block.module.shape.shares_activation:
            yield block.module.get_submodule("norm1")
        assert block.shortcut is not None
        yield block.shortcut
    if network.end is not None:
        yield network.end.get_submodule("norm")
    yield network.classifier


def _alone(module: nn.Module, given: Tensor) -> Tensor:
    """The output of a module for an input of zeros."""
    with torch.no_grad():
        added: Tensor = type(module).forward(module, torch.zeros_like(given))  # without the hooks
    return added.detach()
