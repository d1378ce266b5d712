"""Rewrite a state dict to the layers that it stands for, exactly, before they are recognised.

Masks, weight norms and spectral norms are multiplied out, the names and axes of Keras become PyTorch's, and the layers
of a head are put in order. Biases of convolutions are folded where the network is known, see `weights.biases`.
"""

from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from explorer.errors import BadSettings
from explorer.numerals import percent
from explorer.weights.heads import linear_classifier, ordered_head
from explorer.weights.keras import from_keras
from explorer.weights.missing import require_statistics

State = dict[str, Tensor]

_PARAMETRIZED = ".parametrizations."


def rewritten(
    state: Mapping[str, Tensor], *, head: str = "", classes: int = 0, linear: bool = False, group_norm: bool = False
) -> tuple[State, list[str]]:
    """The same function in plain layers, and a sentence for each kind of rewriting that was done.

    Args:
        state: a state dict; it is not changed.
        head: name of the last linear map of the head to take, if there are several.
        classes: how many the network tells apart, which chooses among several heads too; 0 if that is not known.
        linear: whether nothing is between the linear maps of a head.
        group_norm: whether norms without running statistics are group norms.

    Raises:
        BadSettings: a part cannot be rewritten exactly; the message names it and what to do.
    """
    said: list[str] = []
    found = dict(state)
    if not all(isinstance(tensor, Tensor) for tensor in found.values()):
        return found, said  # the error about it is raised where layers are recognised
    for step in (_without_parametrizations, _masked, _spectral, _weight_norms):
        found = step(found, said)
    _require_plain(found)
    for step in (from_keras, _with_affine_norms, linear_classifier):
        found = step(found, said)
    if not group_norm:
        require_statistics(found)
    return ordered_head(found, said, head=head, classes=classes, linear=linear), said


def _without_parametrizations(state: State, said: list[str]) -> State:
    """Names of `torch.nn.utils.parametrizations` as those of the older functions, which hold the same tensors."""
    names = {"original": "_orig", "original0": "_g", "original1": "_v", "0._u": "_u", "0._v": "_v"}
    found: State = {}
    for key, tensor in state.items():
        module, parametrized, rest = key.partition(_PARAMETRIZED)
        name, _, part = rest.partition(".")
        found[f"{module}.{name}{names.get(part, f'_{part}')}" if parametrized else key] = tensor
    return found


def _require_plain(state: State) -> None:
    """Raise BadSettings if a weight is still computed from others."""
    computed = (key for key in state if key.rpartition(".")[2].startswith("weight_"))
    if left := next((key for key in computed if f"{key.rpartition('.')[0]}.weight".lstrip(".") not in state), None):
        raise BadSettings(
            f"The weight of {left.rpartition('.')[0] or 'a layer'} is computed from others, such as {left}, in a way "
            "that is not known here. Call `torch.nn.utils.parametrize.remove_parametrizations` or "
            "`torch.nn.utils.prune.remove` for it, and save the network again."
        )


def _masked(state: State, said: list[str]) -> State:
    """Weights times the masks of `torch.nn.utils.prune`."""
    masked = [key.removesuffix("_mask") for key in state if key.endswith("_mask") and f"{key[:-5]}_orig" in state]
    if not masked:
        return state
    products = {key: state[f"{key}_orig"] * state[f"{key}_mask"].to(state[f"{key}_orig"]) for key in masked}
    kept = sum(int(each.count_nonzero()) for each in products.values())
    removed = percent(1 - kept / sum(each.numel() for each in products.values()), 0)
    said.append(f"Pruning masks of {_count(masked)} were applied: {removed} of their values are zero.")
    return _replaced(state, products, ("_orig", "_mask"))


def _spectral(state: State, said: list[str]) -> State:
    """Weights divided by the largest singular value, as `spectral_norm` estimates it in evaluation mode."""
    normed = [
        key.removesuffix("_orig")
        for key in state
        if key.endswith("_orig") and f"{key.removesuffix('_orig')}_u" in state
    ]
    if not normed:
        return state
    products: State = {}
    for key in normed:
        weight, left, right = state[f"{key}_orig"], state[f"{key}_u"], state.get(f"{key}_v")
        matrix = weight.flatten(1)
        if right is None or matrix.shape != (len(left), len(right)):
            raise BadSettings(
                f"{key} has a spectral norm whose vectors do not fit it. Call "
                "`torch.nn.utils.remove_spectral_norm` for its layer, and save the network again."
            )
        products[key] = weight / (left @ matrix @ right)
    said.append(f"Spectral norms of {_count(normed)} were applied.")
    return _replaced(state, products, ("_orig", "_u", "_v"))


def _weight_norms(state: State, said: list[str]) -> State:
    """Directions times lengths, as `weight_norm` has them."""
    normed = [key.removesuffix("_g") for key in state if key.endswith("_g") and f"{key.removesuffix('_g')}_v" in state]
    if not normed:
        return state
    products: State = {}
    for key in normed:
        length, direction = state[f"{key}_g"], state[f"{key}_v"]
        shape = tuple(length.shape)
        if length.numel() > 1 and (len(shape) != direction.ndim or prod(shape) not in direction.shape):
            raise BadSettings(
                f"{key}_g has shape {shape} and {key}_v {tuple(direction.shape)}, which is no weight norm. Call "
                "`torch.nn.utils.remove_weight_norm` for its layer, and save the network again."
            )
        over = [each for each in range(direction.ndim) if length.numel() == 1 or shape[each] == 1]
        products[key] = direction * (length / torch.linalg.vector_norm(direction, dim=over, keepdim=True))
    said.append(f"Weight norms of {_count(normed)} were applied.")
    return _replaced(state, products, ("_g", "_v"))


def _replaced(state: State, products: State, endings: tuple[str, ...]) -> State:
    """Each product at the first place of its module, since a weight comes before a bias in a state dict."""
    owners = {f"{key}{ending}": key for key in products for ending in endings}
    at = {key.rpartition(".")[0]: key for key in products if key.endswith("weight")}
    found: State = {}
    for key, tensor in state.items():
        for each in (at.get(key.rpartition(".")[0]), owners.get(key)):
            if each is not None:
                found.setdefault(each, products[each])
        if key not in owners:
            found[key] = tensor
    return found


def _with_affine_norms(state: State, said: list[str]) -> State:
    """Weights of one and biases of zero for norms without them."""
    found: State = {}
    added: set[str] = set()
    for key, tensor in state.items():
        module, _, last = key.rpartition(".")
        if last == "running_mean":
            for name, value in (("weight", 1.0), ("bias", 0.0)):
                if (missing := f"{module}.{name}" if module else name) not in state:
                    found[missing] = torch.full_like(tensor, value)
                    added.add(module)
        found[key] = tensor
    if added:
        said.append(f"{len(added)} norms have no weight or no bias: weights of 1 and biases of 0 were taken.")
    return found


def _count(names: list[str]) -> str:
    return f"{len(names)} {'weight' if len(names) == 1 else 'weights'}"
