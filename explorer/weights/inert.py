"""Values of third-party pickles: plain ones, descriptions of tensors, and stand-ins for all else.

None of these classes does anything: their objects hold what the file says of an object, and nothing of its class.
Importing this does not import torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that a pickle names; it is not looked up.

    Attributes:
        path: module and name, joined by a dot.
    """

    path: str


@dataclass(slots=True, eq=False)
class Thing:
    """An object of a class that is not known here.

    Attributes:
        kind: its class, by module and name.
        values: its attributes, and its items if it is a mapping.
        items: if it is a list.
    """

    kind: str
    values: dict[Any, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)

    @property
    def is_module(self) -> bool:
        """Whether it is a network, not only its weights."""
        return {"_parameters", "_modules"} <= self.values.keys()


@dataclass(frozen=True, slots=True)
class Storage:
    """The memory of tensors, which lies elsewhere in the file.

    Attributes:
        dtype: name in torch, such as "float32"; "uint8" if it holds bytes of any type.
        key: its name in the file.
        elements: their number, as the pickle says.
    """

    dtype: str
    key: str
    elements: int


@dataclass(frozen=True, slots=True)
class Described:
    """A tensor as a pickle describes it; its numbers have not been read.

    Attributes:
        start: of its first element in the storage; start and strides are in elements.
        special: what makes it unusable, such as "sparse"; empty for a dense one.
    """

    storage: Storage
    dtype: str
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    special: str = ""


@dataclass(slots=True, eq=False)
class Array:
    """A numpy array.

    Attributes:
        dtype: name in torch and numpy.
        content: its numbers, in memory order.
        columns_first: whether the first axis is that of neighbours in memory.
    """

    dtype: str = ""
    shape: tuple[int, ...] = ()
    content: bytes = b""
    columns_first: bool = False
    big_endian: bool = False


class RefusedError(Exception):
    """A pickle names or calls what could run code; the text is its name."""


def give_state(target: object, state: object) -> None:
    """Keep the attributes of an object, as its `__setstate__` would get them."""
    if isinstance(target, Array):
        fill(target, state)
        return
    if not isinstance(target, Thing):
        return  # attributes of an OrderedDict, flags of a parameter: of no use
    if target.kind == "numpy.dtype" and isinstance(state, tuple) and len(state) > 1:
        target.values["order"] = state[1]
    both = state if isinstance(state, tuple) and len(state) == 2 else (state,)  # the second has those of slots
    for each in both:
        if isinstance(each, dict):
            target.values.update(each)


def put(target: object, key: object, value: object) -> None:
    """Keep an item of a mapping; keys other than texts and short integers are of no use, and hashing may take long.

    Raises:
        TypeError: it is no mapping.
    """
    values = target.values if isinstance(target, Thing) else target
    if not isinstance(values, dict):
        raise TypeError("items of what is no mapping")
    if isinstance(key, str) or (isinstance(key, int) and abs(key) < 2**60):
        values[key] = value


def add(target: object, values: list[Any]) -> None:
    """Keep items of a list or set.

    Raises:
        TypeError: it is neither.
    """
    items = target.items if isinstance(target, Thing) else target
    if not isinstance(items, list):
        raise TypeError("items of what is no list")
    items.extend(values)


def fill(array: Array, state: object) -> None:
    """From (version, shape, type, whether columns come first, content)."""
    if not isinstance(state, tuple) or len(state) != 5:
        return
    _, shape, dtype, columns_first, content = state
    if isinstance(content, bytearray):  # in protocol 5
        content = bytes(content)
    if isinstance(content, str):  # from Python 2
        content = content.encode("latin-1")
    if not isinstance(dtype, Thing) or not isinstance(content, bytes) or (sizes := integers(shape)) is None:
        return
    array.dtype = NUMBERS.get(dtype.values.get("code", ""), ("object", ""))[0]
    array.shape, array.content, array.columns_first = sizes, content, columns_first is True
    array.big_endian = dtype.values.get("order") == ">"


def integers(values: object) -> tuple[int, ...] | None:
    """A tuple of sizes; None if it is something else."""
    if not isinstance(values, list | tuple) or len(values) > 20:
        return None
    if not all(type(each) is int and 0 <= each < 2**62 for each in values):
        return None
    return tuple(values)


# Of numpy's types by their codes: the name in torch and numpy, the code in `struct`
NUMBERS: Mapping[str, tuple[str, str]] = {
    "f2": ("float16", "e"), "f4": ("float32", "f"), "f8": ("float64", "d"),
    "i1": ("int8", "b"), "i2": ("int16", "h"), "i4": ("int32", "i"), "i8": ("int64", "q"),
    "u1": ("uint8", "B"), "u2": ("uint16", "H"), "u4": ("uint32", "I"), "u8": ("uint64", "Q"), "b1": ("bool", "?"),
}  # fmt: skip
