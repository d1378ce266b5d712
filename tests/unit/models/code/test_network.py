"""Standalone code computes what our network computes, for every row of the catalogue and for odd configurations."""

import inspect
import random
import subprocess
import sys
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.errors import BadSettings, UnknownName
from explorer.models import dense, norms
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.code.network import standalone_code
from explorer.models.config import LAYERS_IN_BLOCK, NetworkConfig
from explorer.models.excitation import Excitation
from explorer.models.names import DEEP_STEMS
from explorer.models.network import Network, build
from explorer.models.shortcuts import PadShortcut
from explorer.models.size import parameter_count

LARGE, DEEP = 15e6, 200  # parameters and layers; what has more is run with the slow tests


DETAILS = {
    "stride_on": ["second"],
    "norm": ["group"],
    "pool": ["max", "none"],
    "padding": ["end"],
    "subsampling": ["average"],
    "shortcut_start": ["projection", "input"],
    "first_projection": [True],
    "end_norm": [False],
    "antialias": ["blur", "average"],
    "excitation_by": ["eca"],
    "excitation_on": ["sum"],
    "excitation_least": [2],
    "widths": [(4,), (8, 8), (5, 8, 6)],
    "enlarged": [40],
}


def odd_configurations(count, seed=0, details=()):
    """Small networks of parts drawn at random, as far as these go together, each with a value of each of `details`."""
    draw = random.Random(seed)
    found = {}
    while len(found) < count:
        block = draw.choice(["basic", "bottleneck", "dense", "dense-bottleneck"])
        dense = block.startswith("dense")
        stages = tuple(draw.choices([1, 2], k=draw.randint(1, 4)))
        stem = draw.choice(["small", "large", "deep", "tiered"] if details else ["small", "large", "deep"])
        settings = {
            "block": block,
            "stages": stages,
            "stem": stem,
            "shortcut": "none" if dense else draw.choice(["none", "A", "B", "C", "D"]),
            "order": draw.choice(["post", "pre"]),
            "norm": draw.choice(["batch", "skipinit", "fixup"]),
            "excitation": draw.choice([False, True]),
            "shortcut_scale": draw.choice([1.0, 1.0, 0.5, 0.0]),
            "width": draw.choice([4, 5, 8]),
            "widen": draw.choice([1, 2]),
            "groups": draw.choice([1, 2, 4]),
            "stride_on": draw.choice(["3x3", "1x1"]),
            "growth": 3 if dense else 0,
            "channels": draw.choice([1, 3]),
            "classes": draw.choice([2, 7]),
        }
        settings |= {name: draw.choice(DETAILS[name]) for name in details}
        layers = LAYERS_IN_BLOCK[block]
        depth = (4 if stem in DEEP_STEMS else 2) + layers * sum(stages) + (len(stages) - 1) * dense
        try:
            config = NetworkConfig(depth=depth, **settings)
        except BadSettings:
            continue
        found[f"{config.name}-{config.channels}-{config.classes}"] = config
    return found


ODD = odd_configurations(60)
for number, detail in enumerate(DETAILS):
    ODD |= odd_configurations(3, number, [detail])
ODD |= odd_configurations(4, 1, ["shortcut_start", "first_projection"])
ODD |= odd_configurations(4, 2, ["padding", "subsampling", "enlarged"])
ROWS = {name: row.config for name, row in NETWORKS.items()}
LONG = [name for name, config in ROWS.items() if parameter_count(config) > LARGE or config.depth > DEEP]
MANY = list(ODD)[10:]
RUN = [
    pytest.param(name, marks=pytest.mark.slow if name in LONG else pytest.mark.thorough if name in MANY else ())
    for name in ROWS | ODD
]


@cache
def standalone(config):
    """The class `Network` of a network's code."""
    names = {"__name__": "standalone"}
    exec(compile(standalone_code(config), f"{config.name}.py", "exec"), names)
    return names["Network"]


def used(config):
    """A network of ours whose weights, scalars and statistics are all away from where they start."""
    network = build(config)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw), alpha=0.05)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0  # others than those measured would let the values of deep networks grow
        network(images_for(config))
    return network


