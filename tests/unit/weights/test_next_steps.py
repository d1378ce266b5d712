"""Every next step that a message about weights, attributions or evaluation proposes exists, and works."""

import ast
import inspect
import re
from functools import cache

import pytest
import torch
import torch.nn.utils.prune
from torch import nn

import explorer
from explorer.attribution import checks, randomisation
from explorer.attribution.attribute import attribute
from explorer.attribution.methods import METHODS
from explorer.cli.main import main
from explorer.data.normalisations import NORMALISATIONS
from explorer.errors import BadSettings
from explorer.files import PROJECT
from explorer.models.config import NetworkConfig
from explorer.models.names import is_network_name, settings_of
from explorer.models.network import build
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import attributions, evaluations, layers, predictions
from explorer.training.evaluation import evaluate
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.weights.importing import import_checkpoint
from explorer.weights.torchvision import load_pretrained
from tests.unit.weights.layouts.classic import Kuangliu, KuangliuBasic
from tests.unit.weights.layouts.parts import drawn

FOLDERS = ("weights", "attribution", "cli", "ui/attributions", "ui/evaluate", "ui/checkpoints")
FILES = (
    "training/evaluation.py", "training/normalisation_choice.py", "training/plan.py", "data/unknown.py",
    "data/catalogue.py", "data/pictures.py", "data/picture_files.py", "studies/attributions.py",
    "studies/evaluations.py", "studies/references.py", "studies/layers.py", "runs/checkpoints.py",
    "runs/checkpoint_facts.py", "models/config.py", "models/identity.py", "models/onnx_export.py",
)  # fmt: skip
OTHERS = ("git lfs pull", "Download raw file")  # of git, and a button of GitHub
GIVEN = "…"  # what a message holds that is known only when it is raised

COMMANDS = (
    "checkpoints import",
    "attribute",
    "attribute-check",
    "attribute-agreement",
    "evaluate",
    "responses",
    "load",
)
FUNCTIONS = [
    attribute, import_checkpoint, load_pretrained, evaluate, build, *(explorer.__getattr__(name) for name in
    ("export_onnx", "standalone_code", "load_foreign_state", "operated")), Plan, Recipe, NetworkConfig, nn.Conv2d,
    *(each for module in (attributions, evaluations, layers, predictions, checks, randomisation) for _, each in
      inspect.getmembers(module, inspect.isfunction)),
]  # fmt: skip


