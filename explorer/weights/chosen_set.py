"""Choose one of the sets of weights in a file: the one named, else the first that fits, averaged ones last."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from explorer.errors import BadSettings, quoted
from explorer.models.config import NetworkConfig
from explorer.weights.contents import WeightsFile

MOST_LISTED = 6  # names in a sentence

_AVERAGED = re.compile(r"(?:^|[._+])(?:\w+_)?(?:ema|swa|averaged?|avg|shadow|polyak)(?:$|[._+\d])", re.IGNORECASE)
# Networks beside the one that is trained
_BESIDE = re.compile(
    r"(?:^|[._])(?:teacher|encoder_k|key_encoder|momentum_encoder|target|target_network|target_encoder|attacker|"
    r"discriminator)(?:$|[._\d])"
)
# Last parts of keys of layers, in plain, pruned and normalised ones
_OF_LAYERS = re.compile(r"weight|weight_\w+|kernel(?::0)?|original\d?|running_(?:mean|var)|gamma|scale")


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """One set of weights of a file.

    Attributes:
        place: of the set, a key of `WeightsFile.sets`; others: those that were not taken.
        state: its tensors.
        config: of the network that they fit.
        decisions: which was taken and what was left out, one sentence each.
    """

    place: str
    state: Mapping[str, Tensor]
    config: NetworkConfig
    others: tuple[str, ...]
    decisions: tuple[str, ...]


def chosen_set(
    file: WeightsFile, fits: Callable[[Mapping[str, Tensor]], NetworkConfig], wanted: str | None = None
) -> Chosen:
    """The set that is named, or the first that fits: in the file's order, but averages and teachers after others.

    Tensors that belong to no layer are left out where a set fits without them, and not with them.

    Args:
        fits: gives the network that weights fit; raises BadSettings if they fit none.
        wanted: the place of a set, or its last part; None chooses.

    Raises:
        BadSettings: there is no such set, or none fits; then the message is that of the first.
    """
    ranked = sorted(file.sets, key=lambda place: _rank(place, file))
    tried = ranked if wanted is None else [_place(file, wanted)]
    errors = []
    for place in tried:
        for state, strangers in _variants(file.sets[place]):
            try:
                config = fits(state)
            except BadSettings as error:
                errors.append(error)
                continue
            others = tuple(each for each in file.sets if each != place)
            said = [*_taken(place, others, file), *_left_out(file, strangers)]
            return Chosen(place, state, config, others, tuple(said))
    if len(tried) > 1:
        rest = _listed([_name(each) for each in tried[1:]])
        raise BadSettings(f"{errors[0]} That is {_name(tried[0])}; {rest} of the same file do not fit either.")
    raise errors[0]


def _rank(place: str, file: WeightsFile) -> int:
    if is_averaged(place, file):
        return 2
    return 1 if _BESIDE.search(place) else 0


def is_averaged(place: str, file: WeightsFile) -> bool:
    """Whether a set is an average over training."""
    return place in file.averaged or _AVERAGED.search(place) is not None


def _place(file: WeightsFile, wanted: str) -> str:
    if wanted in file.sets:
        return wanted
    ending = [place for place in file.sets if place.endswith(f".{wanted}")]
    if wanted and len(ending) == 1:
        return ending[0]
    names = _listed([_name(each) for each in file.sets])
    raise BadSettings(f"`weights` (={quoted(wanted)}) is no set of weights in this file, which has {names}.")


def _variants(state: Mapping[str, Tensor]) -> list[tuple[Mapping[str, Tensor], list[str]]]:
    """A set as it is, and without tensors of modules that have none of a layer's."""
    modules = {key.rpartition(".")[0] for key in state if _OF_LAYERS.fullmatch(key.rpartition(".")[2])}
    strangers = [key for key in state if key.rpartition(".")[0] not in modules]
    rest = {key: tensor for key, tensor in state.items() if key not in set(strangers)}
    return [(state, []), (rest, strangers)] if strangers and rest else [(state, [])]


def _taken(place: str, others: tuple[str, ...], file: WeightsFile) -> list[str]:
    if not others:
        return []
    about = ", an average over training" if is_averaged(place, file) else ""
    names = [f"{_name(each)}{' (an average over training)' if is_averaged(each, file) else ''}" for each in others]
    taken = f"The file holds {len(file.sets)} sets of weights. Taken: {_name(place)}{about}."
    return [f"{taken} Name another with `weights`: {_listed(names)}."]


def _left_out(file: WeightsFile, strangers: list[str]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name, reason in file.left_out.items():
        reasons.setdefault(reason, []).append(name)
    if strangers:
        reasons["of no layer"] = strangers
    return [f"Left out: {_listed(names)} ({reason.rstrip('.')})." for reason, names in reasons.items()]


def _name(place: str) -> str:
    return f"'{place}'" if place else "the file itself"


def _listed(names: list[str]) -> str:
    if len(names) > MOST_LISTED:
        names = [*names[: MOST_LISTED - 1], f"{len(names) - MOST_LISTED + 1} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
