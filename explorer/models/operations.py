"""Operations on the blocks of a trained network, as settings and as text; importing this does not import torch.

    delete:2.3           leave out the branch of block 3 in stage 2; in a plain network the layers of the block
    swap:1.2-1.4         exchange the places of two blocks
    repeat:3.1           apply a block once more, directly after itself
    reinit:2.1@0         give a block its weights after step 0 of the training, or after that of a snapshot
    reinit:2.1@seed7     give it new weights, drawn with a seed
    shortcut:2.1@0.5     multiply the shortcut of a block; shortcut:0.5 those of all blocks
    branch:2.1@0.5       multiply the branch of a block; branch:0.5 those of all blocks

Several are separated by commas. A block keeps its number when it changes its place.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, get_args

from explorer.errors import BadSettings, quoted
from explorer.models.config import NetworkConfig
from explorer.models.names import SCALE_DECIMALS, factor_text
from explorer.models.structure import BlockShape, block_shapes
from explorer.registry import lookup
from explorer.settings import require_between

Kind = Literal["delete", "swap", "repeat", "reinit", "shortcut", "branch"]
Place = tuple[int, int]  # stage and block within it, from 1

KINDS: tuple[Kind, ...] = get_args(Kind)
LARGEST_FACTOR = 2.0
MOST_OPERATIONS = 1000

_PLACE = r"([0-9]{1,5})\.([0-9]{1,5})"
_FACTOR = rf"(?:{_PLACE}@)?([0-9](?:\.[0-9]{{1,{SCALE_DECIMALS}}})?)"
_FORMS: dict[Kind, tuple[str, str]] = {  # what follows the colon, and an example
    "delete": (_PLACE, "delete:2.3"),
    "swap": (f"{_PLACE}-{_PLACE}", "swap:1.2-1.4"),
    "repeat": (_PLACE, "repeat:3.1"),
    "reinit": (rf"{_PLACE}@((?:seed)?[0-9]{{1,10}})", "reinit:2.1@0 or reinit:2.1@seed7"),
    "shortcut": (_FACTOR, "shortcut:2.3@0.5"),
    "branch": (_FACTOR, "branch:2.3@0.5"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        kind: of `KINDS`.
        block: the block; None takes all that allow it, for "shortcut" and "branch".
        other: the block that it is swapped with.
        weights: that it gets: a step of the training such as "0", or "seed7".
        factor: of its shortcut or branch, 0 to `LARGEST_FACTOR`; rounded to four decimals.

    Raises:
        BadSettings: a part that the kind needs is missing, has one that it does not need, or is out of bounds.
    """

    kind: Kind
    block: Place | None = None
    other: Place | None = None
    weights: str = ""
    factor: float = 1.0

    def __post_init__(self) -> None:
        require_between("factor", self.factor, 0, LARGEST_FACTOR)
        object.__setattr__(self, "factor", round(float(self.factor), SCALE_DECIMALS))
        if _operation(str(self)) != _parts(self):
            raise BadSettings(
                f"`Operation` (={quoted(str(self))}) is not complete, or has too much. {_rule(self.kind)}"
            )

    def __str__(self) -> str:
        block = "" if self.block is None else "{}.{}".format(*self.block)
        if self.kind == "swap" and self.other is not None:
            return "swap:{}-{}.{}".format(block, *self.other)
        if self.kind == "reinit":
            return f"reinit:{block}@{self.weights}"
        if self.kind in ("shortcut", "branch"):
            return f"{self.kind}:{block}{'@' if block else ''}{factor_text(self.factor)}"
        return f"{self.kind}:{block}"


Operations = str | Sequence[Operation]


@dataclass(frozen=True, slots=True)
class OperatedBlock:
    """What stands in one place of an operated network.

    Attributes:
        block: of the network.
        times: it is applied.
        deleted: only its shortcut is left; in a plain network nothing.
        weights: a step of the training or a seed, see `Operation`; empty for its own.
        shortcut, branch: their factors.
    """

    block: Place
    times: int = 1
    deleted: bool = False
    weights: str = ""
    shortcut: float = 1.0
    branch: float = 1.0


