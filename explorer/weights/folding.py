"""Fold biases of convolutions into the norms after them, which subtract a mean anyway."""

from collections.abc import Iterator
from itertools import groupby, pairwise

from torch import Tensor

from explorer.weights.modules import Module, is_convolution, is_norm, modules_of, parent

State = dict[str, Tensor]


def folded_biases(state: State, said: list[str]) -> State:
    """The same function without biases of convolutions that a norm follows; adds a sentence to `said`.

    A norm gives the same for x + b with the mean m as for x with the mean m − b.
    Other biases stay; `weights.biases` folds those of pre-activation networks.
    """
    modules = modules_of(state)
    convolutions = {name: each for name, each in modules.items() if is_convolution(each)}
    biased = [name for name, each in convolutions.items() if "bias" in each]
    if not biased or not any(map(is_norm, modules.values())):
        return state
    kept = set(_excitations(convolutions))
    after = dict(_pairs({name: each for name, each in modules.items() if name not in kept}))
    found, folded = dict(state), 0
    for name in biased:
        bias, norm = convolutions[name]["bias"], after.get(name)
        if norm is not None and bias.shape == found[f"{norm}.running_mean"].shape:
            found[f"{norm}.running_mean"] = found[f"{norm}.running_mean"] - bias
            folded += 1
        elif name in kept or bias.any():
            continue
        del found[f"{name}.bias"]
    if folded:
        said.append(f"Biases of {folded} convolutions were folded into the norms after them; the function is the same.")
    return found


def _pairs(modules: dict[str, Module]) -> Iterator[tuple[str, str]]:
    """Each convolution with the norm after it."""
    groups = {
        name: ([each for each in inside if is_convolution(modules[each])], [x for x in inside if is_norm(modules[x])])
        for name, inside in _siblings(modules).items()
    }
    before = _before(modules, groups)
    paired: set[str] = set()
    for convolutions, norms in groups.values():
        for convolution, norm in zip(convolutions, norms[1:] if before else norms, strict=False):
            if _width(modules[convolution]) == len(modules[norm]["running_mean"]):
                yield convolution, norm
                paired |= {convolution, norm}
    if before:
        return
    # others: the next norm, if no other convolution comes first
    waiting = ""
    for name, module in modules.items():
        if is_convolution(module) and name not in paired:
            waiting = name
        elif is_norm(module) and name not in paired and waiting:
            if _width(modules[waiting]) == len(module["running_mean"]):
                yield waiting, name
            waiting = ""


def _siblings(modules: dict[str, Module]) -> dict[str, list[str]]:
    """Convolutions and norms by the module that holds them."""
    of_interest = [name for name, each in modules.items() if is_convolution(each) or is_norm(each)]
    ordered = sorted(of_interest, key=lambda name: list(modules).index(name))
    found: dict[str, list[str]] = {}
    for holder, names in groupby(ordered, key=parent):
        found.setdefault(holder, []).extend(names)
    return found


def _before(modules: dict[str, Module], groups: dict[str, tuple[list[str], list[str]]]) -> bool:
    """Whether norms come before their convolutions, as in pre-activation blocks.

    Widths tell: a norm has the width of the input or of the output of its convolution. Where both are the same
    everywhere, the order of the modules tells.
    """
    blocks = [(one, two) for one, two in groups.values() if len(one) > 1 and len(one) == len(two)]
    pairs = [(modules[one], modules[two]) for ones, twos in blocks for one, two in zip(ones, twos, strict=True)]
    as_output = all(_width(one) == len(two["running_mean"]) for one, two in pairs)
    as_input = all(one["weight"].shape[1] == len(two["running_mean"]) for one, two in pairs)
    if as_output and as_input and blocks:
        names = list(modules)
        return names.index(blocks[0][1][0]) < names.index(blocks[0][0][0])
    return as_input and not as_output


def _width(convolution: Module) -> int:
    return len(convolution["weight"])


def _excitations(convolutions: dict[str, Module]) -> Iterator[str]:
    """1x1 convolutions with biases that come in twos, to fewer channels and back."""
    names = list(convolutions)
    for one, two in pairwise(names):
        first, second = convolutions[one], convolutions[two]
        shapes = first["weight"].shape, second["weight"].shape
        swapped = shapes[0][:2] == shapes[1][:2][::-1] and shapes[0][0] < shapes[0][1]
        if swapped and shapes[0][2:] == shapes[1][2:] == (1, 1) and "bias" in first and "bias" in second:
            yield from (one, two)
