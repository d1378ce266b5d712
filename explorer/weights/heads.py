"""The layers after the last convolution: a classifier, or several linear maps that lead to one."""

from collections.abc import Iterable

import torch
from torch import Tensor

from explorer.errors import BadSettings
from explorer.registry import lookup
from explorer.weights.modules import Module, is_convolution, is_linear, is_norm, modules_of, natural, parent

State = dict[str, Tensor]

EPSILON = 1e-5  # of PyTorch's batch norm
HIDDEN, CLASSIFIER = "head.linear", "classifier"  # of our networks
_NAMES = ("classifier", "fc", "linear", "head", "logits", "predictions", "output")


def ordered_head(state: State, said: list[str], *, head: str = "", classes: int = 0, linear: bool = False) -> State:
    """The head as our networks have it: hidden layers, then the classifier with a bias; adds sentences to `said`.

    Batch norms between linear maps are folded into them. Tensors of other heads are left out.

    Args:
        head: name of the last linear map of the head to take, if there are several; empty: see `classes`.
        classes: how many outputs the head to take has; 0 if unknown.
        linear: whether nothing is between the linear maps.

    Raises:
        BadSettings: there are several heads and neither `head` nor `classes` chooses one, or a norm cannot be folded.
    """
    modules = modules_of(state)
    maps = _maps(modules)
    if not maps:
        return state  # the error about it is raised where layers are recognised
    chain = list(maps) if _ours(maps) else _chosen(_chains(modules, maps), maps, head, classes, said)
    norms = [name for name, each in modules.items() if is_norm(each) and _in_head(name, modules, chain)]
    if len(maps) == 1 and not norms:
        return _with_bias(state, chain[0], said)
    if left_out := [name for name in maps if name not in chain]:
        said.append(f"Left out, since the outputs do not depend on it: {', '.join(sorted(left_out, key=natural))}.")
    layers = _folded(modules, chain, norms, said)
    layers = [_product(layers)] if linear else layers
    found = {key: tensor for key, tensor in state.items() if parent(key) not in {*maps, *norms}}
    for number, (weight, bias) in enumerate(layers, start=1):
        name = f"{HIDDEN}{number}" if number < len(layers) else CLASSIFIER
        found |= {f"{name}.weight": weight, f"{name}.bias": bias}
    if len(layers) > 1 and not _ours(maps):
        widths = " → ".join(str(each) for each in (layers[0][0].shape[1], *(len(weight) for weight, _ in layers)))
        said.append(
            f"The head has {len(layers)} linear maps, {widths}: assumed a ReLU between them, as weights do not show. "
            "If nothing is between them, name the network without its head, such as resnet18, with `network`."
        )
    return found


def linear_classifier(state: State, said: list[str]) -> State:
    """A last 1x1 convolution to the classes as a linear map."""
    modules = modules_of(state)
    if any(is_linear(each) and not _in_block(name, modules) for name, each in modules.items()):
        return state
    convolutions = [name for name, each in modules.items() if is_convolution(each)]
    named = [name for name in convolutions if any(each in _NAMES for each in name.split("."))]
    for name in [*named, *convolutions[-1:]][:1]:
        weight = modules[name]["weight"]
        if weight.shape[2:] == (1, 1) and (named or not any(is_norm(each) for each in _after(modules, name))):
            said.append(f"The classifier {name} is a 1×1 convolution, which is a linear map after the average pooling.")
            return {key: tensor[:, :, 0, 0] if key == f"{name}.weight" else tensor for key, tensor in state.items()}
    return state


def _after(modules: dict[str, Module], name: str) -> list[Module]:
    names = list(modules)
    return [modules[each] for each in names[names.index(name) + 1 :]]


def _maps(modules: dict[str, Module]) -> dict[str, Module]:
    """Linear maps outside of blocks, by name, in order."""
    found = {name: each for name, each in modules.items() if is_linear(each) and not _in_block(name, modules)}
    if _ours(found):
        order = sorted(found, key=lambda name: (name == CLASSIFIER, natural(name)))
        return {name: found[name] for name in order}
    return found


def _ours(names: Iterable[str]) -> bool:
    return all(name.startswith(HIDDEN) or name == CLASSIFIER for name in names)


def _in_block(name: str, modules: dict[str, Module]) -> bool:
    """Whether a module around it holds some of the convolutions, but not all, so that it is an excitation."""
    convolutions = [each for each, module in modules.items() if is_convolution(module)]
    holder = parent(name)
    while holder:
        inside = sum(each.startswith(f"{holder}.") for each in convolutions)
        if 0 < inside < len(convolutions):
            return True
        holder = parent(holder)
    return False


