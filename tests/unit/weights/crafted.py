"""Weights files as nobody should send them, and how their refusal begins."""

import argparse
import functools
import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict

import torch
from safetensors.torch import save_file
from torch import nn

LEGACY_START = b"".join(
    pickle.dumps(each, protocol=2)
    for each in (torch.serialization.MAGIC_NUMBER, 1001, {"protocol_version": 1001, "little_endian": True})
)


class Claimed:
    """Pickled as a float tensor, rebuilt from a storage that is said to have so many elements."""

    def __init__(self, elements, shape, strides, offset=0):
        self.elements, self.rest = elements, (offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, (Storage(self.elements), *self.rest)


class Storage:
    def __init__(self, elements):
        self.elements = elements


class Runs:
    """Pickled as a command for the shell."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, found):
        if isinstance(found, Storage):
            return ("storage", torch.FloatStorage, "0", "cpu", found.elements, *([None] if self.legacy else []))
        return None


class LegacyPickler(Pickler):
    legacy = True


def pickled(value, pickler=Pickler):
    content = io.BytesIO()
    pickler(content, protocol=2).dump(value)
    return content.getvalue()


def archive(path, index, *, records=(b"\0" * 16,), compression=zipfile.ZIP_STORED, name="data.pkl", more=()):
    """A zip file as torch.save writes it; `index` is a pickle or a value to be pickled."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr(f"archive/{name}", index if isinstance(index, bytes) else pickled(index))
        file.writestr("archive/version", "3\n")
        for number, record in enumerate(records):
            file.writestr(f"archive/data/{number}", record)
        for each in more:
            file.writestr(each, b"")
    return path


def legacy(path, index, *, elements=4):
    """A file as torch.save wrote it before PyTorch 1.6, with one storage."""
    content = index if isinstance(index, bytes) else pickled(index, LegacyPickler)
    storage = struct.pack("<q", elements) + b"\0" * 4 * elements
    path.write_bytes(LEGACY_START + content + pickle.dumps(["0"], protocol=2) + storage)
    return path


def safetensors_file(path, header, data=b"\0" * 16, *, length=None):
    content = header.encode()
    path.write_bytes(struct.pack("<Q", len(content) if length is None else length) + content + data)
    return path


def saved(path, value, **options):
    torch.save(value, path, **options)
    return path


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def changed(path, old, new, *, last=False):
    """Put other bytes of the same number in a file."""
    content = path.read_bytes()
    place = content.rfind(old) if last else content.find(old)
    assert place >= 0
    assert len(old) == len(new)
    path.write_bytes(content[:place] + new + content[place + len(old) :])
    return path


def listing(path, parts):
    """A zip archive that only lists parts."""
    entries = b"".join(b"PK\x01\x02" + bytes(24) + struct.pack("<H", 8) + bytes(16) + b"%08d" % n for n in range(parts))
    start = b"PK\x03\x04" + bytes(26)
    end = struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(entries), len(start), 0)
    path.write_bytes(start + entries + b"PK\x05\x06" + end)
    return path


def inserted(path, before, more):
    """Put more bytes in a file."""
    content = path.read_bytes()
    assert content.count(before) == 1, before
    path.write_bytes(content.replace(before, more + before))
    return path


def unfilled(path):
    """A storage that is announced, and does not follow."""
    path.write_bytes(LEGACY_START + pickled({"a": Claimed(1000, (1000,), (1,))}, LegacyPickler) + b"].")
    return path


def windows(path):
    """Twenty views of one storage, each of most of it."""
    storage = torch.zeros(5000)
    return saved(path, {f"a{start}": storage[start : start + 4000] for start in range(20)})


def written(path, content):
    path.write_bytes(content)
    return path


def sparse(path):
    with path.open("wb") as file:
        file.truncate(5 << 30)
    return path


def overlapping(path):
    """Both records of an archive at the place of the first."""
    archive(path, {"a": Claimed(4, (4,), (1,))}, records=(b"\0" * 16, b"\0" * 16))
    with zipfile.ZipFile(path) as file:
        first, second = (file.getinfo(f"archive/data/{number}").header_offset for number in (0, 1))
    return changed(path, struct.pack("<I", second) + b"archive/data/1", struct.pack("<I", first) + b"archive/data/1")


