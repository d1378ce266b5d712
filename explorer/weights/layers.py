"""Layers in a third-party state dict, recognised by the shapes of their weights and sorted by order of use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from torch import Tensor

from explorer.errors import BadSettings

# In the names of layers on shortcuts: ours, torchvision's and timm's, WideResNet's, and other usual words (shortcut.0,
# convShortcut, skip_conv), as whole words, since a network may be called skipnet
ON_SHORTCUT = re.compile(
    r"(?:^|[._\d]|(?<=[a-z])(?=[A-Z]))(?i:(?:shortcut|downsample|skip)s?)(?:$|[._\d]|(?=[A-Z]))"
    r"|(?:^|[._])(?i:proj|projection|sc|identity|idpath|short_cut|convdim)(?:[._]|$)"
)
# Words for the first and the last convolution of a block; numbers tell the others apart
_FIRST, _LAST = re.compile(r"reduce|squeeze"), re.compile(r"expand")
_TRANSITION = re.compile(r"(?:^|\.)trans(?:ition)?(?:_?layer)?_?\d+")  # comes after all layers of its stage
_UNUSED = re.compile(r"(?:^|\.)sub_block1\.")  # TRADES' WideResNet has it, and never calls it


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A convolution, linear layer or norm, with its tensors by the last part of their keys.

    Attributes:
        name: of its module, without a trailing dot.
    """

    name: str
    tensors: dict[str, Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weight; empty without one."""
        weight = self.tensors.get("weight")
        return () if weight is None else tuple(weight.shape)

    @property
    def width(self) -> int:
        """Output channels."""
        return self.shape[0]

    @property
    def kernel(self) -> int:
        return self.shape[-1]

    @property
    def parent(self) -> str:
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The layers of a network by kind, each kind in order of use.

    Attributes:
        convolutions, norms: on the main path; side_convolutions, side_norms: of shortcuts.
        excitations: two for each block with squeeze-and-excitation, one with ECA.
        others: the rest, such as the scalars of networks without batch norm.
    """

    convolutions: list[Part]
    norms: list[Part]
    side_convolutions: list[Part]
    side_norms: list[Part]
    excitations: list[Part]
    classifier: Part
    others: list[Part]


def parts_of(state: Mapping[str, Tensor]) -> Parts:
    """Classify the layers of a state dict.

    A 1x1 convolution is on a shortcut if its name says so; or, where no name does, if its output channels, but not its
    input channels, are those of the main path there. Excitations are 1x1 convolutions with bias, a convolution over
    the channels (ECA), or linear layers other than the last. Norms have running statistics; in a file without any, they
    have weights and biases.

    The order of use is that of the state dict; if that is alphabetical, as in safetensors files, the numbers in the
    names give the order.

    Raises:
        BadSettings: there are no convolutions, none on the main path, no classifier, or empty weights.
    """
    parts = _grouped(state)
    convolutions = [part for part in parts if len(part.shape) == 4]
    linear = [part for part in parts if len(part.shape) == 2]
    large = [part for part in convolutions if part.kernel > 1]
    if not large or not linear:
        raise BadSettings(
            f"These weights are of no network of the ResNet family: they have {len(convolutions)} convolutions and "
            f"{len(linear)} linear maps. Give the state dict of a whole network, with its classifier."
        )
    if empty := next((part.name for part in parts if 0 in part.shape), None):
        raise BadSettings(f"The weight of {empty} has no values, so these weights are of no network. Save them again.")
    if _alphabetical(parts):
        parts = _ordered_by_numbers(parts, min(convolutions, key=lambda part: (part.name.count("."), part.shape[1])))
        convolutions = [part for part in parts if len(part.shape) == 4]
    classifier = min(linear, key=lambda part: part.name.count("."))
    excitations = _excitations(parts, classifier)
    main, side = _split_paths([part for part in convolutions if part not in excitations])
    if not main:
        raise BadSettings(
            "These weights are of no network of the ResNet family: by their names, such as "
            f"{side[0].name}, all convolutions are on shortcuts. Remove what all names have in common."
        )
    norms = _norms(parts, convolutions)
    on_shortcut = {part.parent for part in side} - {part.parent for part in main}
    side_norms = [part for part in norms if ON_SHORTCUT.search(part.name) or part.parent in on_shortcut]
    known = [*main, *side, *norms, *excitations, classifier]
    return Parts(
        convolutions=main,
        norms=[part for part in norms if part not in side_norms],
        side_convolutions=side,
        side_norms=side_norms,
        excitations=excitations,
        classifier=classifier,
        others=[part for part in parts if part not in known],
    )


def _grouped(state: Mapping[str, object]) -> list[Part]:
    """Modules, in the order of their first keys."""
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise BadSettings(
                f"`state` holds {key!r}, which is {type(tensor).__name__} and no tensor. Give the state dict alone, "
                "such as torch.load(FILE, weights_only=True)['state_dict']."
            )
        if _UNUSED.search(key):
            continue
        name, _, last = key.rpartition(".")
        if tensor.ndim == 4 and last != "weight":  # functional code names the tensor itself: group0.block0.conv0
            name, last = key, "weight"
        parts.setdefault(name, {})[last] = tensor
    return [Part(name, tensors) for name, tensors in parts.items()]


def _excitations(parts: Sequence[Part], classifier: Part) -> list[Part]:
    """Layers that weight channels, in order of use."""
    convolutions = [part for part in parts if len(part.shape) == 4]
    biased = [part for part in convolutions if "bias" in part.tensors and not ON_SHORTCUT.search(part.name)]
    # where all convolutions have biases, the 1x1 of a bottleneck stand beside a 3x3 of the same inner width
    inner = {(part.parent, part.width) for part in biased if part.kernel > 1}
    found = {
        part.name
        for part in biased
        if part.kernel == 1 and part is not convolutions[0] and (part.parent, min(part.shape[:2])) not in inner
    }
    found |= {part.name for part in parts if len(part.shape) == 2 and part is not classifier}
    found |= {part.name for part in parts if len(part.shape) == 3 and part.shape[:2] == (1, 1)}
    return [part for part in parts if part.name in found]


def _norms(parts: Sequence[Part], convolutions: Sequence[Part]) -> list[Part]:
    found = [part for part in parts if "running_mean" in part.tensors]
    if found:
        return found
    shapes = {(part.width,) for part in convolutions}
    return [part for part in parts if part.tensors.keys() == {"weight", "bias"} and part.shape in shapes]


def _split_paths(convolutions: list[Part]) -> tuple[list[Part], list[Part]]:
    """Convolutions on the main path, and on shortcuts."""
    named = any(ON_SHORTCUT.search(part.name) for part in convolutions)
    main: list[Part] = []
    side: list[Part] = []
    for part in convolutions:
        width = main[-1].width if main else 0
        # the last 1x1 of a block changes the width of the main path, a projection gives the width it already has
        projects = not named and part.kernel == 1 and part.width == width != part.shape[1]
        (side if ON_SHORTCUT.search(part.name) or projects else main).append(part)
    return main, side


def _alphabetical(parts: Iterable[Part]) -> bool:
    """Whether biases come before weights, as in no module."""
    pairs = [[key for key in part.tensors if key in ("weight", "bias")] for part in parts]
    return ["bias", "weight"] in pairs


def _ordered_by_numbers(parts: list[Part], stem: Part) -> list[Part]:
    """Sort layers as stem, blocks, end.

    Layers outside of blocks are siblings of the stem or above it; of these, the norm before the classifier is wider
    than the stem. The others are sorted by the numbers in their names; a transition has the number of the stage before.
    Where numbers are the same, a reduction comes first and an expansion last.
    """

    def outside(part: Part) -> bool:
        return part.parent == "" or f"{stem.name}.".startswith(f"{part.parent}.")

    widest = max(part.width for part in parts if len(part.shape) == 4 and outside(part))

    def place(part: Part) -> tuple[int, int, list[float], int, str]:
        if not outside(part):
            transition = _TRANSITION.search(part.name)
            numbers = [*map(int, re.findall(r"\d+", part.name[: transition.end()] if transition else part.name)), inf]
            return 1, 0, numbers, 0 if _FIRST.search(part.name) else 2 if _LAST.search(part.name) else 1, part.name
        width = part.width if part.shape else 0
        return (0 if width <= widest else 2), width, [], 0, part.name

    return sorted(parts, key=place)


def paths_start_alike(one: str, other: str) -> int:
    """How many parts two dotted names have in common at their start."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next((place for place, (first, second) in enumerate(pairs) if first != second), one.count(".") + 1)


def place_on_shortcut(name: str) -> str:
    """The number of a layer in the sequence that is its shortcut: "1" of layer2.0.downsample.1; empty without one."""
    found = ON_SHORTCUT.search(name)
    numbers = re.findall(r"\d+", name[found.start() + 1 :]) if found else []
    return numbers[0] if numbers else ""
