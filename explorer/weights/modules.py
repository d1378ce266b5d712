"""Modules of a state dict, by name and in the order of use."""

import re
from collections.abc import Mapping
from math import inf

from torch import Tensor

Module = dict[str, Tensor]  # tensors by the last part of their keys


def modules_of(state: Mapping[str, Tensor]) -> dict[str, Module]:
    """The modules by name, in the order of their first keys; if keys are sorted, by the numbers in names."""
    found: dict[str, Module] = {}
    for key, tensor in state.items():
        name, _, last = key.rpartition(".")
        found.setdefault(name, {})[last] = tensor
    alphabetical = any(
        [key for key in each if key in ("weight", "bias")] == ["bias", "weight"] for each in found.values()
    )
    return {name: found[name] for name in sorted(found, key=natural)} if alphabetical else found


def natural(name: str) -> list[tuple[float, str]]:
    """A key for sorting names by the numbers in them: conv_2 before conv_10, and conv before both."""
    return [(float(each), "") if each.isdigit() else (inf, each) for each in re.split(r"([0-9]+)", name) if each != ""]


def parent(name: str) -> str:
    """The name of the module that holds another, or a tensor."""
    return name.rpartition(".")[0]


def is_convolution(module: Module) -> bool:
    """Whether it is a convolution of images."""
    return "weight" in module and module["weight"].ndim == 4


def is_linear(module: Module) -> bool:
    """Whether it is a linear map."""
    return "weight" in module and module["weight"].ndim == 2


def is_norm(module: Module) -> bool:
    """Whether it has running statistics."""
    return "running_mean" in module and "running_var" in module
