"""Pickles that would run code, or take memory and time without end, hidden in what ordinary training files contain."""

import struct

from tests.unit.weights.crafted import archive, legacy

MARK = "MARK"  # stands for the path of a file that nothing may make


def glob(path):
    module, _, name = path.rpartition(".")
    return f"c{module}\n{name}\n".encode()


def text(value):
    content = value.encode()
    return b"X" + struct.pack("<I", len(content)) + content


def number(value):
    return (
        b"J" + struct.pack("<i", value)
        if abs(value) < 2**31
        else b"\x8a\x09" + value.to_bytes(9, "little", signed=True)
    )


def together(*values):
    return b"(" + b"".join(values) + b"t"


def call(function, *arguments):
    """`function` is a path or a pickled value."""
    return (glob(function) if isinstance(function, str) else function) + together(*arguments) + b"R"


def made(kind, *arguments, state=b""):
    """An object by its `__new__`, and its attributes."""
    return glob(kind) + together(*arguments) + b"\x81" + (state + b"b" if state else b"")


def mapping(**items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def storage(dtype="torch.FloatStorage", key=None, elements=None):
    return together(text("storage"), glob(dtype), key or text("0"), text("cpu"), elements or number(4)) + b"Q"


def tensor(shape=None, strides=None, start=None, of=None):
    shape, strides = shape or together(number(4)), strides or together(number(1))
    return call("torch._utils._rebuild_tensor_v2", of or storage(), start or number(0), shape, strides, b"\x89", b"}")


def content(extra, protocol=2, weights=None):
    """A training dictionary with something more."""
    weights = weights or mapping(**{"conv.weight": tensor()})
    return bytes([0x80, protocol]) + mapping(state_dict=weights, extra=extra) + b"."


def inner(mark):
    """A pickle as bytes within another."""
    return call("_codecs.encode", text(f"cos\nsystem\n(S'touch {mark}'\ntR."), text("latin1"))


COMMAND = text(f"touch {MARK}")
PYTHON = text(f"open({MARK!r}, 'w')")
SYSTEM = call("os.system", COMMAND)
BYTES = inner(MARK)

# What runs code if it is unpickled with Python's own: the value beside the weights, and the name in the refusal.
CALLS = {
    "os.system": (SYSTEM, "os.system"),
    "posix.system": (call("posix.system", COMMAND), "posix.system"),
    "nt.system": (call("nt.system", COMMAND), "nt.system"),
    "eval": (call("builtins.eval", PYTHON), "builtins.eval"),
    "eval of Python 2": (call("__builtin__.eval", PYTHON), "builtins.eval"),
    "exec": (call("builtins.exec", PYTHON), "builtins.exec"),
    "__import__": (call("builtins.__import__", text("antigravity")), "builtins.__import__"),
    "open": (call("builtins.open", text(MARK), text("w")), "builtins.open"),
    "io.open": (call("io.open", text(MARK), text("w")), "io.open"),
    "codecs.open": (call("codecs.open", text(MARK), text("w")), "codecs.open"),
    "subprocess": (call("subprocess.Popen", together(text("touch"), text(MARK))), "subprocess.Popen"),
    "commands": (call("commands.getoutput", COMMAND), "commands.getoutput"),
    "pty": (call("pty.spawn", COMMAND), "pty.spawn"),
    "shutil": (call("shutil.rmtree", text(MARK)), "shutil.rmtree"),
    "import_module": (call("importlib.import_module", text("antigravity")), "importlib.import_module"),
    "runpy": (call("runpy.run_path", text(MARK)), "runpy.run_path"),
    "timeit": (call("timeit.timeit", PYTHON), "timeit.timeit"),
    "cProfile": (call("cProfile.run", PYTHON), "cProfile.run"),
    "webbrowser": (call("webbrowser.open", text("http://localhost")), "webbrowser.open"),
    "urlopen": (call("urllib.request.urlopen", text("http://localhost")), "urllib.request.urlopen"),
    "socket": (call("socket.create_connection", text("localhost")), "socket.create_connection"),
    "ctypes": (call("ctypes.CDLL", text("libc.so.6")), "ctypes.CDLL"),
    "thread": (call("threading.Timer", number(0), glob("os.abort")), "threading.Timer"),
    "exit": (call("os._exit", number(0)), "os._exit"),
    "abort": (call("os.abort"), "os.abort"),
    "signal": (call("signal.raise_signal", number(9)), "signal.raise_signal"),
    "pickle in a pickle": (call("pickle.loads", BYTES), "pickle.loads"),
    "_pickle in a pickle": (call("_pickle.loads", BYTES), "_pickle.loads"),
    "marshal": (call("marshal.loads", BYTES), "marshal.loads"),
    "code": (call("types.CodeType"), "types.CodeType"),
    "function": (call("types.FunctionType"), "types.FunctionType"),
    "partial": (call("functools.partial", glob("os.system"), COMMAND), "functools.partial"),
    "partial of a name": (call("functools.partial", glob("torch.nn.ReLU")), "functools.partial"),
    "reduce": (call("functools.reduce", glob("os.system"), together(COMMAND, COMMAND)), "functools.reduce"),
    "methodcaller": (call("operator.methodcaller", text("system"), COMMAND), "operator.methodcaller"),
    "attrgetter": (call("operator.attrgetter", text("system")), "operator.attrgetter"),
    "map": (call("builtins.map", glob("os.system"), together(COMMAND)), "builtins.map"),
    "getattr": (call("builtins.getattr", glob("torch.nn.Module"), text("__init__")), "builtins.getattr"),
    "getattr of nothing": (call("builtins.getattr"), "builtins.getattr"),
    "getitem": (call("operator.getitem", b"}", text("a")), "operator.getitem"),
    "torch.load": (call("torch.load", text(MARK)), "torch.load"),
    "torch.hub": (call("torch.hub.load", text("a/b"), text("c")), "torch.hub.load"),
    "collect_env": (call("torch.utils.collect_env.run", COMMAND), "torch.utils.collect_env.run"),
    "load_config": (call("torch.utils._config_module.ConfigModule.load_config", BYTES), "torch.utils._config_module"),
    "numpy.load": (call("numpy.load", text(MARK)), "numpy.load"),
    "runstring": (call("numpy.testing._private.utils.runstring", PYTHON, b"}"), "numpy.testing._private.utils"),
    "read_pickle": (call("pandas.read_pickle", text(MARK)), "pandas.read_pickle"),
    "joblib": (call("joblib.load", text(MARK)), "joblib.load"),
    "yaml": (call("yaml.unsafe_load", PYTHON), "yaml.unsafe_load"),
    "pip": (call("pip.main", together(text("install"), text("a"))), "pip.main"),
    "cloudpickle": (call("cloudpickle.cloudpickle._make_function"), "cloudpickle.cloudpickle._make_function"),
    "a class of somebody's": (call("__main__.Evil", COMMAND), "__main__.Evil"),
    "a class with two values": (call("models.Evil", number(1), number(2)), "models.Evil"),
    "a function of somebody's": (call("models.evil", number(1)), "models.evil"),
    "only named": (glob("os.system"), "os.system"),
}

# The same behind what ordinary training files contain.
BEHIND = {
    "in a Namespace": (made("argparse.Namespace", state=mapping(f=SYSTEM)), "os.system"),
    "in a dataclass": (made("config.Settings", state=mapping(f=SYSTEM)), "os.system"),
    "in slots": (made("config.Settings", state=together(b"N", mapping(f=SYSTEM))), "os.system"),
    "as arguments of a class": (made("config.Settings", SYSTEM), "os.system"),
    "as a class": (SYSTEM + together() + b"\x81", "os.system"),
    "as attributes": (made("config.Settings", state=SYSTEM), "os.system"),
    "the result of a stand-in": (call(made("config.Settings"), COMMAND), "config.Settings"),
    "a stand-in's method": (call(call("builtins.getattr", made("config.Settings"), text("f"))), "builtins.getattr"),
    "in a defaultdict": (call("collections.defaultdict", glob("os.system")), "os.system"),
    "in an OrderedDict": (call("collections.OrderedDict", b"]" + SYSTEM + b"a"), "os.system"),
    "in a deque": (call("collections.deque", SYSTEM), "os.system"),
    "in a set": (call("builtins.set", b"]" + SYSTEM + b"a"), "os.system"),
    "in a path": (call("pathlib.PosixPath", SYSTEM), "os.system"),
    "in a date": (call("datetime.datetime", SYSTEM), "os.system"),
    "in a numpy scalar": (call("numpy.core.multiarray.scalar", SYSTEM, BYTES), "os.system"),
    "in a numpy type": (call("numpy.dtype", SYSTEM), "os.system"),
    "in a numpy array": (call("numpy.core.multiarray._reconstruct", SYSTEM, b")", BYTES), "os.system"),
    "in a generator": (call("numpy.random._pickle.__generator_ctor", SYSTEM), "os.system"),
    "rebuilt": (call("copyreg._reconstructor", SYSTEM, glob("builtins.object"), b"N"), "os.system"),
    "of no class": (call("copyreg._reconstructor", b"N", b"N", b"N"), "NoneType"),
    "as a tensor's function": (
        call("torch._tensor._rebuild_from_type_v2", glob("builtins.set"), b"N", together(COMMAND), b"}"),
        "builtins.set",
    ),
    "as a tensor's type": (call("torch._tensor._rebuild_from_type_v2", b"N", SYSTEM, b")", b"}"), "os.system"),
    "as a hook": (call("torch._utils._rebuild_parameter", tensor(), b"\x89", SYSTEM), "os.system"),
    "as a storage": (SYSTEM + b"Q", "os.system"),
    "as an encoding": (call("_codecs.encode", COMMAND, text("bz2")), "_codecs.encode"),
    "by its name alone": (text("os") + text("system") + b"\x93" + together(COMMAND) + b"R", "os.system"),
    "by parts of a name": (text("os") + b"q\x01" + text("system") + b"q\x020h\x01h\x02\x93", "os.system"),
    "by INST": (b"(" + COMMAND + b"ios\nsystem\n", "os.system"),
    "by OBJ": (b"(" + glob("os.system") + COMMAND + b"o", "os.system"),
    "by NEWOBJ_EX": (glob("os.system") + together(COMMAND) + b"}\x92", "os.system"),
    "by an extension": (b"\x82\x01", "EXT1"),
    "by a text": (b"Pos.system\n", "PERSID"),
    "in a module": (made("torch.nn.modules.linear.Linear", state=mapping(f=SYSTEM)), "os.system"),
    "in an enumeration": (call("config.Colour", SYSTEM), "os.system"),
}

# Ordinary things with nothing behind them, and what only looks like an attack: read, and nothing comes of it.
HARMLESS = {
    "state of a function": glob("torch.nn.functional.relu") + mapping(__code__=number(1)) + b"b",
    "state of a class": glob("config.Settings") + mapping(__init__=number(1), __setstate__=number(1)) + b"b",
    "attributes of Python's own": made("config.Settings", state=mapping(__class__=number(1), __dict__=number(2))),
    "a class called like a list": made("builtins.list"),
    "a long list of one thing": b"](" + b"N" * 1_000_000 + b"e",
    "a huge place in the memo": b"N" + b"r" + struct.pack("<I", 2**32 - 1),
    "keys that are long to compare": b"}" + b"K\x00" + b"\x85" * 100_000 + b"K\x01s",
    "keys with one hash": b"}(" + b"".join(b"\x8a\x0c" + (n * (2**61 - 1) + 5).to_bytes(12, "little") + b"N"
                                           for n in range(2**31, 2**31 + 50_000)) + b"u",
    "bytes without end": call("builtins.bytearray", number(10**12)),
    "a range without end": call("builtins.range", number(0), number(10**18)),
    "keys within keys": b"})" + (b"q\x00h\x00\x86" * 60) + b"K\x01s",
    "two of two of two": b")" + b"".join(b"q\x00h\x00\x86" for _ in range(60)),
    "mappings of mappings": b"}" + (b"q\x01}" + text("a") + b"h\x01s" + text("b") + b"h\x01s") * 60,
    "a mapping in itself": b"}q\x01" + text("a") + b"h\x01s",
    "a list in itself": b"]q\x01h\x01a",
    "numbers of an array": call("numpy.core.multiarray.scalar", call("numpy.dtype", text("f8")), BYTES),
    "an array without end": call("numpy.core.multiarray._reconstruct", glob("numpy.ndarray"), b")", BYTES)
    + together(number(1), together(number(2**40), number(2**40)), call("numpy.dtype", text("f8")), b"\x89", b"N")
    + b"b",
}  # fmt: skip

# Not what they say they are: the whole content, and the refusal.
BROKEN = {
    "nothing on the stack": (b"\x80\x02R.", "is damaged"),
    "a mark that is not there": (b"\x80\x02t.", "is damaged"),
    "no place in the memo": (b"\x80\x02h\x07.", "is damaged"),
    "no end": (b"\x80\x02}", "is damaged"),
    "an item without a value": (b"\x80\x02}(X\x01\x00\x00\x00au.", "is damaged"),
    "items of a number": (b"\x80\x02K\x01K\x02K\x03s.", "is damaged"),
    "a text longer than the file": (b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"a.", "is damaged"),
    "bytes longer than the file": (b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"a.", "is damaged"),
    "a number of many digits": (b"\x80\x02L" + b"9" * 5_000_000 + b"L\n.", "is damaged"),
    "a text that is none": (b"\x80\x04\x8c\x02\xff\xfe.", "is damaged"),
    "a buffer elsewhere": (content(b"\x97", 5), r"holds more than tensors \(NEXT_BUFFER\)"),
    "a shape below 0": (content(tensor(together(number(-4)))), "is damaged"),
    "a shape that is none": (content(tensor(together(text("a")))), "is damaged"),
    "a start below 0": (content(tensor(start=number(-4))), "is damaged"),
    "a stride below 0": (content(tensor(strides=together(number(-1)))), "is damaged"),
    "a storage below 0": (content(tensor(of=storage(elements=number(-1)))), "is damaged"),
    "a storage of no name": (content(tensor(of=storage(key=number(1)))), "is damaged"),
}

# Weights that cannot be had: the tensor, and the refusal.
TENSORS = {
    "past the end": (tensor(start=number(2)), "is damaged: a tensor reaches past the end"),
    "far past the end": (tensor(start=number(2**61)), "is damaged: a tensor reaches past the end"),
    "wide steps": (tensor(strides=together(number(2**61))), "is damaged: a tensor reaches past the end"),
    "larger than any memory": (tensor(together(number(2**40), number(2**20)), together(number(2**20), number(1))),
                               "has [0-9,]+ bytes and tensors of 4,611,686,018,427,387,904"),
    "more than a number can say": (tensor(together(*[number(2**60)] * 5), together(*[number(1)] * 5)),
                                   "has a tensor of shape .* whose elements share memory"),
    "of no storage": (tensor(of=storage(key=text("7"))), "is damaged: a storage does not have the size"),
    "of a name with a path": (tensor(of=storage(key=text("../version"))), "is damaged: a storage does not have"),
    "of another size": (tensor(of=storage(elements=number(400))), "is damaged: a storage does not have the size"),
    "of no type": (tensor(of=storage("torch.load")), r"has numbers that cannot be used in 'conv.weight' \(load\)"),
    "of quantised numbers": (tensor(of=storage("torch.QInt8Storage")), "has numbers that cannot be used"),
}  # fmt: skip


def refusal(name):
    return rf"(?:holds more than tensors|holds a whole module, not its state_dict) \({name}"


def filled(value, mark):
    """A pickled value with the path of a file in place of `MARK`."""
    for plain in (f"touch {MARK}", f"open({MARK!r}, 'w')", MARK):
        value = value.replace(text(plain), text(plain.replace(MARK, mark)))
    return value.replace(BYTES, inner(mark))


def hostile(mark):
    """How each file is made, given its path, and its refusal; empty where it is read."""
    files = {}
    for name, (value, path) in {**CALLS, **BEHIND}.items():
        files[name] = (lambda target, value=value: archive(target, content(filled(value, mark))), refusal(path))
    for name, value in HARMLESS.items():
        files[name] = (lambda target, value=value: archive(target, content(value)), "")
    for name, (value, reason) in BROKEN.items():
        files[name] = (lambda target, value=value: archive(target, value), reason)
    for name, (value, reason) in TENSORS.items():
        whole = content(b"N", weights=mapping(**{"conv.weight": value}))
        files[name] = (lambda target, whole=whole: archive(target, whole), reason)
    files["legacy, in a Namespace"] = (
        lambda target: legacy(target, content(filled(BEHIND["in a Namespace"][0], mark))), refusal("os.system"),
    )  # fmt: skip
    return files