def past_the_end(path):
    """A record that is said to reach into the list of parts."""
    archive(path, {"a": Claimed(4, (4,), (1,))})
    return changed(path, struct.pack("<II", 16, 16), struct.pack("<II", 90, 90), last=True)


def tar(path):
    with tarfile.open(path, "w") as file:
        file.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    return path


def twice(path):
    """An archive with two parts of one name."""
    archive(path, {}, more=["archive/data.two"])
    return written(path, path.read_bytes().replace(b"data.two", b"data.pkl"))


def weights(**more):
    return {"a": torch.ones(100), **more}


def nan(value):
    return {"conv.weight": torch.ones(100), "bn.running_var": torch.tensor([1.0, value])}


TUPLE = b"\x85"  # puts what is on the stack into a tuple of one
TWICE = b"q\x00h\x00\x86"  # puts it into a tuple of two, as both
MEGABYTES = b"\x80\x02c__builtin__\nbytearray\nq\x00" + b"h\x00J\x00\x00\x10\x00\x85R" * 1000 + b"."
MEMORY = b"\x80\x02c__builtin__\nbytearray\n\x8a\x06" + (10**11).to_bytes(6, "little") + b"\x85R."
DEEP_LIST = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
DEEP_KEY = b"\x80\x02})" + TUPLE * 1_000_000 + b"K\x01s."  # hashing it takes more stack than there is
SLOW_KEY = b"\x80\x02})" + TWICE * 60 + b"K\x01s."  # hashing it takes 2^60 steps
RECURSIVE = b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s."

MAPPINGS = b"\x80\x02(" + b"}" * 6_000_000 + b"l."
TOO_MUCH = "(asks for more memory|takes longer to read) than"  # whichever limit a machine comes to first

FLOATS = '{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'

# Refused before PyTorch is asked: how the file is made, given its path, and the refusal.
LAYOUTS = {
    "deflate bomb": (
        lambda path: archive(path, {}, records=(bytes(200_000_000),), compression=zipfile.ZIP_DEFLATED),
        "has compressed parts, which could unpack to any size",
    ),
    "300,000 parts": (
        lambda path: listing(path, 300_000),
        "lists its parts in 16,200,000 bytes; 5,000,000 are the most",
    ),
    "60,000 parts": (lambda path: listing(path, 60_000), "has 60,000 parts; 50,000 are the most"),
    "large index": (lambda path: archive(path, b"}" * (17 << 20)), "describes its tensors in 17,825,792 bytes"),
    "overlapping parts": (overlapping, "is damaged: parts of the zip archive overlap"),
    "part past the end": (past_the_end, "is damaged: a part of the zip archive reaches past its end"),
    "two parts of a name": (twice, "has two parts of the same name"),
    "wrong checksum": (
        lambda path: changed(saved(path, weights()), b"\x80\x3f", b"\x80\x3e"),
        "is damaged: a checksum is wrong. Download",
    ),
    "list elsewhere": (
        lambda path: inserted(saved(path, weights()), b"PK\x05\x06", bytes(4)),
        "is damaged: the list of its parts is not where",
    ),
    "truncated zip": (lambda path: cut(saved(path, weights())), "is cut off: the end of the zip archive is missing"),
    "other zip": (lambda path: archive(path, {}, name="a.npy"), "is a zip archive that torch.save did not write"),
    "TorchScript": (
        lambda path: archive(path, {}, more=["archive/constants.pkl"]),
        "is a TorchScript program, not weights",
    ),
    "tar": (tar, "is a tar archive; unpack it"),
    "pickle": (lambda path: written(path, pickled({})), "is a pickle that torch.save did not write"),
    "text": (lambda path: written(path, b"# weights"), "is not a weights file: it begins with 23 20 77"),
    "truncated safetensors": (
        lambda path: cut(safetensors_file(path, FLOATS), 0.9),
        r"is a damaged safetensors file \(.*incomplete",
    ),
    "safetensors, header of 100 MB": (
        lambda path: safetensors_file(path, FLOATS + " " * 100_000_000),
        "describes its tensors in 100,000,062 bytes; 16,777,216 are the most",
    ),
    "safetensors, offsets": (
        lambda path: safetensors_file(path, FLOATS.replace("16", "1600").replace("[4]", "[400]")),
        "is a damaged safetensors file",
    ),
    "safetensors, dtype": (
        lambda path: safetensors_file(path, FLOATS.replace("F32", "F33")),
        r"is a damaged safetensors file \(.*unknown variant",
    ),
}

