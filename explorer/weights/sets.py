"""Which mappings in the content of a file are the weights of networks, and what lies beside them.

Works on descriptions of tensors: their names and shapes decide, no number is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import Tensor

from explorer.weights.inert import Array, Described, Thing
from explorer.weights.strangers import MEAN_NAMES, STD_NAMES, stranger

Value = Described | Array | Tensor
Numbers = tuple[float, ...]

MOST_LEVELS = 4  # of mappings in mappings
MOST_ITEMS = 200  # of a list that may hold sets of weights
MOST_CLAIMS, MOST_CLAIM_CHARACTERS = 60, 80

# Modules around others, wherever they occur: of DataParallel, torch.compile, FSDP and checkpointed activations
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# Usual names of the network within another module
PREFIXES = ("model.", "net.", "network.", "backbone.", "resnet.", "encoder.", "base_model.", "feature_extractor.")

_LINEAR = {"weight", "weight_orig", "weight_v", "original0", "original", "original1", "kernel", "kernel:0"}
_TRAINING = re.compile(
    r"(?:\w+_)?(?:optim(?:i[sz]er)?s?|(?:lr_)?sched(?:uler)?s?|scaler|grads?|gradients?|momentum|momentum_buffer|"
    r"velocity|exp_avg|exp_avg_sq|max_exp_avg_sq|fisher|hessian|masks?|callbacks|loops|rng|rng_states?)"
    r"(?:_(?:states?|state_dict|dict|params?))?",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"[A-Za-z][\w./@ -]{0,40}")


@dataclass(slots=True)
class Sets:
    """What was found in a file.

    Attributes:
        weights: sets of weights by their place in the file; the file itself has the place "".
        left_out: why tensors belong to no set, by their names.
        averaged: places of sets that are averages over training, as far as the tensors show.
        mean, std: of a normalisation in front of the network.
        claims: plain numbers and short texts beside the weights, by their places; tensors of one number among them.
        modules: classes of whole networks, which were pickled with their code's names.
        lightning: whether PyTorch Lightning wrote it.
    """

    weights: dict[str, dict[str, Value]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    averaged: set[str] = field(default_factory=set)
    mean: Value | Numbers | None = None
    std: Value | Numbers | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    lightning: bool = False


def sets_in(content: object) -> Sets:
    """The sets of weights in an inert value, in the file's order.

    A set is a mapping with a convolution, at most `MOST_LEVELS` deep; without any, the mapping with the most tensors.
    States of optimisers are none. A mapping that holds several networks under different prefixes becomes several sets.
    """
    found = Sets()
    found.lightning = isinstance(content, dict) and "pytorch-lightning_version" in content
    loose: dict[str, dict[str, Value]] = {}
    for place, values in _mappings(content, "", found, set(), MOST_LEVELS):
        tensors = {key: value for key, value in values.items() if isinstance(key, str) and _is_tensor(value)}
        if any(len(each.shape) == 4 for each in tensors.values()):
            _Split(found, place, tensors).networks()
        elif tensors:
            loose[place] = tensors
        _claims(found, place, values)
    _join(found, loose)
    for place, tensors in loose.items():
        _normalisation(found, tensors)
        numbers = {key: each for key, each in tensors.items() if prod(each.shape) == 1}
        found.claims |= {_joined(place, key): each for key, each in numbers.items() if _CLAIM.fullmatch(key)}
    if not found.weights and loose:
        place = max(loose, key=lambda each: len(loose[each]))
        _Split(found, place, loose[place]).networks()
    found.claims = dict(list(found.claims.items())[:MOST_CLAIMS])
    _drop_doubles(found)
    return found


def _mappings(
    content: object, place: str, found: Sets, seen: set[int], levels: int
) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """The mappings in a value, each once, with their places; whole networks and optimisers are passed over."""
    if isinstance(content, Thing) and content.is_module:
        found.modules.append(content.kind)
        return
    values: Mapping[Any, Any]
    if isinstance(content, Thing):
        values = content.values or {str(number): each for number, each in enumerate(content.items[:MOST_ITEMS])}
    elif isinstance(content, list | tuple):
        values = {str(number): each for number, each in enumerate(content[:MOST_ITEMS])}
    elif isinstance(content, dict):
        values = content
    else:
        return
    if id(content) in seen or "param_groups" in values:
        return
    seen.add(id(content))
    yield place, values
    if levels:
        for key, value in values.items():
            if isinstance(value, dict | list | tuple | Thing) and not _TRAINING.fullmatch(str(key)):
                yield from _mappings(value, _joined(place, str(key)), found, seen, levels - 1)


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _is_tensor(value: object) -> bool:
    return isinstance(value, Described | Tensor) or (isinstance(value, Array) and value.dtype not in ("", "object"))


def _claims(found: Sets, place: str, values: Mapping[Any, Any]) -> None:
    if place.count(".") > 1:
        return
    _listed_normalisation(found, values)
    for key, value in list(values.items())[: 10 * MOST_CLAIMS]:
        if isinstance(key, str) and _CLAIM.fullmatch(key) and _is_short(value):
            found.claims[_joined(place, key)] = value


def _listed_normalisation(found: Sets, values: Mapping[Any, Any]) -> None:
    """Mean and deviation as plain lists in a mapping of settings."""
    mean, std = (values.get(key) for key in ("mean", "std"))
    if found.mean is None and all(
        isinstance(each, list | tuple) and len(each) in (1, 3) and all(isinstance(n, int | float) for n in each)
        for each in (mean, std)
    ):
        found.mean, found.std = tuple(map(float, mean or ())), tuple(map(float, std or ()))


def _is_short(value: object) -> bool:
    """Whether a value is a finite number or a printable text of one short line."""
    if isinstance(value, str):
        return len(value) <= MOST_CLAIM_CHARACTERS and value.isprintable()
    return isinstance(value, int | float) and -1e15 < value < 1e15  # False for NaN


class _Split:
    """The networks in one mapping.

    Attributes:
        place: of the mapping in the file.
        tensors: all of its tensors.
    """

    def __init__(self, found: Sets, place: str, tensors: Mapping[str, Value]) -> None:
        self.found, self.place, self.tensors = found, place, tensors
        self.channels = 3 if any(len(each.shape) == 4 and each.shape[1] == 3 for each in tensors.values()) else 1

    def networks(self) -> None:
        """Add them to what was found."""
        self._split(self.place, "", {key: key for key in self.tensors})

    def _split(self, place: str, inside: str, names: dict[str, str]) -> None:
        """Add the networks among tensors.

        Args:
            place: of the set, if it is one.
            inside: prefix of all names that has been removed since.
            names: the tensors' names in the file, by those without prefixes.
        """
        names = self._without_strangers(place, _without_shared_prefix(_without_wrappers(names)))
        names = _without_shared_prefix(names)
        members: dict[str, dict[str, str]] = {}
        for key, name in names.items():
            members.setdefault(key.partition(".")[0], {})[key.partition(".")[2]] = name
        whole = [each for each, those in members.items() if "" not in those and self._is_whole(those)]
        rest = {name for each, those in members.items() if each not in whole for name in those.values()}
        if not whole or any(self._is_linear(name) for name in rest):
            self._add(place, _without_part_prefix(names))
            return
        for name in rest:
            self.found.left_out[_joined(self.place, name)] = f"outside of {', '.join(whole)}"
        for each in whole:
            deeper = f"{inside}{each}."
            if len(whole) > 1:
                self._split(_joined(place, deeper.removesuffix(".")), "", members[each])
            else:
                self._split(place, deeper, members[each])

    def _add(self, place: str, names: dict[str, str]) -> None:
        weights = {}
        for key, name in names.items():
            tensor = self.tensors[name]
            if key.rpartition(".")[2] == "num_batches_tracked" and len(tensor.shape):
                continue  # of no use, and one number in a list after some conversions
            weights[key] = tensor
        self.found.weights[place] = weights

    def _without_strangers(self, place: str, names: dict[str, str]) -> dict[str, str]:
        """Without tensors that are no layers, by their names."""
        tensors = {key: self.tensors[name] for key, name in names.items()}
        used = _normalisation(self.found, tensors)
        kept = {}
        for key, name in names.items():
            reason = "gives the normalisation" if key in used else stranger(key)
            if not reason:
                kept[key] = name
                continue
            self.found.left_out[_joined(self.place, name)] = reason
            if key.rpartition(".")[2] == "n_averaged":
                self.found.averaged.add(place)
        return kept

    def _is_linear(self, name: str) -> bool:
        return len(self.tensors[name].shape) == 2 and re.split(r"[./]", name)[-1] in _LINEAR

    def _is_whole(self, names: Mapping[str, str]) -> bool:
        """Whether tensors are a whole network: with a stem, further convolutions, and a linear map."""
        shapes = [self.tensors[name].shape for name in names.values() if len(self.tensors[name].shape) == 4]
        stems = any(shape[1] == self.channels and shape[2] > 1 for shape in shapes)
        return stems and len(shapes) > 1 and any(self._is_linear(name) for name in names.values())


def _normalisation(found: Sets, tensors: Mapping[str, Value]) -> set[str]:
    """The keys of mean and deviation of a normalisation before the network, which are kept."""
    for key, mean in tensors.items():
        module, _, last = key.rpartition(".")
        if last not in MEAN_NAMES or prod(mean.shape) not in (1, 3) or len(mean.shape) > 4:
            continue
        for other in STD_NAMES:
            std = tensors.get(_joined(module, other))
            if std is not None and prod(std.shape) in (1, 3):
                if found.mean is None:
                    found.mean, found.std = mean, std
                return {key, _joined(module, other)}
    return set()


def _without_wrappers(names: dict[str, str]) -> dict[str, str]:
    """Without modules around others, unless two tensors would have one name then."""
    shorter = {".".join(part for part in key.split(".") if part not in WRAPPERS): name for key, name in names.items()}
    return shorter if len(shorter) == len(names) and "" not in shorter else names


def _without_shared_prefix(names: dict[str, str]) -> dict[str, str]:
    for prefix in PREFIXES:
        if names and all(key.startswith(prefix) and key != prefix for key in names):
            return _without_shared_prefix({key.removeprefix(prefix): name for key, name in names.items()})
    return names


def _without_part_prefix(names: dict[str, str]) -> dict[str, str]:
    """Without a prefix that only a part has, such as all but the classifier, unless names would be equal then."""
    for prefix in PREFIXES:
        if any(key.startswith(prefix) and key != prefix for key in names):
            shorter = {key.removeprefix(prefix): name for key, name in names.items()}
            return shorter if len(shorter) == len(names) and "" not in shorter else names
    return names


def _join(found: Sets, loose: dict[str, dict[str, Value]]) -> None:
    """Join a network that was saved in two mappings, its classifier apart, if there is one of each."""
    bodies = [place for place, state in found.weights.items() if not any(_is_map(key, state) for key in state)]
    ends = [place for place, state in loose.items() if sum(_is_map(key, state) for key in state) == 1]
    if (
        len(found.weights) == len(bodies) == len(ends) == 1
        and bodies[0].rpartition(".")[0] == ends[0].rpartition(".")[0]
    ):
        end = loose.pop(ends[0])
        last = ends[0].rpartition(".")[2]
        body = found.weights.pop(bodies[0])
        found.weights[f"{bodies[0]}+{last}"] = body | {f"{last}.{key}": tensor for key, tensor in end.items()}


def _is_map(key: str, state: Mapping[str, Value]) -> bool:
    return len(state[key].shape) == 2 and key.rpartition(".")[2] in _LINEAR


def _drop_doubles(found: Sets) -> None:
    """Keep one of two sets that are the same tensors."""
    first: dict[tuple[object, ...], str] = {}
    for place, state in list(found.weights.items()):
        own = tuple(id(each) if isinstance(each, Tensor | Array) else each for each in state.values())
        if (same := first.setdefault(own, place)) != place:
            del found.weights[place]
            found.left_out[place or "the file"] = f"the same as {same or 'the file'}"