def images_for(config):
    side = 17 if config.stem == "small" else 50  # odd ones on the way, where poolings have edges
    return torch.randn(2, config.channels, side, side, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", RUN)
def test_outputs_are_the_same_in_evaluation_and_in_training(name):
    config = (ROWS | ODD)[name]
    ours, images = used(config), images_for(config)
    with torch.device("meta"):  # first values are not needed
        theirs = standalone(config)()
    require_same_names_order_and_shapes(theirs, ours)
    theirs.load_state_dict(ours.state_dict(), assign=True)
    with torch.no_grad():
        for training in (False, True):
            expected, scores = ours.train(training)(images), theirs.train(training)(images)
            assert expected.isfinite().all()
            assert expected.std() > 0
            assert torch.equal(scores, expected)


def require_same_names_order_and_shapes(theirs, ours):
    shapes = [[(key, tensor.shape) for key, tensor in each.state_dict().items()] for each in (theirs, ours)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", LONG)
def test_weights_of_large_networks_have_the_same_names_order_and_shapes_too(name):
    """Of those that are run only with the slow tests."""
    with torch.device("meta"):
        require_same_names_order_and_shapes(standalone(ROWS[name])(), Network(ROWS[name]))


@pytest.mark.parametrize(
    "name", ["resnet20", "seresnet20-d", "preresnet20-skipinit-c", "resnet20-fixup", "resnet29-bottleneck-fixup"]
)
def test_weights_start_by_the_same_rules(name):
    ours = build(name).state_dict()
    theirs = standalone(network_config(name))().state_dict()
    for key, tensor in ours.items():
        if tensor.numel() > 500:
            assert theirs[key].std().item() == pytest.approx(tensor.std().item(), rel=0.15), key
        elif tensor.unique().numel() == 1:
            assert torch.equal(theirs[key], tensor), key


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("preresnet8-skipinit", [norms.Scale]),
        ("resnet8-fixup", [norms.Shift, norms.ScaleAndShift, norms.ShiftedConv2d, PadShortcut]),
        ("seresnet8", [Excitation, PadShortcut]),
        ("densenet-10-4", [dense.DenseLayer, dense.Transition]),
        ("densenet-bc-10-4", [dense.DenseBottleneckLayer, dense.Transition]),
    ],
)
def test_classes_that_are_the_same_in_every_network_are_those_that_this_program_runs(name, classes):
    code = standalone_code(name)
    for each in classes:
        own = inspect.getsource(each).replace("EXCITATION_REDUCTION", "16").replace("DENSE_BOTTLENECK", "4")
        assert own in code


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with the code of all rows and odd configurations."""
    folder = tmp_path_factory.mktemp("written")
    for name, config in (ROWS | ODD).items():
        (folder / f"{name.replace('-', '_').replace('.', '_')}.py").write_text(standalone_code(config))
    return folder


@pytest.mark.parametrize(
    "check", [["format", "--check"], ["check", "--select", "E,W,F,I,B,UP,SIM,RET,D2"]], ids="_".join
)
def test_the_code_has_the_usual_form(written, check):
    options = ["--isolated", "--no-cache", "--line-length", "100", "--target-version", "py311"]
    done = subprocess.run([sys.executable, "-m", "ruff", *check, *options, written], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


LOADING = """
from safetensors.torch import load_file, save_file
network = Network()
network.load_state_dict(load_file("checkpoint.safetensors"))
network.eval()
save_file({"scores": network(load_file("images.safetensors")["images"]).detach()}, "scores.safetensors")
"""


@pytest.mark.thorough
def test_the_file_runs_where_this_package_is_not(tmp_path):
    network = used(network_config("seresnet8-c")).eval()
    images = images_for(network.config)
    save_file(network.state_dict(), tmp_path / "checkpoint.safetensors")
    save_file({"images": images}, tmp_path / "images.safetensors")
    missing = "\nimport importlib.util\nassert importlib.util.find_spec('explorer') is None\n"
    (tmp_path / "network.py").write_text(standalone_code(network.config) + LOADING + missing)
    done = subprocess.run([sys.executable, "-I", "network.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["output (2, 10)", f"{parameter_count(network.config):,} parameters"]
    with torch.no_grad():
        torch.testing.assert_close(load_file(tmp_path / "scores.safetensors")["scores"], network(images))


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("plain20", ["shortcut", "groups", "self.end", "Excitation", "Scale", "inner"]),
        ("resnet20", ["projection", "groups", "Excitation", "Scale", "Shift", "inner"]),
        ("resnet50", ["Pad", "groups", "Excitation", "Scale", "Shift", "self.end", "F."]),
        ("resnet20-s9", ["Shortcut", "projection", "F."]),
        ("resnet20-fixup", ["Norm", "bias is not None"]),
        ("preresnet110-skipinit", ["BatchNorm", "ScaleAndShift"]),
        ("densenet-40-12", ["STAGES", "shortcut", "// 2"]),
    ],
)
def test_the_code_has_no_parts_that_the_network_does_not_have(name, absent):
    code = standalone_code(name).partition('"""\n\n')[2]
    assert [word for word in absent if word in code] == []


def test_names_and_configurations_are_taken():
    assert standalone_code("resnet56") == standalone_code(network_config("resnet56"))
    with pytest.raises(UnknownName, match="resnet22"):
        standalone_code("resnet22")
