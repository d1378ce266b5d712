"""The order of channels that dense layers concatenate."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from explorer.models.network import Network

# Names of kuangliu/pytorch-cifar's DenseNet, whose layers put the new channels before the old ones
_LAYER, _TRANSITION = re.compile(r"(?:^|\.)dense\d+\.\d+\.conv\d\."), re.compile(r"(?:^|\.)trans\d+\.conv\.")


def new_channels_come_first(keys: Iterable[str]) -> bool:
    """Whether a state dict with these keys is of a network that concatenates new channels before the old ones."""
    found = list(keys)
    return any(map(_LAYER.search, found)) and any(map(_TRANSITION.search, found))


def with_new_channels_last(network: Network, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the same function where old channels come first.

    Args:
        network: a dense network.
        tensors: by its keys, for new channels first; they are not changed.
    """
    found = dict(tensors)
    growth = network.config.growth
    for stage, blocks in network.stages.named_children():
        layers = 0
        for place, block in blocks.named_children():
            if hasattr(block, "pool"):  # a transition gives channels in one order; it reads those of the stage before
                continue
            _reorder(found, f"stages.{stage}.{place}.norm1", f"stages.{stage}.{place}.conv1", layers, growth)
            layers += 1
        following = f"stages.{int(stage) + 1}.0"
        if f"{following}.conv.weight" in found:
            _reorder(found, f"{following}.norm", f"{following}.conv", layers, growth)
        else:
            reader = next(name for name, module in network.named_modules() if isinstance(module, nn.Linear))
            _reorder(found, "end.norm", reader, layers, growth)
    return found


def _reorder(found: dict[str, Tensor], norm: str, reader: str, layers: int, growth: int) -> None:
    """Put in order what a norm and the layer after it read, given the layers before them in the stage."""
    width = len(found[f"{norm}.weight"])
    old = width - layers * growth
    new = [torch.arange(layer * growth, (layer + 1) * growth) for layer in range(layers)]
    order = torch.cat([torch.arange(width - old, width), *new[::-1]])
    for each in ("weight", "bias", "running_mean", "running_var"):
        found[f"{norm}.{each}"] = found[f"{norm}.{each}"][order]
    found[f"{reader}.weight"] = found[f"{reader}.weight"][:, order]