# Refused while or after PyTorch reads them, and harmless to a process without limits.
CONTENTS = {
    "whole module": (
        lambda path: saved(path, nn.Sequential(nn.Linear(2, 2))),
        r"holds a whole module, not its state_dict \(torch.nn.modules.container.Sequential\)",
    ),
    "legacy whole module": (
        lambda path: saved(path, nn.Sequential(nn.Linear(2, 2)), _use_new_zipfile_serialization=False),
        r"holds a whole module, not its state_dict \(torch.nn.modules.container.Sequential\)",
    ),
    "Lightning, no weights": (
        lambda path: saved(path, {"pytorch-lightning_version": "2.6.0", "arguments": argparse.Namespace(depth=20)}),
        r"is a checkpoint of PyTorch Lightning without weights. .*\[\"state_dict\"\], \"weights.pth\"\)",
    ),
    "Lightning, other objects": (
        lambda path: saved(path, {"pytorch-lightning_version": "2.6.0", "head": functools.partial(print), **weights()}),
        r"is a checkpoint of PyTorch Lightning that holds more than tensors \(functools.partial\)",
    ),
    "65 sets": (
        lambda path: saved(path, {f"fold{n}": {"conv.weight": torch.zeros(1, 1, 1, 1) + n} for n in range(65)}),
        "holds 65 sets of weights; 64 are the most",
    ),
    "stride 0": (
        lambda path: archive(path, {"a": Claimed(4, (10**11,), (0,))}),
        r"has a tensor of shape \(100000000000,\) in 'a' whose elements share memory",
    ),
    "steps shorter than rows": (
        lambda path: archive(path, {"a": Claimed(4, (2, 3), (1, 1))}),
        r"has a tensor of shape \(2, 3\) in 'a' whose elements share memory",
    ),
    "larger than its record": (
        lambda path: archive(path, {"a": Claimed(1000, (1000,), (1,))}),
        r"has [0-9]+ bytes and tensors of 4,000",
    ),
    "legacy, larger than its storage": (
        lambda path: legacy(path, {"a": Claimed(4, (1000,), (1,))}),
        r"has [0-9]+ bytes and tensors of 4,000",
    ),
    "legacy, storage that is not there": (unfilled, "has [0-9]+ bytes and tensors of 4,000"),
    "views of one storage": (windows, "has [0-9,]+ bytes and tensors of 320,000"),
    "NaN": (lambda path: saved(path, nan(float("nan"))), "has values that are not finite .* in 'bn.running_var'"),
    "infinity": (lambda path: saved(path, nan(-float("inf"))), "has values that are not finite .* in 'bn.running_var'"),
    "negative variance": (
        lambda path: saved(path, {"bn.running_var": torch.tensor([1.0, -0.5])}),
        "has negative variances in 'bn.running_var'",
    ),
    "NaN in halves": (
        lambda path: saved(path, {"a": torch.tensor([1.0, float("nan")], dtype=torch.bfloat16)}),
        "has values that are not finite .* in 'a'",
    ),
    "NaN in safetensors": (
        lambda path: save_file(nan(float("nan")), path) or path,
        "has values that are not finite .* in 'bn.running_var'",
    ),
    "safetensors of 8 bits": (
        lambda path: safetensors_file(path, FLOATS.replace("F32", "F8_E4M3").replace("[4]", "[16]")),
        r"has numbers that cannot be used in 'a' \(float8_e4m3fn\)",
    ),
    "complex numbers": (
        lambda path: saved(path, {"a": torch.ones(4, dtype=torch.complex64)}),
        r"has numbers that cannot be used in 'a' \(complex64\)",
    ),
    "only said to be negative": (
        lambda path: saved(path, {"a": torch._neg_view(torch.ones(4))}),
        "has numbers that cannot be used in 'a'",
    ),
    "sparse": (lambda path: saved(path, {"a": torch.eye(4).to_sparse()}), "has a tensor of a special kind in 'a'"),
    "meta": (lambda path: saved(path, {"a": torch.ones(4, device="meta")}), "has numbers that cannot be used in 'a'"),
    "strange key": (lambda path: saved(path, {"![a](b)": torch.ones(4)}), "names a tensor by something other than"),
    "long key": (lambda path: saved(path, {"a" * 201: torch.ones(4)}), "names a tensor by something other than"),
    "20,001 tensors": (
        lambda path: saved(path, dict.fromkeys(map(str, range(20_001)), torch.ones(4))),
        "holds 20,001 tensors; 20,000 are the most",
    ),
    "empty state_dict": (lambda path: saved(path, {"state_dict": {}, "epoch": 3}), "holds no weights: no mapping of"),
    "a tensor": (lambda path: saved(path, torch.ones(4)), "holds no weights: no mapping of"),
    "five levels down": (
        lambda path: saved(path, {"a": {"b": {"c": {"d": {"e": weights()}}}}}),
        "holds no weights: no mapping of",
    ),
    "only an optimiser": (
        lambda path: saved(path, {"optimizer": {"state": {}, "momentum": weights()}, "exp_avg": weights()}),
        "holds no weights: no mapping of",
    ),
    "deep list": (lambda path: archive(path, DEEP_LIST), "holds no weights: no mapping of"),
    "mapping in itself": (lambda path: archive(path, RECURSIVE), "holds no weights: no mapping of"),
    "truncated legacy": (
        lambda path: cut(saved(path, weights(), _use_new_zipfile_serialization=False)),
        "is cut off: its last storages are missing",
    ),
    "no pickle": (
        lambda path: archive(path, b"\x80\x02\xff."),
        r"is damaged, or not written by torch.save \(ValueError: at position 2",
    ),
}

