"""Absurd settings, wherever they come from, are refused in one line that says what to do."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from explorer.cli.main import main
from explorer.errors import ExplorerError, one_line, quoted
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.names import is_network_name
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, run_and_step
from explorer.training.launch import start
from explorer.training.loop import train
from explorer.training.memory import require_step_memory
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

pytestmark = pytest.mark.thorough

LONG = "x" * 10_000
HUGE = "1" + "0" * 30


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def small_machine(monkeypatch):
    """One with 100 MB of memory."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=10**8, available=10**8))


def is_one_short_line(text):
    assert text.strip()
    assert text.count("\n") == 0
    assert len(text) < 1000
    assert text.isprintable()


SHELL = [
    *(["train", "resnet8", option, value] for option, value in [
        ("--learning-rate", "0x1p3"), ("--learning-rate", "１"), ("--learning-rate", "0.1_0"),
        ("--learning-rate", " 0.1"), ("--learning-rate", "inf"), ("--learning-rate", "nan"),
        ("--learning-rate", "1e300"), ("--learning-rate", "1e400"), ("--learning-rate", "-1"),
        ("--learning-rate", "0"), ("--learning-rate", "0,1"), ("--learning-rate", ""),
        ("--steps", "１２８"), ("--steps", "1_000"), ("--steps", "12\n"), ("--steps", "0"), ("--steps", "-5"),
        ("--steps", HUGE), ("--steps", "1" * 5000), ("--steps", "1e3"), ("--steps", "3.0"), ("--steps", "20000000"),
        ("--steps", "\ud800"), ("--steps", "True"),
        ("--batch-size", "1"), ("--batch-size", "100000000"), ("--batch-size", "0x80"),
        ("--warmup-steps", "-1"), ("--warmup-steps", "1000000"), ("--momentum", "1"), ("--momentum", "-0.1"),
        ("--weight-decay", "-1"), ("--weight-decay", "1e9"), ("--image-size", "1000000000"), ("--image-size", "7"),
        ("--image-size", "٨"), ("--train-images", "0"), ("--train-images", "5000"), ("--train-images", HUGE),
        ("--stochastic-depth", "1"), ("--stochastic-depth", "nan"), ("--evaluate-every", "0"),
        ("--evaluate-images", "1"), ("--last-images", "-1"), ("--probe-every", "-1"), ("--probe-every", HUGE),
        ("--schedule", LONG), ("--schedule", "\x1b[31m"), ("--data", LONG), ("--data", "folder:" + LONG),
        ("--seeds", "-1"), ("--seeds", HUGE), ("--seeds", "9" * 18), ("--seeds", "1.5"), ("--title", LONG),
        ("--initial", LONG), ("--initial", "a\nb"), ("--initial", "../" * 2000),
    ]),
    *(["train", name] for name in [
        "resnet２０", "resnet20\n", " resnet20", "resnet" + "9" * 5000, "resnet99998", "plain-20", LONG, "résnet20",
        "resnet20\x1b", "resnet20-w99999", "densenet-40-999999", "resnet8-s1.1.1.1.1.1.1", "re\u017fnet20",
    ]),
    *(["describe", "resnet20", option, value] for option, value in [
        ("--image-size", "0"), ("--image-size", "-1"), ("--image-size", "1000000000"), ("--image-size", "３２"),
        ("--classes", "1000000000000"), ("--classes", "1"), ("--classes", "-5"), ("--channels", "0"),
        ("--channels", HUGE), ("--channels", "1e1"),
    ]),
    ["describe", "resnet20-" + "w9-" * 3000], ["diff", "resnet20", "resnet２０"],
    ["code", "resnet20", "--classes", HUGE], ["code", "resnet20", "--channels", "-3"], ["code", LONG],
    ["code", "resnet20", "--output", "."],
    ["code", "resnet20", "--output", "y" * 300], ["code", "resnet20", "--output", "no/such/folder/net.py"],
    ["export-onnx", "resnet8", "net.onnx", "--image-size", "1000000000"],
    ["export-onnx", "resnet8", "net.onnx", "--image-size", "-1"],
    pytest.param(["export-onnx", "resnet8", "y" * 300 + ".onnx"], marks=pytest.mark.slow),  # first exports it
    *(["responses", "resnet8", "--images", value] for value in ["1", "-3", HUGE, "２", "100000000000"]),
    ["gradients", "resnet8", "--images", "0"], ["ledger", "resnet8", "--images", "-1"], ["responses", LONG],
    ["xray", "resnet8", "--seed", "-1"], ["xray", "resnet8", "--seed", HUGE], ["xray", "resnet8", "--images", "1"],
    ["shattering", "resnet8", "--lines", "0"], ["shattering", "resnet8", "--lines", "9" * 15],
    ["evaluate", "resnet8", "--images", "0"], ["evaluate", "resnet8", "--images", HUGE],
    ["evaluate", "resnet8", "--images", "100000000000"], ["evaluate", LONG],
    *(["runs", "metrics", "e1", "--points", value] for value in ["-1", "0", "1", "1" + "0" * 15, "２"]),
    ["runs", "show", LONG], ["runs", "show", "\x1b]0;x\x07"], ["runs", "import", "y" * 300], ["runs", "import", "."],
    ["runs", "import", "a\0b"], ["runs", "export", "e1", "y" * 300 + ".zip"],
    ["runs", "export", "e1", "no/such/folder/x.zip"], ["runs", "rename", "e1", LONG], ["runs", "delete", "\udcff"],
    ["construct", "identity", "e1-plain8-s0", "--depth", HUGE], ["construct", "identity", LONG],
    ["degradation", "run", "--preset", LONG], ["degradation", "run", "--depths", "-8"],
    ["degradation", "run", "--depths", HUGE], ["degradation", "run", "--steps", "0"],
    ["degradation", "run", "--seeds", "-1"], ["degradation", "verdict", LONG],
    *(["attribute", "resnet8", *rest] for rest in [
        ["--image", "y" * 300], ["--image", "１"], ["--image", "test:９"], ["--image", "test:" + "9" * 50],
        ["--image", "."], ["--image", LONG], ["--target", LONG], ["--target", "１"], ["--method", LONG],
        ["--out", "y" * 300], ["--image", "a\0b"],
        ["--method", "integrated_gradients", "--set", "steps=１"],
        ["--method", "integrated_gradients", "--set", "steps=" + HUGE],
        ["--method", "integrated_gradients", "--set", "steps=1_0"], ["--set", LONG],
        ["--method", "smoothgrad", "--set", "noise=nan"],
    ]),
    ["attribute-agreement", "resnet8", "plain8", "--images", "0"],
    ["attribute-agreement", "resnet8", "plain8", "--images", HUGE],
    ["data", "add", "y" * 300], ["data", "add", "a\0b"], ["data", "verify", LONG],
    ["checkpoints", "import", "y" * 300], ["checkpoints", "import", "."], ["checkpoints", "export", LONG],
    ["load", LONG],
]  # fmt: skip


