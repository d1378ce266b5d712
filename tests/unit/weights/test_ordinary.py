"""Dictionaries as training scripts save them are read, whatever objects they hold; of these nothing is made."""

import argparse
import collections
import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import random
import sys
import types
import typing
import uuid
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import StorageError
from explorer.weights.headers import checked_kind
from explorer.weights.tensors import read_contents
from tests.unit.weights.crafted import saved

MADE = []  # classes of which an object was made


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


@dataclass
class Settings:
    depth: int = 20
    widths: list[int] = field(default_factory=lambda: [16, 32])


@dataclass(frozen=True, slots=True)
class Frozen:
    rate: float = 0.1


class Attributes(dict):
    """As EasyDict and Lightning's AttributeDict."""

    __getattr__ = dict.get

    def __new__(cls, *arguments, **attributes):
        MADE.append(cls)
        return super().__new__(cls)


class Meter:
    def __new__(cls):
        MADE.append(cls)
        return super().__new__(cls)

    def __init__(self):
        self.sum, self.history = 1.5, [1, 2]


class Node:
    """As a node of omegaconf, with annotations among its attributes and a state of its own making."""

    def __init__(self, value):
        self.__dict__["_content"] = {"value": value}
        self.__dict__["_metadata"] = {"type": typing.Any, "of": int, "one": typing.Optional[int]}  # noqa: UP045

    def __getstate__(self):
        return self.__dict__.copy()

    def __setstate__(self, state):
        raise AssertionError("nothing is made of it")


Point = collections.namedtuple("Point", "x y")

ORDINARY = {
    "Namespace": argparse.Namespace(depth=20, name="resnet", nested=argparse.Namespace(a=1)),
    "SimpleNamespace": types.SimpleNamespace(a=1),
    "dataclass": Settings(),
    "frozen dataclass with slots": Frozen(),
    "enumeration": [Colour.RED, Colour.BLUE, Level.LOW],
    "mapping with attributes": Attributes(a=1, b=Attributes(c=2)),
    "object": Meter(),
    "omegaconf": Node(3),
    "named tuple": Point(1, 2),
    "defaultdict": collections.defaultdict(list, a=[1]),
    "defaultdict of dicts": collections.defaultdict(dict, {"a": {}}),
    "Counter": collections.Counter("abc"),
    "deque": collections.deque([1, 2], maxlen=3),
    "OrderedDict": collections.OrderedDict(a=1),
    "set": {1, 2},
    "frozenset": frozenset({1, 2}),
    "range and slice": [range(3), slice(1, 2)],
    "bytes": [b"abc", bytearray(b"abc"), b""],
    "complex": 1 + 2j,
    "large integer": 10**30,
    "path": [pathlib.Path("/home/me/run"), pathlib.PureWindowsPath("C:/run")],
    "datetime": [
        dt.datetime.fromisoformat("2026-01-02"),
        dt.date(2026, 1, 2),
        dt.timedelta(1),
    ],
    "datetime with a zone": dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=9))),
    "uuid": uuid.UUID(int=3),
    "Decimal": [decimal.Decimal("0.1"), fractions.Fraction(1, 3)],
    "numpy scalars": [np.float64(93.2), np.float32(0.5), np.int64(3), np.bool_(True), np.float16(1)],
    "numpy arrays": [np.arange(3.0), np.zeros((2, 2), np.uint8), np.array(["a", "b"]), np.array([None, 1])],
    "numpy types": [np.dtype("float32"), np.float32],
    "numpy random state": [np.random.RandomState(0).get_state(), np.random.default_rng(0)],
    "random state": random.getstate(),
    "torch random state": torch.get_rng_state(),
    "types of tensors": [torch.float32, torch.device("cpu"), torch.Size([1, 2]), torch.strided],
    "classes and functions": [nn.Conv2d, Settings, nn.functional.relu, torch.optim.SGD],
    "a network": nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()),
    "a tensor with attributes": nn.Parameter(torch.ones(2)),
}


def read(path):
    with path.open("rb") as file:
        return read_contents(file, path, checked_kind(file, path))


def state():
    return {"conv.weight": torch.randn(4, 3, 3, 3), "fc.weight": torch.randn(2, 4), "fc.bias": torch.randn(2)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pth"


@pytest.mark.parametrize(
    "options",
    [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}, {"pickle_protocol": 5}],
    ids=["zip", "legacy", "protocol 4", "protocol 5"],
)
@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.filterwarnings("ignore:.*protocol")
def test_what_lies_beside_the_weights_keeps_nobody_from_reading_them(path, name, options):
    weights = state()
    saved(path, {"extra": ORDINARY[name], "state_dict": weights, "after": [ORDINARY[name]]}, **options)
    before = len(MADE)
    found = read(path)
    assert len(MADE) == before
    assert list(found.sets) == ["state_dict"]
    assert all(torch.equal(found.sets["state_dict"][key], tensor) for key, tensor in weights.items())