def _chains(modules: dict[str, Module], maps: dict[str, Module]) -> list[list[str]]:
    """The ways from the features through linear maps to an output."""
    widest = max((len(each["weight"]) for each in modules.values() if is_convolution(each)), default=0)
    norms = {len(each["running_mean"]) for each in modules.values() if is_norm(each)}
    features = {widest, *(each for each in norms if each > widest)}  # wider in a dense network
    before: dict[str, str] = {}
    for place, (name, each) in enumerate(maps.items()):
        given = each["weight"].shape[1]
        earlier = [one for one in list(maps)[:place] if len(maps[one]["weight"]) == given]
        near = [one for one in earlier if parent(one) == parent(name)]
        if near or (earlier and given not in features):
            before[name] = (near or earlier)[-1]
    found = []
    for end in (name for name in maps if name not in before.values()):
        chain = [end]
        while chain[0] in before:
            chain.insert(0, before[chain[0]])
        found.append(chain)
    fitting = [chain for chain in found if maps[chain[0]]["weight"].shape[1] in features]
    return fitting or found


def _chosen(chains: list[list[str]], maps: dict[str, Module], head: str, classes: int, said: list[str]) -> list[str]:
    """The only way, the one that is named, or the only one to as many outputs as there are classes."""
    if len(chains) == 1 and not head:
        return chains[0]
    texts = {chain[-1]: f"{maps[chain[0]]['weight'].shape[1]} → {len(maps[chain[-1]]['weight'])}" for chain in chains}
    by_name = {chain[-1]: chain for chain in chains}
    named = " and ".join(f"{name} ({text})" for name, text in texts.items())
    if head:
        chosen = lookup(by_name, head, "head of these weights")
        said.append(f"Of the heads {named}, {head} was taken, as named.")
        return chosen
    right = [chain for chain in chains if classes and len(maps[chain[-1]]["weight"]) == classes]
    if len(right) == 1:
        said.append(f"Of the heads {named}, that with {classes} outputs was taken.")
        return right[0]
    count = "two" if len(chains) == 2 else str(len(chains))
    raise BadSettings(
        f"These weights have {count} heads: {named}. Name the one to take with `head`, such as {chains[0][-1]}."
    )


def _in_head(norm: str, modules: dict[str, Module], chain: list[str]) -> bool:
    """Whether a norm is among the linear maps: in the module that holds them alone, or else after the first of them."""
    holders = {parent(name) for name in chain}
    if parent(norm) not in holders or modules[norm]["running_mean"].ndim != 1:
        return False
    if parent(norm) and not any(
        each.startswith(f"{parent(norm)}.") and is_convolution(modules[each]) for each in modules
    ):
        return True
    names = list(modules)
    return names.index(norm) > names.index(chain[0])


def _folded(
    modules: dict[str, Module], chain: list[str], norms: list[str], said: list[str]
) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each linear map; norms are folded into them, maps without anything between multiplied."""
    sequence = chain if _ours(chain) else sorted([*chain, *norms], key=lambda name: list(modules).index(name))
    layers: list[tuple[Tensor, Tensor]] = []
    waiting: tuple[Tensor, Tensor] | None = None  # scale and shift of a norm before the next map
    last, joined = "", False  # whether nothing is between the last map and the last module
    for name in sequence:
        module, number = modules[name], _number(name)
        joined = joined and number is not None and parent(last) == parent(name) and _number(last) == number - 1
        if name in norms:
            width = len(layers[-1][0]) if layers and (joined or number is None) else len(module["running_var"])
            if any(module[each].shape != (width,) for each in ("weight", "bias", "running_mean", "running_var")):
                raise BadSettings(
                    f"The norm {name} of the head does not fit the linear map beside it, which has {width} channels. "
                    "Save the network again."
                )
            scale = module["weight"] / (module["running_var"] + EPSILON).sqrt()
            shift = module["bias"] - module["running_mean"] * scale
            if layers and (joined or number is None):
                weight, bias = layers[-1]
                layers[-1] = scale[:, None] * weight, scale * bias + shift
            else:
                waiting = scale, shift
        else:
            weight = module["weight"]
            bias = module.get("bias", torch.zeros(len(weight), dtype=weight.dtype))
            if waiting is not None:
                bias = bias + weight @ waiting[1]
                weight, waiting = weight * waiting[0], None
            layers = [*layers[:-1], _product([layers[-1], (weight, bias)])] if joined else [*layers, (weight, bias)]
            joined = True
        last = name
    if waiting is not None:
        raise BadSettings(
            f"The norm {last} after the last linear map cannot be folded into it. Save the network without."
        )
    if norms:
        said.append(
            f"The norms {', '.join(norms)} of the head were folded into its linear maps; the function is the same."
        )
    return layers


def _number(name: str) -> int | None:
    last = name.rpartition(".")[2]
    return int(last) if last.isdigit() else None


def _product(layers: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """One linear map instead of several."""
    weight, bias = layers[0]
    for more, shift in layers[1:]:
        weight, bias = more @ weight, more @ bias + shift
    return weight, bias


def _with_bias(state: State, name: str, said: list[str]) -> State:
    """A bias of zeros for a classifier without one."""
    if f"{name}.bias" in state:
        return state
    said.append("The classifier has no bias: zeros were taken.")
    found: State = {}
    for key, tensor in state.items():
        found[key] = tensor
        if key == f"{name}.weight":
            found[f"{name}.bias"] = torch.zeros(len(tensor), dtype=tensor.dtype)
    return found
