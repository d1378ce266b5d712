"""Read third-party pickles without any of Python's or PyTorch's unpicklers: nothing that a pickle names is looked up.

Why not `torch.load(weights_only=True)` with stand-in classes among its safe globals: it imports nothing either, but
calls what is on its lists with arguments of the file's, among them functions that call others (`_rebuild_from_type_v2`,
`_codecs.encode`), sets attributes of what comes of it, hashes keys of any depth, and cannot tell a class whose objects
are mappings from others. A subclass of `pickle.Unpickler` calls anything that gets onto its stack. Here the opcodes,
decoded by `pickletools`, move inert values (`weights.inert`) between lists; the functions of one table make values from
values, and tensors are made afterwards from their descriptions (`weights.storages`). So a name on no list can only be
refused or kept as a text, and there is nothing to hide behind.

Importing this does not import torch.
"""

import pickletools
from typing import IO, Any

from explorer.weights import calls, inert
from explorer.weights.headers import MOST_INDEX_BYTES
from explorer.weights.inert import Name, RefusedError, Storage

_PUSHED = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_ARGUMENT = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
_IGNORED = frozenset({"PROTO", "FRAME"})


def read_pickle(file: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    """The inert value of the pickle that begins at the file's position, and its storages by key.

    The file is left at the end of the pickle.

    Raises:
        RefusedError: it names or calls what could run code.
        ValueError, LookupError, ...: it is damaged, or too long for a description of tensors.
    """
    machine = _Machine(file)
    return machine.result(), machine.storages


class _Machine:
    """The stack, marks and memo of a pickle while it is read, and the storages named so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def result(self) -> Any:
        start = self.file.tell()
        for code, argument, position in pickletools.genops(self.file):
            if position is not None and position - start > MOST_INDEX_BYTES:
                raise ValueError(f"it describes its content in more than {MOST_INDEX_BYTES:,} bytes")
            name = code.name
            if name in _ARGUMENT:
                self.stack.append(argument)
            elif name in _PUSHED:
                self.stack.append(_PUSHED[name])
            elif name == "STOP":
                return self.stack.pop()
            elif name not in _IGNORED:
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:  # a registered extension or a buffer outside of the file
                    raise RefusedError(name)
                step(argument)
        raise EOFError("the pickle has no end")

    def _marked(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _mark(self, _: object) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _pop(self, _: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._marked()

    def _pop_mark(self, _: object) -> None:
        self._marked()

    def _dup(self, _: object) -> None:
        self.stack.append(self.stack[-1])

    def _memoize(self, _: object) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def _get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    _binput = _long_binput = _put
    _binget = _long_binget = _get

    def _empty_list(self, _: object) -> None:
        self.stack.append([])

    _empty_set = _empty_list  # sets would hash their items

    def _empty_dict(self, _: object) -> None:
        self.stack.append({})

    def _list(self, _: object) -> None:
        items = self._marked()
        self.stack.append(items)

    _frozenset = _list

    def _tuple(self, _: object) -> None:
        items = self._marked()
        self.stack.append(tuple(items))

    def _tuple1(self, _: object) -> None:
        self._last(1)

    def _tuple2(self, _: object) -> None:
        self._last(2)

    def _tuple3(self, _: object) -> None:
        self._last(3)

    def _last(self, count: int) -> None:
        if len(self.stack) < count:
            raise ValueError("a tuple of more than there is")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def _dict(self, _: object) -> None:
        items = self._marked()
        self.stack.append({})
        self._put_all(items)

    def _setitem(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        inert.put(self.stack[-1], key, value)

    def _setitems(self, _: object) -> None:
        self._put_all(self._marked())

    def _put_all(self, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            inert.put(self.stack[-1], key, value)

    def _append(self, _: object) -> None:
        value = self.stack.pop()
        inert.add(self.stack[-1], [value])

    def _appends(self, _: object) -> None:
        items = self._marked()
        inert.add(self.stack[-1], items)

    _additems = _appends

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(calls.named(module, name))

    def _stack_global(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise TypeError("a name that is no text")
        self.stack.append(calls.named(module, name))

    def _reduce(self, _: object) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(calls.called(function, arguments))

    def _newobj(self, _: object) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(calls.new(kind, arguments))

    def _newobj_ex(self, _: object) -> None:
        self.stack.pop()  # arguments by name
        self._newobj(None)

    def _inst(self, argument: str) -> None:
        self._marked()
        module, _, name = argument.partition(" ")
        self.stack.append(calls.new(calls.named(module, name), ()))

    def _obj(self, _: object) -> None:
        items = self._marked()
        self.stack.append(calls.new(items[0], ()))

    def _build(self, _: object) -> None:
        state = self.stack.pop()
        inert.give_state(self.stack[-1], state)

    def _binpersid(self, _: object) -> None:
        given = self.stack.pop()
        if isinstance(given, tuple) and len(given) == 4 and given[0] == "module":  # a class with its source
            self.stack.append(given[1])
            return
        found = _storage(given)
        self.storages.setdefault(found.key, found)
        self.stack.append(found)

    def _persid(self, _: object) -> None:
        raise RefusedError("PERSID")


def _storage(given: object) -> Storage:
    """From ("storage", class, key, device, elements), and in older files a place within another storage.

    Raises:
        ValueError: it is nothing of that kind.
    """
    if isinstance(given, tuple) and len(given) in (5, 6) and given[0] == "storage" and isinstance(given[1], Name):
        key, elements = given[2], given[4]
        if isinstance(key, str) and type(elements) is int and elements >= 0:
            if len(given) == 6 and given[5] is not None:
                raise ValueError("a storage within another")
            return Storage(_DTYPES.get(given[1].path, given[1].path.rpartition(".")[2]), key, elements)
    raise ValueError("a storage of no known kind")


# Of classes of storages: the type of their elements
_DTYPES = {
    f"torch.{name}Storage": dtype
    for name, dtype in {
        "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
        "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
        "ComplexFloat": "complex64", "ComplexDouble": "complex128",
        "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32",
    }.items()
}  # fmt: skip
_DTYPES |= {name.replace("torch.", "torch.cuda."): dtype for name, dtype in _DTYPES.items()}
_DTYPES |= {"torch.storage.UntypedStorage": "uint8", "torch.UntypedStorage": "uint8"}