def texts():
    """(file, text) of all strings that are no docstrings; what is filled in is `GIVEN`."""
    paths = [path for folder in FOLDERS for path in sorted((PROJECT / "explorer" / folder).glob("*.py"))]
    paths.remove(PROJECT / "explorer/weights/layouts.py")  # a table of names in other libraries
    for path in [*paths, *(PROJECT / "explorer" / name for name in FILES)]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        ignored = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                ignored |= {id(each) for each in node.values}
        for node in ast.walk(tree):
            if id(node) in ignored:
                continue
            if isinstance(node, ast.JoinedStr):
                yield (
                    path.name,
                    "".join(str(each.value) if isinstance(each, ast.Constant) else GIVEN for each in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value


PROPOSED = sorted({(file, span) for file, text in texts() for span in re.findall(r"`([^` ][^`]*)`", text)})


@cache
def helped(command):
    """What --help prints about a command; empty if there is no such command."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main([*command.split(), "--help"])
        except SystemExit:
            usage = said.getvalue().partition("[-h]")[0].split()  # an unknown command is not told, but ignored
            return said.getvalue() if usage[-len(command.split()) :] == command.split() else ""
    return ""


def has_option(command, option):
    return re.search(rf"{option}(?![\w-])", helped(command)) is not None


def is_command(span):
    """Whether a shell understands it: its command exists, and each of its options."""
    words = span.removeprefix("python -m explorer").split()
    names = []
    for word in words:
        if not re.fullmatch(r"[a-z][a-z-]*", word) or len(names) == 2 or not helped(" ".join([*names, word])):
            break
        names.append(word)
    options = [word for word in words if word.startswith("--")]
    return bool(names) and all(has_option(" ".join(names), each) for each in options)


@cache
def parameters():
    found = {each.name for row in METHODS.values() for each in row.parameters}
    for each in FUNCTIONS:
        fields = getattr(each, "model_fields", None)
        found |= set(fields) if fields else set(inspect.signature(each).parameters)
    return found


def exists(span):
    if span in OTHERS:
        return True
    if span.startswith("--"):
        return any(has_option(command, span.split()[0]) for command in COMMANDS)
    if span.startswith("python -m explorer"):
        return is_command(span)
    name = re.fullmatch(r"([a-z_]+)(=.*)?", span)
    if name and name[1] in parameters():
        return True
    if span in ("images[None]", "images.permute(0, 3, 1, 2)"):
        return eval(span, {"images": torch.zeros(1, 4, 4, 3)}) is not None
    if span.removeprefix("model.") in ("state_dict()", "named_parameters()"):
        return eval(f"model.{span.removeprefix('model.')}", {"model": nn.Linear(1, 1)}) is not None
    if span.startswith(("torch.", "nn.", "explorer.")):
        return eval(span, {"torch": torch, "nn": nn, "explorer": explorer}) is not None
    return is_command(span) or (GIVEN in span and span.startswith(GIVEN))


@pytest.mark.parametrize(("file", "span"), PROPOSED, ids=[f"{file} {span}" for file, span in PROPOSED])
def test_what_a_message_names_exists(file, span):
    assert exists(span)


@pytest.mark.parametrize(
    "span", ["nothing", "--nothing", "python -m explorer nothing", "checkpoints import --no", "torch.no"]
)
def test_what_does_not_exist_is_noticed(span):
    try:
        found = exists(span)
    except AttributeError:
        found = False
    assert not found


def test_networks_that_messages_name_are_names_of_networks():
    said = {word for _, text in texts() for word in re.findall(r"(?<![\w'/-])[a-z]+[0-9][\w.-]*\w", text)}
    named = sorted(each for each in said if is_network_name(each) and "_" not in each)
    assert len(named) > 5
    assert [name for name in named if settings_of(name) is None] == []


# --- messages raised, and what they propose done ---


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "no data"))
    return tmp_path


def saved(home, state):
    path = home / "weights.pt"
    torch.save(state, path)
    return path


def kuangliu(**changes):
    theirs = drawn(Kuangliu(KuangliuBasic, 1, (1, 1, 1, 1)))
    for name, module in changes.items():
        setattr(theirs, name, module)
    return theirs


def proposed(text, pattern):
    found = re.findall(pattern, text)
    assert found, text
    return found


def test_the_head_that_a_message_names_is_taken(home, read_here):
    path = saved(home, kuangliu(rotation=nn.Linear(64, 10)).state_dict())
    with pytest.raises(BadSettings) as error:
        import_checkpoint(path)
    (head,) = proposed(str(error.value), r"`head`, such as (\w+)\.")
    assert import_checkpoint(path, head=head).classes == 10


def test_each_network_that_an_import_names_can_be_taken_instead(home, read_here):
    path = saved(home, kuangliu(linear=nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))).state_dict())
    found = import_checkpoint(path)
    names = proposed(" ".join(found.decisions), r"name the network: ([\w.-]*\w)")
    for number, name in enumerate(names):
        assert import_checkpoint(path, name=f"other{number}", network=name).network == name
    without = re.sub("-head[0-9.]+", "", found.network)
    assert import_checkpoint(path, name="without", network=without).network == without


def test_kinds_of_normalisation_that_messages_name_exist(home, read_here, make_imported):
    with pytest.raises(BadSettings) as error:
        attributions.attribution_map(make_imported(normalisation="channel"), "china.jpg")
    (kind,) = proposed(str(error.value), r"`normalisation`, such as (\w+),")
    assert kind in NORMALISATIONS
    found = import_checkpoint(saved(home, kuangliu(linear=nn.Linear(64, 2)).state_dict()), normalisation=kind)
    assert attributions.attribution_map(found.id, "china.jpg").map.shape == (32, 32)


def test_a_picture_that_a_message_names_is_explained(home, make_imported, capsys):
    name = make_imported()
    assert main(["attribute", name]) == 1
    (picture,) = proposed(capsys.readouterr().err, r"`--image`, such as ([\w.]+)")
    assert main(["attribute", name, "--image", picture]) == 0
    assert main(["attribute-check", name, "--image", picture, "--json"]) == 0


def test_group_norms_are_imported_under_the_name_that_a_message_names(home, read_here):
    network = build("resnet8-w32-gn")
    state = {key.replace("norm", "bn"): tensor for key, tensor in network.state_dict().items()}
    path = saved(home, state)
    with pytest.raises(BadSettings) as error:
        import_checkpoint(path)
    (ending,) = proposed(str(error.value), r"such as resnet50-(\w+)\.")
    assert import_checkpoint(path, network=f"resnet8-{ending}-w32").network == "resnet8-gn-w32"


def test_a_network_that_cannot_be_trained_names_one_that_can(home):
    with pytest.raises(BadSettings) as error:
        Plan(networks=("resnet8-w4-sigmoid",))
    (name,) = proposed(str(error.value), r"Take ([\w-]+)\.")
    assert Plan(networks=(name,)).networks == ("resnet8-w4",)


def test_images_in_another_order_are_turned_as_a_message_says():
    network, images = build("resnet8-w4").eval(), torch.rand(1, 16, 16, 3)
    with pytest.raises(BadSettings) as error:
        attribute(network, images)
    (code,) = proposed(str(error.value), r"`(images\.permute[^`]*)`")
    assert attribute(network, eval(code, {"images": images})).shape == (1, 3, 16, 16)


def test_one_own_folder_is_evaluated_as_the_message_says(home, make_imported, capsys):
    from PIL import Image

    name = make_imported()
    assert main(["evaluate", name]) == 1
    said = capsys.readouterr().err
    (option, kind) = proposed(said, r"`(data)`: a data set, or a folder with a subfolder for each class, (folder:)")[0]
    for number in range(4):
        path = home / "answers" / ("yes" if number % 2 else "no") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (60 * number, 0, 0)).save(path)
    assert main(["evaluate", name, f"--{option}", f"{kind}{home / 'answers'}"]) == 0
    assert load_checkpoint(name).classes == ("no", "yes")
