"""Layers on the main path of a network, in order, and the blocks they form."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from torch import nn

# In the names of modules off the main path, in our networks and torchvision's
OFF_MAIN_PATH = ("shortcut", "downsample", "excitation")
SHORTCUTS = ("shortcut", "downsample")  # the attribute of blocks, in our networks and torchvision's
NORMS = ("norm", "bn")  # prefixes of names of norms, also of one that a study has replaced

_OURS = re.compile(r"(?P<stem>stem)\.|stages\.(?P<stage>\d+)\.(?P<block>\d+)\.")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A convolution on the main path, or the classifier.

    Attributes:
        number: 1 for the stem to the network's depth for the classifier.
        name: of `module` within the network.
        stage: 0 for the stem, 1 for the first resolution and width of the blocks, ...; one more for the classifier.
        block: within its stage, from 1; 0 for stem and classifier.
        module: the convolution or linear layer.
        norm: the norm after it, if any.
    """

    number: int
    name: str
    stage: int
    block: int
    module: nn.Conv2d | nn.Linear
    norm: nn.Module | None

    @property
    def response(self) -> nn.Module:
        """The module whose output is the layer's response, before addition or ReLU."""
        return self.module if self.norm is None else self.norm


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Layers that a shortcut spans, or would span in a residual network.

    Attributes:
        stage: from 1; block: within its stage, from 1.
        name: of `module` within the network.
        layers: of its branch, in order.
        shortcut: the module of the shortcut; None in a plain network, and where the input itself is added.
        start, end: first and last module of the branch.
        adds_input: whether the block adds its input without a module, as torchvision's do.
    """

    stage: int
    block: int
    name: str
    module: nn.Module
    layers: tuple[Layer, ...]
    shortcut: nn.Module | None
    start: nn.Module
    end: nn.Module
    adds_input: bool = False


def main_path(network: nn.Module) -> list[Layer]:
    """The convolutions that are not on a shortcut, and the classifier, in the order of the network's modules.

    In our networks the names give stage and block. In others a module with two or more of the convolutions is a
    block, and a new stage starts with a block that changes resolution or width.
    """
    found = list(_weighted(network))
    members = Counter(_parent(name) for name, module, _ in found if isinstance(module, nn.Conv2d))
    layers: list[Layer] = []
    stage, block, current = 0, 0, ""
    for number, (name, module, norm) in enumerate(found, start=1):
        parent = _parent(name)
        if isinstance(module, nn.Linear):
            layers.append(Layer(number, name, stage + 1, 0, module, norm))
            continue
        ours = _OURS.match(name)
        if ours and ours["stage"]:
            stage, block = int(ours["stage"]) + 1, int(ours["block"]) + 1
            layers.append(Layer(number, name, stage, block, module, norm))
            continue
        if members[parent] < 2 or ours:  # the stem
            layers.append(Layer(number, name, 0, 0, module, norm))
            continue
        if parent != current:
            inside = [each for held, each, _ in found if _parent(held) == parent]
            stage, block = (stage + 1, 1) if stage == 0 or _changes_shape(inside) else (stage, block + 1)
            current = parent
        layers.append(Layer(number, name, stage, block, module, norm))
    return layers


def block_names(network: nn.Module) -> dict[tuple[int, int], str]:
    """Module name of each block, by stage and block, in order."""
    return {(layer.stage, layer.block): _parent(layer.name) for layer in main_path(network) if layer.block}


def blocks(network: nn.Module) -> list[Block]:
    """The blocks in order; empty unless they have an attribute of `SHORTCUTS`, which dense layers have not."""
    found = []
    for (stage, block), layers in groupby(main_path(network), key=lambda layer: (layer.stage, layer.block)):
        inside = tuple(layers)
        name = _parent(inside[0].name)
        module = network.get_submodule(name)
        attribute = next((each for each in SHORTCUTS if hasattr(module, each)), "")
        if block and attribute:
            shortcut = getattr(module, attribute)
            adds_input = shortcut is None and attribute != SHORTCUTS[0]
            ends = _branch_ends(module, inside)
            found.append(Block(stage, block, name, module, inside, shortcut, *ends, adds_input))
    return found


def _branch_ends(block: nn.Module, layers: tuple[Layer, ...]) -> tuple[nn.Module, nn.Module]:
    """First and last module of a branch; the first is a pre-activation block's norm unless the shortcut shares it."""
    shape = getattr(block, "shape", None)
    own_norm = shape is not None and shape.order == "pre" and not shape.shares_activation
    start = block.get_submodule("norm1") if own_norm else layers[0].module
    excitation = getattr(block, "excitation", None) if shape is None or shape.excitation_on != "sum" else None
    return start, excitation or layers[-1].response


def network_name(network: nn.Module) -> str:
    """Name of a network in messages; of other modules, the class."""
    config = getattr(network, "config", None)
    return str(getattr(config, "name", type(network).__name__))


def _weighted(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d | nn.Linear, nn.Module | None]]:
    """Name and module of each layer, with the norm that follows it in the same parent."""
    modules = [*network.named_modules(), ("", nn.Module())]
    hidden = "head." if getattr(getattr(network, "config", None), "head", ()) else " "  # not counted in the depth
    for (name, module), (next_name, following) in pairwise(modules):
        aside = name.startswith(hidden) or any(word in name for word in OFF_MAIN_PATH)
        if isinstance(module, nn.Conv2d | nn.Linear) and not aside:
            own = next_name.rpartition(".")[2].startswith(NORMS) and _parent(next_name) == _parent(name)
            yield name, module, following if own else None


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _changes_shape(branch: list[nn.Conv2d | nn.Linear]) -> bool:
    convolutions = [each for each in branch if isinstance(each, nn.Conv2d)]
    strided = any(max(each.stride) > 1 for each in convolutions)
    return strided or convolutions[0].in_channels != convolutions[-1].out_channels