@pytest.mark.parametrize("arguments", SHELL, ids=lambda arguments: ascii(" ".join(arguments))[1:60])
def test_a_shell_refuses_it(arguments, capsys, make_run):
    if "e1" in " ".join(arguments):
        make_run("plain8")
    try:
        code = main(arguments)
    except SystemExit as left:
        code = left.code
    printed = capsys.readouterr()
    assert code in (1, 2)
    assert "Traceback" not in printed.err
    told = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert printed.err.splitlines()[-1] == told[0]
    is_one_short_line(told[0])


RECIPES = [
    {"steps": "128"}, {"steps": True}, {"steps": 1.0}, {"steps": None}, {"steps": [3]}, {"steps": 10**30},
    {"steps": -1}, {"steps": 10**5000}, {"learning_rate": "0.1"}, {"learning_rate": True}, {"learning_rate": 1e300},
    {"learning_rate": 10**400}, {"learning_rate": 0}, {"batch_size": 10**12}, {"batch_size": "１２８"},
    {"momentum": "0.9"}, {"augment": 1}, {"augment": "yes"}, {"augment": 0.0}, {"precision": 16}, {"schedule": 3},
    {"schedule": LONG}, {"schedule": None}, {"image_size": 10**9}, {"image_size": "16"}, {"evaluate_images": 1},
    {"train_images": 10**12}, {"warmup_steps": 10**30}, {"weight_decay": 1e300}, {"probe_every": False},
    {LONG: 1}, {"steps\n": 1},
]  # fmt: skip
NETWORKS = [
    {"depth": "20"}, {"depth": True}, {"depth": 20.0}, {"depth": 10**12 * 6 + 2}, {"depth": 60_002}, {"depth": -4},
    {"depth": 10**5000}, {"depth": 20, "classes": 10**12}, {"depth": 20, "classes": "10"},
    {"depth": 20, "classes": True}, {"depth": 20, "channels": 10**6}, {"depth": 20, "channels": 3.0},
    {"depth": 20, "width": 10**6}, {"depth": 20, "stages": ["3", 3, 3]}, {"depth": 20, "stages": [10**30, 1, 1]},
    {"depth": 20, "stages": [1] * 10_000}, {"depth": 20, "stages": 3}, {"depth": 20, "excitation": 1},
    {"depth": 20, "excitation": "no"}, {"depth": 20, "shortcut": LONG}, {"depth": 20, "groups": 10**9},
    {"depth": 20, "growth": -1}, {},
]  # fmt: skip
PLANS = [
    {"networks": ["resnet２０"]}, {"networks": [LONG]}, {"networks": "resnet20"}, {"networks": [20]}, {"networks": []},
    {"networks": ["resnet8"] * 2000}, {"networks": ["resnet8"], "seeds": [10**30]},
    {"networks": ["resnet8"], "seeds": ["0"]}, {"networks": ["resnet8"], "seeds": [True]},
    {"networks": ["resnet8"], "seeds": [0.0]}, {"networks": ["resnet8"], "seeds": list(range(5000))},
    {"networks": ["resnet8"], "seeds": 3}, {"networks": ["resnet8"], "title": LONG},
    {"networks": ["resnet8"], "title": 3}, {"networks": ["resnet8"], "title": "\ud800"},
    {"networks": ["resnet8"], "data": LONG}, {"networks": ["resnet8"], "initial": LONG},
    {"networks": ["resnet8"], "recipe": {"steps": "3"}}, {"networks": ["resnet8"], "recipe": 3},
]  # fmt: skip
FACTS = [{"step": "5"}, {"seed": True}, {"test_error": "0.1"}, {"train_error": False}, {"schema_version": "1"}]
FILES = [
    *((Recipe, settings) for settings in RECIPES),
    *((NetworkConfig, settings) for settings in NETWORKS),
    *((Plan, settings) for settings in PLANS),
    *((CheckpointFacts, {"network": {"depth": 20}} | settings) for settings in FACTS),
]


