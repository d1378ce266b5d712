"""What the names and calls in a third-party pickle stand for: a table of the few that are known; all else is refused.

The functions of the table make inert values (`weights.inert`) from inert values. Importing this does not import torch.
"""

import re
import struct
import sys
from collections.abc import Callable
from math import isfinite
from typing import Any

from explorer.weights.inert import NUMBERS, Array, Described, Name, RefusedError, Storage, Thing, fill, integers, put

MOST_CHARACTERS = 200  # of the text of a path


def called(function: object, arguments: object) -> Any:
    """What stands for the result of a call.

    Raises:
        RefusedError: the function is not one of the few known ones.
    """
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        raise RefusedError(_described(function))
    if (known := _CALLS.get(function.path)) is not None:
        return known(function.path, *arguments)
    if _is_member_of_enumeration(function.path, arguments):
        return Thing(function.path, {"value": arguments[0]})
    raise RefusedError(function.path)


def named(module: str, name: str) -> Name:
    """What stands for a class or function.

    Raises:
        RefusedError: Python's own library has it, and it is not one of the few known ones.
    """
    module = _RENAMED.get(module, module).replace("numpy.core.", "numpy._core.").replace("pathlib._local", "pathlib")
    path = f"{module}.{name}"
    own = module.partition(".")[0] in _LIBRARY
    if own and path not in _CALLS and path not in _TYPES and not path.startswith("typing."):
        raise RefusedError(path)
    return Name(path)


def new(kind: object, arguments: object) -> Any:
    """What stands for a new object of a class, by its `__new__`.

    Raises:
        RefusedError: it is of no class.
    """
    if not isinstance(kind, Name) or not isinstance(arguments, tuple):
        raise RefusedError(_described(kind))
    if kind.path in _DICTIONARIES:
        return {}
    return Thing(kind.path)


def _described(value: object) -> str:
    """What a file tries to call, if it is not a name."""
    path = getattr(value, "kind", getattr(value, "path", ""))
    return path if isinstance(path, str) and path else type(value).__name__


