"""State dicts with the names and axes of Keras, as those of PyTorch."""

import re
from collections.abc import Mapping

from torch import Tensor

from explorer.errors import BadSettings
from explorer.weights.modules import natural, parent

State = dict[str, Tensor]

NAMES = {
    "kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var",
}  # fmt: skip
ONLY_THERE = ("kernel", "gamma", "moving_mean", "moving_variance")
KINDS = ("conv", "norm")
EPSILON, USUAL_EPSILON, APPLICATIONS_EPSILON = 1e-5, 1e-3, 1.001e-5  # of PyTorch, Keras and keras.applications' ResNets

# Source: keras.applications.resnet; block 0 of a stage's four is the projection
_BLOCK = re.compile(r"conv(\d+)_block(\d+)_([0-3])_(conv|bn)")
_SECOND_VERSION = re.compile(r"(?:.*_preact_bn|post_bn)")


def from_keras(state: State, said: list[str]) -> State:
    """The same weights under PyTorch's names, in its axes and in order; other state dicts as they are.

    Raises:
        BadSettings: the network is one of keras.applications that is not built here.
    """
    keys = {key: re.sub(r":0$", "", key).replace("/", ".") for key in state}
    found = {name: state[key] for key, name in keys.items()}
    if not any(name.rpartition(".")[2] in ONLY_THERE for name in found):
        return state
    modules = {_module(name): _module(name).rpartition(".")[2] for name in found}
    if second := next((each for each in modules.values() if _SECOND_VERSION.fullmatch(each)), None):
        raise BadSettings(
            f"These are weights of the second version of Keras's ResNets, by the name {second}: they halve the image "
            "in the last block of a stage, and no network here does. Take those of ResNet50, ResNet101 or ResNet152."
        )
    applications = any(map(_BLOCK.fullmatch, modules.values()))
    names = _applications(modules) if applications else _flat(found)
    epsilon = APPLICATIONS_EPSILON if applications else USUAL_EPSILON
    rewritten: State = {}
    for name in sorted(found, key=lambda name: _place(name, names)):
        last = name.rpartition(".")[2]
        module = names.get(_module(name), _module(name))
        rewritten[f"{module}.{NAMES.get(last, last)}"] = _tensor(last, found[name], epsilon)
    network = " of keras.applications" if applications else ""
    said.append(
        f"Names and axes{network} are those of Keras; its norms add {epsilon:g} to the variance, 1e-05 here, and the "
        "difference was added to the variances."
    )
    return rewritten


def _module(name: str) -> str:
    """Its layer; files may repeat the name: conv1_conv/conv1_conv/kernel."""
    layer = parent(name)
    holder, _, last = layer.rpartition(".")
    return holder if holder.rpartition(".")[2] == last else layer


def _tensor(last: str, tensor: Tensor, epsilon: float) -> Tensor:
    if last == "kernel" and tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    if last == "kernel" and tensor.ndim == 2:
        return tensor.T.contiguous()
    return tensor + (epsilon - EPSILON) if last == "moving_variance" else tensor


def _place(name: str, names: dict[str, str]) -> tuple[bool, list[tuple[float, str]], int]:
    """Sort key: stem, blocks by number, end; in a layer the weight comes first."""
    module = names.get(_module(name), _module(name))
    order = list(NAMES).index(name.rpartition(".")[2]) if name.rpartition(".")[2] in NAMES else len(NAMES)
    return module.startswith("fc"), natural(module), order


def _applications(modules: Mapping[str, str]) -> dict[str, str]:
    """Names like torchvision's."""
    known = {"conv1_conv": "conv1", "conv1_bn": "bn1", "predictions": "fc", "probs": "fc"}
    found = {}
    for name, last in modules.items():
        if block := _BLOCK.fullmatch(last):
            stage, number, layer, kind = block.groups()
            part = f"{kind}{layer}" if layer != "0" else f"shortcut.{kind}"
            found[name] = f"layer{int(stage) - 1}.{int(number) - 1}.{part}"
        elif last in known:
            found[name] = known[last]
    return found


def _flat(state: State) -> dict[str, str]:
    """Names for layers that are only numbered, such as conv2d_3: pairs of a convolution and a norm."""
    layers = sorted({_module(name) for name in state}, key=natural)
    kernels = {_module(name): tensor for name, tensor in state.items() if name.endswith("kernel") and tensor.ndim == 4}
    means = {_module(name): tensor for name, tensor in state.items() if name.endswith("moving_mean")}
    convolutions, norms = ([each for each in layers if each in kind] for kind in (kernels, means))
    widths = [kernels[each].shape[3] for each in convolutions]
    if len({parent(each) for each in layers}) > 1 or widths != [len(means[each]) for each in norms]:
        return {}
    found: dict[str, str] = {}
    width, place = 0, -1  # of the convolution among those of blocks
    layers_in_block = 2 if [kernels[each].shape[0] for each in convolutions[1:2]] == [3] else 3
    for pair in zip(convolutions, norms, strict=True):
        height, _, given, own = kernels[pair[0]].shape
        beside = height == 1 and own == width != given  # a projection gives the width that its block has already
        place += not beside
        block, layer = divmod(max(place - 1, 0), layers_in_block)
        unit = f"blocks.{block}.{'shortcut.' if beside else ''}" if place else "0."
        number = "" if beside else layer + 1
        found |= {name: f"{unit}{kind}{number}" for name, kind in zip(pair, KINDS, strict=True)}
        width = own
    return found
