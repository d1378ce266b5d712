"""Load third-party weights into our networks; layers are matched by structure, not by name.

`docs/weights.md` lists the projects whose state dicts are tested.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.network import Network
from explorer.weights.biases import with_folded_biases
from explorer.weights.concatenation import new_channels_come_first, with_new_channels_last
from explorer.weights.layers import Part, parts_of
from explorer.weights.rewriting import rewritten

MOST_LISTED = 3  # differences listed in an error message

_NORM = ("weight", "bias", "running_mean", "running_var")


def require_fit(config: NetworkConfig, state: Mapping[str, Tensor]) -> None:
    """Raise BadSettings if `load_foreign_state` would, without allocating the network."""
    if config.depth > len(state):  # checked first, since building takes time for each layer
        raise BadSettings(
            f"These weights do not fit {config.name}: {len(state)} tensors are not {config.depth} layers."
        )
    with torch.device("meta"):
        mapped(Network(config), state)


def load_foreign_state(network: Network, state: Mapping[str, Tensor]) -> None:
    """Load the state dict of a network with the same structure and order of layers, under any names.

    All tensors are compared before any is loaded. Missing `num_batches_tracked`, as in older files, and missing biases
    of excitations are set to 0. Where the same function needs other tensors, they are computed: biases of convolutions
    go into norms, see `weights.biases`; channels of dense layers are put in our order, see `weights.concatenation`; a
    1x1 stem becomes a 3x3 one, and a grouped 1x1 convolution one without groups, both with zeros.

    Args:
        network: one of ours; it keeps its mode, device and data type.
        state: a state dict of ours or of another project.

    Raises:
        BadSettings: it does not fit; the message names the first keys that differ. The network is not changed.
    """
    config = network.config
    plain, _ = rewritten(state, classes=config.outputs, linear=not config.head, group_norm=config.norm != "batch")
    network.load_state_dict(mapped(network, plain))


def mapped(network: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the keys of `network`; errors as for `load_foreign_state`."""
    own = network.state_dict()
    if own.keys() == state.keys():
        found, differences = dict(state), _shape_differences(own, state)
    else:
        found, differences = _matched(network, state)
    if differences:
        more = len(differences) - MOST_LISTED
        listed = "; ".join(differences[:MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
        raise BadSettings(f"These weights do not fit {network.config.name}: {listed}.")
    return {key: found[key] if key in found else torch.zeros_like(tensor, device="cpu") for key, tensor in own.items()}


def _shape_differences(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    found = []
    for key, tensor in own.items():
        if state[key].shape != tensor.shape:
            found.append(f"{key} has shape {_shape(state[key])}, expected {_shape(tensor)}")
        elif _is_integer(state[key], tensor):
            found.append(_integer_message(key, state[key]))
    return found


def _matched(network: Network, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under the keys of `network`, and the differences."""
    own, other = parts_of(network.state_dict()), parts_of(state)
    found: dict[str, Tensor] = {}
    differences: list[str] = []
    biases: dict[str, Tensor] = {}
    groups = network.config.groups
    for ours, theirs, required in (
        (own.convolutions, _reshaped(own.convolutions, other.convolutions, groups), ("weight",)),
        (own.side_convolutions, other.side_convolutions, ("weight",)),
        (own.norms, other.norms, _NORM),
        (own.side_norms, other.side_norms, _NORM),
        (own.excitations, other.excitations, ("weight",)),
        (own.hidden, other.hidden, ("weight", "bias")),
        ([own.classifier], [other.classifier], ("weight", "bias")),
        (own.others, other.others, ()),
    ):
        if network.config.norm == "batch" and (ours is own.convolutions or ours is own.side_convolutions):
            biases |= _biases(ours, theirs, differences)
            theirs = [_without_bias(part) for part in theirs]
        _match(ours, theirs, required, found, differences)
    if differences:
        return found, differences
    if network.config.dense and new_channels_come_first(state):
        found = with_new_channels_last(network, found)
    return (with_folded_biases(network, found, biases) if biases else found), []


def _biases(ours: Sequence[Part], theirs: Sequence[Part], differences: list[str]) -> dict[str, Tensor]:
    """Biases of their convolutions by the names of ours; adds to `differences` those that do not fit."""
    found = {}
    for own, other in zip(ours, theirs, strict=False):
        bias = other.tensors.get("bias")
        if bias is not None and bias.shape != (own.width,):
            differences.append(f"{_key(other, 'bias')} has shape {_shape(bias)}, expected ({own.width})")
        elif bias is not None:
            found[own.name] = bias
    return found


def _without_bias(part: Part) -> Part:
    return Part(part.name, {key: tensor for key, tensor in part.tensors.items() if key != "bias"})


def _reshaped(ours: Sequence[Part], theirs: Sequence[Part], groups: int) -> list[Part]:
    """Their convolutions, with 1x1 kernels that do the same at the centre of 3x3 ones, or without groups."""
    found = list(theirs)
    for place, (own, other) in enumerate(zip(ours, theirs, strict=False)):
        weight = other.tensors["weight"]
        if place == 0 and (own.kernel, other.kernel) == (3, 1):
            weight = F.pad(weight, (1, 1, 1, 1))
        if own.kernel == other.kernel == 1 and 1 < groups == own.shape[1] / other.shape[1] and own.width % groups == 0:
            blocks = weight.flatten(1).chunk(groups)
            weight = torch.block_diag(*blocks)[:, :, None, None]  # type: ignore[no-untyped-call]
        found[place] = Part(other.name, other.tensors | {"weight": weight})
    return found


def _match(
    ours: Sequence[Part],
    theirs: Sequence[Part],
    required: Iterable[str],
    found: dict[str, Tensor],
    differences: list[str],
) -> None:
    """Match layers of one kind in order; adds to `found` and `differences`."""
    for own, other in zip_longest(ours, theirs):
        if other is None:
            differences.extend(f"{_key(own, each)} is missing" for each in list(own.tensors)[:1])
            continue
        if own is None:
            differences.extend(f"{_key(other, each)} is unexpected" for each in list(other.tensors)[:1])
            continue
        unknown = sorted(other.tensors.keys() - own.tensors.keys())
        differences.extend(f"{_key(other, each)} is unexpected" for each in unknown)
        for each, tensor in own.tensors.items():
            given = other.tensors.get(each)
            if given is None:
                if each in required:
                    differences.append(f"{_key(other, each)} is missing")
                continue
            if given.ndim == 2 and tensor.ndim == 4:  # an excitation's linear layer
                given = given[:, :, None, None]
            if given.shape != tensor.shape:
                differences.append(
                    f"{_key(other, each)} has shape {_shape(given)}, expected {_shape(tensor)} as {_key(own, each)}"
                )
            elif _is_integer(given, tensor):
                differences.append(_integer_message(_key(other, each), given))
            found[_key(own, each)] = given


def _key(part: Part, last: str) -> str:
    return f"{part.name}.{last}" if part.name else last


def _is_integer(given: Tensor, own: Tensor) -> bool:
    """Whether integers, as of a quantised network, are given for floating-point values."""
    return own.is_floating_point() and not given.is_floating_point()


def _integer_message(key: str, tensor: Tensor) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    return f"{key} has whole numbers ({kind}), as quantised networks have; save them as floating-point ones"


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
