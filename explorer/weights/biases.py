"""Fold biases of convolutions into the norms that follow, exactly.

A norm gives the same for x + b with the mean m as for x with the mean m − b. Between pre-activation blocks or dense
layers a bias stays in what the blocks pass on, so it goes into all norms that read it, and through projections.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.network import Network
from explorer.models.shortcuts import PadShortcut, ProjectionShortcut


class Folding:
    """The tensors of a network whose norms take up biases."""

    def __init__(self, network: Network, tensors: Mapping[str, Tensor], biases: Mapping[str, Tensor]) -> None:
        self.network, self.tensors, self.biases = network, dict(tensors), biases

    def bias(self, convolution: str) -> Tensor:
        """Of a convolution of the network; zeros if it has none."""
        zeros = torch.zeros(len(self.tensors[f"{convolution}.weight"]))
        return self.biases.get(convolution, zeros)

    def subtract(self, norm: str, constant: Tensor) -> None:
        """Let a norm give the same without `constant` in its input, (C,)."""
        self.tensors[f"{norm}.running_mean"] = self.tensors[f"{norm}.running_mean"] - constant

    def pairs(self, prefix: str, module: nn.Module) -> Tensor:
        """Subtract the bias of each convolution from the norm after it; gives that of the last if no norm follows."""
        waiting = torch.zeros(())
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d):
                waiting = self.bias(f"{prefix}{name}")
            elif isinstance(child, nn.BatchNorm2d):
                self.subtract(f"{prefix}{name}", waiting)
                waiting = torch.zeros(())
        return waiting


def with_folded_biases(
    network: Network, tensors: Mapping[str, Tensor], biases: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors of the same function without biases.

    Args:
        tensors: by the keys of `network`, which has batch norm; they are not changed.
        biases: of convolutions, by the names of ours.

    Raises:
        BadSettings: an excitation reads a bias that no norm takes up.
    """
    folding = Folding(network, tensors, biases)
    constant = folding.pairs("stem.", network.stem)
    for stage, blocks in network.stages.named_children():
        for place, block in blocks.named_children():
            constant = _block(folding, f"stages.{stage}.{place}", block, constant)
    if network.end is not None:
        folding.subtract("end.norm", constant)
    elif constant.any():
        first = next(name for name, module in network.named_modules() if isinstance(module, nn.Linear))
        weight, bias = folding.tensors[f"{first}.weight"], folding.tensors[f"{first}.bias"]
        folding.tensors[f"{first}.bias"] = bias + weight @ constant
    return folding.tensors


def _block(folding: Folding, name: str, block: nn.Module, constant: Tensor) -> Tensor:
    """What a block adds to each channel of its output, given what its input has; biases inside are folded."""
    config = folding.network.config
    if config.order == "post" and not config.dense:
        folding.pairs(f"{name}.", block)
        if isinstance(shortcut := getattr(block, "shortcut", None), nn.Module):
            folding.pairs(f"{name}.shortcut.", shortcut)
        return torch.zeros(())
    norm = next(each for each, child in block.named_children() if isinstance(child, nn.BatchNorm2d))
    rest = folding.pairs(f"{name}.", block)
    folding.subtract(f"{name}.{norm}", constant)
    if config.dense:
        width = len(folding.tensors[f"{name}.{norm}.weight"])
        return rest if hasattr(block, "pool") else torch.cat([constant.expand(width), rest])
    if config.excitation and (rest.any() or (constant.any() and config.excitation_on == "sum")):
        raise BadSettings(
            f"These weights do not fit {config.name}: the last convolution of block {name} has a bias that its "
            "excitation reads, and no norm follows. Train the network with `bias=False` there."
        )
    return _on_shortcut(folding, name, block, constant) * config.shortcut_scale + rest


def _on_shortcut(folding: Folding, name: str, block: nn.Module, constant: Tensor) -> Tensor:
    """What the shortcut of a pre-activation block adds to each channel."""
    starts = torch.zeros_like(constant) if block.shape.shares_activation else constant  # type: ignore[union-attr]
    shortcut = block.shortcut
    if isinstance(shortcut, ProjectionShortcut):
        weight = folding.tensors[f"{name}.shortcut.conv.weight"].flatten(1)
        return folding.bias(f"{name}.shortcut.conv") + weight @ starts.expand(weight.shape[1])
    if isinstance(shortcut, PadShortcut):
        width = len(folding.tensors[f"{name}.norm1.weight"])
        return F.pad(starts.expand(width), shortcut.padding[4:])
    return starts