@pytest.mark.parametrize(("kind", "settings"), FILES, ids=quoted)
def test_settings_refuse_it(kind, settings):
    with pytest.raises(ExplorerError) as refused:
        kind(**settings)
    is_one_short_line(one_line(refused.value))


def test_settings_still_take_what_json_holds():
    network = NetworkConfig(**json.loads('{"depth": 50, "stages": [3, 4, 6, 3], "block": "bottleneck"}'))
    assert network.stages == (3, 4, 6, 3)
    assert Recipe(**json.loads('{"learning_rate": 1, "augment": false}')).learning_rate == 1.0


@pytest.mark.parametrize("name", ["resnet1202", "resnet9998", "plain8", "WRN-28-10", "wide_resnet50_2"])
def test_what_is_known_or_deep_still_works(name):
    assert network_config(name).depth >= 8


@pytest.mark.parametrize(
    "name", ["resnet２０", "resnet20\n", " resnet20", "preſnet20", LONG, "", "\0", "resnet20\ud800"], ids=ascii
)
def test_a_name_is_refused(name):
    with pytest.raises(ExplorerError) as refused:
        network_config(name)
    is_one_short_line(one_line(refused.value))


def test_digits_of_other_scripts_are_not_those_of_a_network():
    assert not is_network_name("resnet２０")


@pytest.mark.parametrize("reference", ["run@１", "run@", "run@-1", "run@1\n", "run@" + "9" * 50, "run@1@2", "run@1.0"])
def test_a_moment_is_refused(reference):
    with pytest.raises(ExplorerError, match="a step is a whole number"):
        run_and_step(reference)


@pytest.mark.parametrize("name", ["resnet1202-w512", "densenet-bc-9994-512"])
def test_a_network_many_times_this_machine_is_not_built(name, small_machine):
    with pytest.raises(ExplorerError, match=r"needs about .* [GTP]B for its weights; this machine has 0.1 GB. Take"):
        build(name)


@pytest.mark.parametrize("name", ["wrn-40-64", "resnet998-w512"])
def test_a_training_step_many_times_this_machine_is_not_queued(name, home, small_machine):
    with pytest.raises(ExplorerError, match="needs about .* [GTP]B for a training step of 1,000 images of 8 pixels"):
        start(Plan(networks=(name,), recipe=Recipe(batch_size=1000)))
    assert not list(home.glob("*-*"))


def test_nor_is_it_begun_in_python(small_machine):
    with pytest.raises(ExplorerError, match="for a training step of 1,000 images of 8 pixels"):
        train("resnet110-w64", "digits", Recipe(batch_size=1000))


def test_what_takes_some_times_the_memory_is_tried(small_machine):
    require_step_memory(network_config("resnet20"), Recipe(batch_size=128), 32)


def test_what_this_machine_may_manage_is_counted(capsys):
    assert main(["describe", "resnet9998-w512"]) == 0
    assert "GB of tensors" in capsys.readouterr().out


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "/root/x.zip"),
        IsADirectoryError(21, "Is a directory", "/x"),
        OSError(36, "File name too long", "y" * 300),
        OSError(5, "Input/output error"),
    ],
    ids=quoted,
)
def test_what_the_operating_system_says_is_one_line(error, capsys, monkeypatch):
    def refused(*arguments, **options):
        raise error

    monkeypatch.setattr("explorer.cli.runs.list_experiments", refused)
    assert main(["runs", "list"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    is_one_short_line(told.rstrip("\n"))


def test_a_text_that_a_terminal_cannot_show_is_one_line(capsys, monkeypatch, make_run):
    make_run("plain8", title="größe")
    with Path("out.txt").open("w", encoding="ascii") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["runs", "list"]) == 1
    assert "cannot be written as ascii" in capsys.readouterr().err


def test_control_characters_of_a_title_do_not_reach_the_terminal(capsys, make_run):
    make_run("plain8", title="\x1b[31mred\a")
    assert main(["runs", "list"]) == 0
    assert "\x1b" not in capsys.readouterr().out