# Asking for more memory or time than there is, of a reader that does what they say.
DANGEROUS = {
    "memory in one piece": (lambda path: archive(path, MEMORY), "holds no weights"),
    "memory in small pieces": (lambda path: archive(path, MEGABYTES), "holds no weights"),
    "memory for many mappings": (lambda path: archive(path, MAPPINGS), TOO_MUCH),
    "legacy, memory for many mappings": (lambda path: written(path, LEGACY_START + MAPPINGS), TOO_MUCH),
    "legacy, no end of its description": (
        lambda path: written(path, LEGACY_START + b"\x80\x02" + (b"X\x10\x27\0\0" + b"a" * 10_000 + b"0") * 1_700),
        r"is damaged, or not written by torch.save \(ValueError: it describes its content in more than 16,777,216",
    ),
    "legacy, giant storage": (
        lambda path: legacy(path, {"a": Claimed(10**9, (4,), (1,))}),
        "is damaged: a storage does not have the size of its tensors",
    ),
    "slow key": (lambda path: archive(path, SLOW_KEY), "holds no weights"),
    "deep key": (lambda path: archive(path, DEEP_KEY), "holds no weights"),
}

# Refused at a look at the path.
PATHS = {
    "missing": (lambda path: path, r"There is no file '.*missing'. Give the path"),
    "zero byte": (lambda path: path.with_name("a\0"), r"There is no file .*a\\x00"),
    "folder": (lambda path: path.mkdir() or path, "is not a file but a folder, a pipe or a device"),
    "pipe": (lambda path: os.mkfifo(path) or path, "is not a file but a folder, a pipe or a device"),
    "empty": (lambda path: path.touch() or path, "is empty. Give another file"),
    "sparse, 5 GB": (sparse, "has 5,368,709,120 bytes; 1,073,741,824 are the most"),
}


def executing(marker):
    """Files that would make the file `marker` if they were unpickled without care, by their names."""
    command = f"touch {marker}"
    refusal = r"holds more than tensors \((posix|nt).system\), and opening that could run code"
    return {
        "executes": (lambda path: archive(path, {"a": Runs(command)}), refusal),
        "legacy, executes": (lambda path: legacy(path, {"a": Runs(command)}), refusal),
    }