def _is_member_of_enumeration(path: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a call gives a member of an `Enum`, as far as it shows: a class of somebody's, and one plain value."""
    module, _, name = path.rpartition(".")
    if module.partition(".")[0] in {"torch", "numpy", "typing"} or not re.fullmatch(r"[A-Z]\w*[a-z]\w*", name):
        return False
    (value,) = arguments if len(arguments) == 1 else (b"",)
    return value is None or type(value) in (bool, int, float) or bool(_is_word(value))


def _is_word(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.+-]{0,40}", value) is not None


def _thing(path: str, *arguments: object) -> Thing:
    return Thing(path)


def _dictionary(path: str, *arguments: object) -> dict[Any, Any]:
    """Of an OrderedDict, a defaultdict or a Counter; only the last two may begin with items."""
    found: dict[Any, Any] = {}
    first = arguments[0] if arguments else None
    for key, value in first.items() if isinstance(first, dict) else ():
        put(found, key, value)
    for pair in first if isinstance(first, list) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            put(found, pair[0], pair[1])
    return found


def _list(path: str, *arguments: object) -> list[Any]:
    first = arguments[0] if arguments else ()
    return list(first) if isinstance(first, list | tuple) else []


def _path(path: str, *arguments: object) -> str:
    parts = [each for each in arguments if isinstance(each, str)]
    return "/".join(parts[:50]).replace("//", "/")[:MOST_CHARACTERS]


def _bytes(path: str, *arguments: object) -> bytes:
    """Bytes are kept as text in pickles of protocol 2; `bytearray` and `bytes` begin with theirs."""
    if path == "_codecs.encode" and len(arguments) == 2 and isinstance(arguments[0], str):
        if arguments[1] not in ("latin1", "latin-1"):
            raise RefusedError("_codecs.encode")
        return arguments[0].encode("latin-1")
    first = arguments[0] if arguments else b""
    return first if isinstance(first, bytes) else b""  # a number would ask for so many bytes


def _object(path: str, *arguments: object) -> Any:
    """As pickles of protocol 0 and 1 make objects: class, base and the base's value."""
    kind = arguments[0] if arguments else None
    made = new(kind, ())
    base = arguments[1] if path == "copyreg._reconstructor" and len(arguments) == 3 else None
    if isinstance(made, Thing) and base == Name("builtins.dict") and isinstance(arguments[2], dict):
        made.values.update(arguments[2])
    return made


def _attribute(path: str, *arguments: object) -> Thing:
    """`OneCycleLR` keeps a function of its own class in its state."""
    kind = arguments[0] if arguments else None
    if kind != Name("torch.optim.lr_scheduler.OneCycleLR"):
        raise RefusedError("builtins.getattr")
    return Thing("torch.optim.lr_scheduler.OneCycleLR")


def _typing(path: str, *arguments: object) -> Thing:
    """`Union[int, str]` in pickles of annotated settings."""
    kind = arguments[0] if arguments else None
    if not isinstance(kind, Name) or not kind.path.startswith("typing."):
        raise RefusedError("operator.getitem")
    return Thing(kind.path)


def _type(path: str, *arguments: object) -> Thing:
    """The type of None in annotations; others are made of more than one argument, by code."""
    if arguments != (None,):
        raise RefusedError(path)
    return Thing(path)


def _dtype(path: str, *arguments: object) -> Thing:
    text = arguments[0] if arguments else ""
    return Thing("numpy.dtype", {"code": text if isinstance(text, str) else "", "order": "<"})


def _scalar(path: str, *arguments: object) -> Any:
    """A number of numpy's as one of Python's."""
    dtype, content = arguments if len(arguments) == 2 else (None, None)
    if isinstance(dtype, Thing) and isinstance(content, bytes | str):
        raw = content.encode("latin-1") if isinstance(content, str) else content
        code = NUMBERS.get(dtype.values.get("code", ""), ("", ""))[1]
        if code and len(raw) == struct.calcsize(code):
            (number,) = struct.unpack((">" if dtype.values.get("order") == ">" else "<") + code, raw)
            return number if isinstance(number, int | bool) or isfinite(number) else Thing("numpy.scalar")
    return Thing("numpy.scalar")


def _array(path: str, *arguments: object) -> Array:
    """An array that is filled by its state, or, in protocol 5, made of a buffer: content, type, shape, order."""
    found = Array()
    if path.endswith("_frombuffer") and len(arguments) == 4:
        content, dtype, shape, order = arguments
        fill(found, (1, shape, dtype, order == "F", content))
    return found


def _tensor(path: str, *arguments: Any) -> Described:
    """From (storage, start, shape, strides), followed by flags that play no part."""
    if len(arguments) < 4 or not isinstance(storage := arguments[0], Storage):
        raise ValueError("a tensor without a storage")
    shape, strides = integers(arguments[2]), integers(arguments[3])
    start = arguments[1]
    if type(start) is not int or start < 0 or shape is None or strides is None or len(shape) != len(strides):
        raise ValueError("a tensor of no shape")
    dtype, special = storage.dtype, ""
    if path.endswith("_v3"):
        dtype = _described(arguments[6]).rpartition(".")[2] if len(arguments) > 6 else "unknown"
    flags = arguments[-1] if isinstance(arguments[-1], dict) else {}
    if flags.get("neg") or flags.get("conj"):
        special = "numbers"
    return Described(storage, dtype, start, shape, strides, special)


def _parameter(path: str, *arguments: Any) -> Any:
    """A tensor with flags around it."""
    first = arguments[0] if arguments else None
    return first if isinstance(first, Described) else Thing(path)


def _of_a_type(path: str, *arguments: Any) -> Any:
    """A tensor with attributes, or of a class derived from torch's: function, type, arguments, attributes."""
    if len(arguments) != 4 or not isinstance(arguments[0], Name):
        raise RefusedError(path)
    if not arguments[0].path.startswith("torch._utils._rebuild_"):
        raise RefusedError(arguments[0].path)
    return called(arguments[0], arguments[2])


def _special(path: str, *arguments: Any) -> Described:
    kind = "numbers" if "meta" in path or "device" in path else "special"
    return Described(Storage("unknown", "", 0), "unknown", 0, (0,), (1,), kind)


def _size(path: str, *arguments: Any) -> tuple[int, ...]:
    return integers(arguments[0] if arguments else ()) or ()


_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg", "numpy.core": "numpy._core"}  # in Python 2, numpy 1
_OF_PYTHON_2 = {"commands", "popen2", "cPickle", "urllib2", "UserDict", "exceptions", "nt", "posix", "ntpath", "os2"}
_LIBRARY = frozenset(sys.stdlib_module_names) | _OF_PYTHON_2

_DICTIONARIES = frozenset(
    {"builtins.dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter"}
)
# Classes of Python's library that may be named, and become stand-ins where an object of them is made
_TYPES = frozenset(
    f"{module}.{name}"
    for module, names in {
        "builtins": "object dict list tuple str int float bool bytes NoneType long unicode",
        "argparse": "Namespace",
        "uuid": "UUID SafeUUID",
        "collections": "UserDict UserList ChainMap",
        "inspect": "_empty",
    }.items()
    for name in names.split()
)  # fmt: skip

_Call = Callable[..., Any]
_CALLS: dict[str, _Call] = {
    **dict.fromkeys(("builtins.complex", "builtins.range", "builtins.xrange", "builtins.slice"), _thing),
    **dict.fromkeys(("builtins.set", "builtins.frozenset", "collections.deque"), _list),
    **dict.fromkeys(("collections.OrderedDict", "collections.defaultdict", "collections.Counter"), _dictionary),
    **dict.fromkeys(("_codecs.encode", "builtins.bytearray", "builtins.bytes"), _bytes),
    **dict.fromkeys(("copyreg._reconstructor", "copyreg.__newobj__"), _object),
    **{f"datetime.{each}": _thing for each in ("datetime", "date", "time", "timedelta", "timezone")},
    **dict.fromkeys(("decimal.Decimal", "fractions.Fraction", "pytz._UTC", "pytz._p", "uuid.SafeUUID"), _thing),
    **{f"pathlib.{each}Path": _path for each in ("", "Posix", "Windows", "PurePosix", "PureWindows", "Pure")},
    "builtins.getattr": _attribute,
    "builtins.type": _type,
    "types.SimpleNamespace": _thing,
    **dict.fromkeys(("operator.getitem", "_operator.getitem"), _typing),
    "numpy.dtype": _dtype,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.multiarray._reconstruct": _array,
    "numpy._core.numeric._frombuffer": _array,
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _thing,
    **{f"numpy.random._pickle.__{each}_ctor": _thing for each in ("randomstate", "generator", "bit_generator")},
    **{f"torch._utils._rebuild_tensor{each}": _tensor for each in ("", "_v2", "_v3")},
    **{f"torch._utils._rebuild_parameter{each}": _parameter for each in ("", "_with_state")},
    "torch.nn.parameter.Parameter": _parameter,
    "torch._tensor._rebuild_from_type_v2": _of_a_type,
    **{
        f"torch._utils._rebuild_{each}": _special
        for each in (
            "sparse_tensor", "qtensor", "meta_tensor_no_storage", "nested_tensor", "wrapper_subclass",
            "device_tensor_from_numpy", "device_tensor_from_cpu_tensor",
        )
    },
    "torch.Size": _size,
    "torch.device": _thing,
    "torch.serialization._get_layout": _thing,
}  # fmt: skip
