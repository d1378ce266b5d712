"""Operated networks: new ones, with operations done on the blocks of a trained network, which stays as it is."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.blocks import ResidualBlock
from explorer.models.network import Network, build
from explorer.models.operations import OperatedBlock, Operations, arrangement, intact
from explorer.models.structure import block_shapes

State = Mapping[str, Tensor]  # state dict of a network
HOOKS = "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"  # of a module
Snapshots = Callable[[int], State]  # its weights after a step


def operated(network: Network, operations: Operations, *, snapshots: Snapshots | None = None) -> Network:
    """A new network with operations done on its blocks; the given one is not changed.

    A deleted block keeps its shortcut, and in a network of He et al. 2015 the ReLU after the sum, as when its branch
    gave zeros: the deletion of Veit et al. 2016, section 4.1. With an identity shortcut the ReLU changes nothing, since
    its input is not negative. A deleted block of a plain network passes its input on, without its layers. A deleted
    dense layer adds zeros, which is what is left of it for later layers. Numbers and names of layers stay; those of
    a deleted block are not called. A block that gets other weights gets the running statistics that belong to them.

    Args:
        network: one of `explorer.models`; the new one has its modes, device and data type, but none of its hooks.
        operations: as text, such as "delete:2.3,swap:1.2-1.4", or a sequence; see `models.operations`.
        snapshots: gives the weights of a step, for operations such as reinit:2.1@0.

    Raises:
        UnknownName, BadSettings: no such operation or block, or it is not possible in this network; see
            `models.operations.possible`. Or the network is not one of `explorer.models`.

    Source: Veit, Wilber and Belongie 2016, arXiv 1605.06431.
    """
    require_ours(network)
    arranged = arrangement(network.config, operations)
    copied = without_hooks(network)
    copied.operations = operations if isinstance(operations, str) else ",".join(map(str, operations))
    make = BlockMaker(copied, snapshots)
    places = zip(block_shapes(network.config), arranged, intact(network.config), strict=True)
    for name, block in [(shape.name, make(there)) for shape, there, usual in places if there != usual]:
        stage, _, number = name.rpartition(".")
        copied.get_submodule(stage).add_module(number, block)
    return copied


class BlockMaker:
    """Makes the blocks of operated versions of a network.

    Args:
        network: without hooks.
        snapshots: as of `operated`.
    """

    def __init__(self, network: Network, snapshots: Snapshots | None = None) -> None:
        self._network = network
        self._names = {(shape.stage, shape.block): shape.name for shape in block_shapes(network.config)}
        self._snapshots = snapshots
        self._weights = cache(self._read)

    def __call__(self, there: OperatedBlock) -> nn.Module:
        """A new block; errors as of `operated`."""
        name = self._names[there.block]
        block = deepcopy(self._network.get_submodule(name))
        if there.weights:
            state = self._weights(there.weights)
            block.load_state_dict({key: state[f"{name}.{key}"] for key in block.state_dict()})
        branch = 0.0 if there.deleted else there.branch
        if isinstance(block, ResidualBlock):
            block.addition.branch_factor = branch
            block.addition.shortcut_factor *= there.shortcut
        elif branch != 1:
            block = WeightedDenseLayer(block, branch)
        return block if there.times == 1 else nn.Sequential(*(deepcopy(block) for _ in range(there.times)))

    def _read(self, source: str) -> State:
        config = self._network.config
        if source.startswith("seed"):
            return build(config, seed=int(source.removeprefix("seed"))).state_dict()
        if self._snapshots is None:
            raise BadSettings(
                f"reinit with step {source} needs the weights of that step: pass `snapshots`, a function that gives "
                f"the state dict of a step, or take new weights, such as seed{source}."
            )
        return self._snapshots(int(source))


class WeightedDenseLayer(nn.Module):
    """A dense layer whose new channels are multiplied by a factor; with 0 they are zeros."""

    def __init__(self, layer: nn.Module, factor: float) -> None:
        super().__init__()
        self.layer = layer
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        old, new = self.layer(x).tensor_split([x.shape[1]], dim=1)
        return torch.cat([old, new * self.factor], dim=1)


def without_hooks(network: Network) -> Network:
    """A copy of a network that calls none of its hooks."""
    copied = deepcopy(network)
    for module in copied.modules():
        for hooks in HOOKS:
            getattr(module, hooks).clear()
    return copied


def require_ours(network: Any) -> None:
    """Raise BadSettings unless the network is one of `explorer.models`."""
    if not isinstance(network, Network):
        raise BadSettings(
            f"`network` (={type(network).__name__}) is not one of this program, whose blocks are known. Load its "
            "weights into one: `load_foreign_state(build('resnet50'), network.state_dict())`."
        )