Arrangement = tuple[OperatedBlock, ...]  # in the order of the places


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be done with a block.

    Attributes:
        refused: why not, by kind of operation, as the end of a sentence; kinds that are possible are left out.
        partners: blocks that it can be swapped with.
    """

    stage: int
    block: int
    refused: dict[Kind, str] = field(default_factory=dict)
    partners: tuple[Place, ...] = ()


def parsed(operations: Operations) -> tuple[Operation, ...]:
    """Operations of a text such as "delete:2.3,swap:1.2-1.4"; the inverse of `operations_text`.

    Raises:
        UnknownName: no operation is called so.
        BadSettings: an operation is not written as it should be, or there are too many.
    """
    if not isinstance(operations, str):
        found = tuple(operations)
    else:
        found = tuple(Operation(*_operation(each.strip())) for each in operations.split(",") if each.strip())
    require_between("number of operations", len(found), 0, MOST_OPERATIONS)
    return found


def operations_text(operations: Iterable[Operation]) -> str:
    """Operations as text; empty for none."""
    return ",".join(map(str, operations))


@lru_cache(maxsize=64)
def possible(config: NetworkConfig) -> tuple[Possible, ...]:
    """What can be done with each block, in order, and why not."""
    shapes = block_shapes(config)
    alike: defaultdict[tuple[int, int, int], list[Place]] = defaultdict(list)
    for each in shapes:
        alike[_shapes(each)].append((each.stage, each.block))
    found = []
    for each in shapes:
        partners = tuple(place for place in alike[_shapes(each)] if place != (each.stage, each.block))
        found.append(Possible(each.stage, each.block, _refused(config, each, swappable=bool(partners)), partners))
    return tuple(found)


@lru_cache(maxsize=64)
def intact(config: NetworkConfig) -> Arrangement:
    """The blocks as they are."""
    return tuple(OperatedBlock((each.stage, each.block)) for each in block_shapes(config))


def arrangement(config: NetworkConfig, operations: Operations) -> Arrangement:
    """What stands in each place after the operations, done one after the other.

    Raises:
        UnknownName, BadSettings: see `parsed`; or there is no such block, or the operation is not possible with it.
    """
    known = {(each.stage, each.block): each for each in possible(config)}
    places = list(intact(config))
    for each in parsed(operations):
        chosen = [number for number, there in enumerate(places) if _meant(each, known[there.block])]
        _require_possible(config, each, known, found=bool(chosen))
        if each.kind == "swap":
            first, second = chosen
            places[first], places[second] = places[second], places[first]
        else:
            for number in chosen:
                places[number] = _done(places[number], each)
    return tuple(places)


def _meant(operation: Operation, block: Possible) -> bool:
    if operation.block is None:
        return operation.kind not in block.refused
    return (block.stage, block.block) in (operation.block, operation.other)


def _done(there: OperatedBlock, operation: Operation) -> OperatedBlock:
    match operation.kind:
        case "delete":
            return replace(there, deleted=True)
        case "repeat":
            return replace(there, times=there.times + 1)
        case "reinit":
            return replace(there, weights=operation.weights)
        case "shortcut":
            return replace(there, shortcut=operation.factor)
        case _:
            return replace(there, branch=operation.factor)


def _require_possible(
    config: NetworkConfig, operation: Operation, known: dict[Place, Possible], *, found: bool
) -> None:
    for place in (operation.block, operation.other):
        if place is not None and place not in known:
            last = {each.stage: each.block for each in known.values()}
            stages = ", ".join(f"{stage}.1 to {stage}.{block}" for stage, block in last.items())
            raise BadSettings(f"`{operation}` names block {_name(place)}; the blocks of {config.name} are {stages}.")
    block = known[operation.block] if operation.block else next(iter(known.values()))
    reason = block.refused.get(operation.kind, "") if operation.block or not found else ""
    advice = _advice(known.values(), block, operation.kind)
    if not reason and operation.other and operation.other not in block.partners:
        itself = operation.other == operation.block
        reason = "a block cannot be swapped with itself" if itself else "the two take or give other shapes"
        advice = f"Block {block.stage}.{block.block} can be swapped with {', '.join(map(_name, block.partners))}"
    if reason:
        raise BadSettings(f"`{operation}` cannot be done in {config.name}: {reason}. {advice}.")


_RESHAPES = "its output has another shape than its input"


def _refused(config: NetworkConfig, shape: BlockShape, *, swappable: bool) -> dict[Kind, str]:
    """Why an operation is not possible."""
    reshapes = _shapes(shape) != (shape.width, shape.width, 1)
    reasons: dict[Kind, str] = {}
    if shape.shortcut == "none" and reshapes:
        reasons["delete"] = f"{_RESHAPES}, and there is no shortcut that could stay"
    if not swappable:
        reasons["swap"] = "no other block takes and gives the same shapes"
    if reshapes:
        reasons["repeat"] = f"{_RESHAPES}, so it cannot follow itself"
    if shape.shortcut in ("none", "concatenation"):
        reasons["shortcut"] = (
            "the shortcut of a dense layer is its input, which all later layers read"
            if config.dense
            else "a plain network has no shortcuts"
        )
    if shape.shortcut == "none":
        reasons["branch"] = (
            "a transition has no shortcut beside it" if config.dense else "a plain network has no sums with a branch"
        )
    return reasons


def _advice(known: Iterable[Possible], near: Possible, kind: Kind) -> str:
    """The next step after a refused operation."""
    others = [each for each in known if kind not in each.refused]
    if not others:
        return "This network has no block with which it can be done; choose another operation"
    nearest = min(others, key=lambda each: (abs(each.stage - near.stage), each.block))
    return f"Choose another block, such as {nearest.stage}.{nearest.block}"


def _shapes(shape: BlockShape) -> tuple[int, int, int]:
    return shape.in_width, shape.width, shape.stride


_Parts = tuple[Kind, Place | None, Place | None, str, float]


def _parts(operation: Operation) -> _Parts:
    return operation.kind, operation.block, operation.other, operation.weights, operation.factor


def _operation(text: str) -> _Parts:
    """The attributes of an `Operation` written as text."""
    name, _, rest = text.partition(":")
    kind = lookup({each: each for each in KINDS}, name, "operation")
    match = re.fullmatch(_FORMS[kind][0], rest, re.ASCII)
    if match is None:
        raise BadSettings(f"{quoted(text)} is not an operation. {_rule(kind)}")
    found = match.groups()
    block = None if found[0] is None else (int(found[0]), int(found[1]))
    if kind == "swap":
        return kind, block, (int(found[2]), int(found[3])), "", 1.0
    if kind == "reinit":
        return kind, block, None, _source(found[2]), 1.0
    if kind in ("shortcut", "branch"):
        return kind, block, None, "", float(found[2])
    return kind, block, None, "", 1.0


def _source(text: str) -> str:
    """Step or seed without leading zeros."""
    seed = "seed" if text.startswith("seed") else ""
    return f"{seed}{int(text.removeprefix('seed'))}"


def _rule(kind: Kind) -> str:
    return f"Write it as {_FORMS[kind][1]}: a block is STAGE.BLOCK."


def _name(place: Place) -> str:
    return f"{place[0]}.{place[1]}"