@pytest.mark.parametrize("name", ["dataclass", "mapping", "SimpleNamespace", "named tuple", "deque"])
def test_weights_inside_of_such_objects_are_found(path, name):
    held = {
        "dataclass": Settings(depth=state()),
        "mapping": Attributes(depth=state()),
        "SimpleNamespace": types.SimpleNamespace(depth=state()),
        "named tuple": None,
        "deque": collections.deque([state()]),
    }[name]
    if held is None:
        with pytest.raises(StorageError, match="holds no weights"):  # what is given to a class is not kept
            read(saved(path, {"a": Point(state(), 1)}))
    else:
        assert list(read(saved(path, {"a": held})).sets) == ["a.0" if name == "deque" else "a.depth"]


def test_numbers_and_texts_in_them_are_told(path):
    found = read(saved(path, {"net": state(), "acc": np.float64(93.2), "args": argparse.Namespace(arch="resnet20"),
                              "best": np.float32("nan"), "seen": np.int32(7), "out": pathlib.Path("a/b"),
                              "prec1": torch.tensor([92.5])}))  # fmt: skip
    assert found.claims == {"acc": 93.2, "args.arch": "resnet20", "seen": 7, "out": "a/b", "prec1": 92.5}


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16, ">f4"])
def test_weights_as_numpy_arrays_are_weights(path, kind):
    weights = {key: tensor.numpy().astype(kind) for key, tensor in state().items()}
    weights["conv.weight"] = np.asfortranarray(weights["conv.weight"])
    found = read(saved(path, {"state_dict": weights})).sets["state_dict"]
    for key, array in weights.items():
        np.testing.assert_array_equal(found[key].numpy(), array.astype(np.dtype(kind).newbyteorder("=")))


@pytest.mark.parametrize(
    "scheduler", ["OneCycleLR", "CosineAnnealingLR", "MultiStepLR", "LambdaLR", "ReduceLROnPlateau"]
)
def test_states_of_schedulers_are_passed_over(path, scheduler):
    network = nn.Linear(2, 2)
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    made = {
        "OneCycleLR": lambda: torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=10),
        "CosineAnnealingLR": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 10),
        "MultiStepLR": lambda: torch.optim.lr_scheduler.MultiStepLR(optimiser, [3, 5]),
        "LambdaLR": lambda: torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 1.0),
        "ReduceLROnPlateau": lambda: torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser),
    }[scheduler]().state_dict()
    if scheduler == "OneCycleLR":  # as before PyTorch 2.1
        made["anneal_func"] = torch.optim.lr_scheduler.OneCycleLR._annealing_cos
    assert list(read(saved(path, {"net": state(), "scheduler": made})).sets) == ["net"]


@pytest.mark.parametrize("value", [partial(print), random.Random(0).random, random.Random(0), sys.exit, open,
                                   ValueError("a"), decimal.Context()])  # fmt: skip
def test_what_could_run_code_is_still_refused(path, value):
    with pytest.raises(StorageError, match="holds more than tensors"):
        read(saved(path, {"net": state(), "extra": value}))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_are_those_that_pytorch_reads(path, old, protocol):
    flat = torch.randn(24)
    values = {
        "plain": torch.randn(3, 4),
        "view": flat.view(4, 6)[1:, 2:].t(),
        "tied": flat,
        "channels": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(math.pi),
        "empty": torch.empty(0, 3),
        "parameter": nn.Parameter(torch.randn(2), requires_grad=False),
        **{str(kind): torch.arange(5).to(kind) for kind in (torch.int8, torch.uint8, torch.int64, torch.bool,
                                                           torch.float16, torch.bfloat16, torch.float64)},
    }  # fmt: skip
    values["with attributes"] = torch.ones(2)
    values["with attributes"].note = "kept in the file"
    options = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": not old}
    found = read(saved(path, {"state_dict": values}, **options)).sets["state_dict"]
    expected = values
    if protocol == 2:
        expected = torch.load(path, weights_only=True)["state_dict"]
    assert list(found) == list(expected)
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor.detach(), rtol=0, atol=0)
