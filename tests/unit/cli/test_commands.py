"""The commands that pages show, "the same from a shell", give what the page's study gives."""

import json
import shlex

import pytest
import torch

from explorer.analysis.inside_blocks import arithmetic_table, most_active
from explorer.attribution.question import Question
from explorer.cli import train as train_command
from explorer.cli.main import main
from explorer.export.views import View
from explorer.models.catalogue import network_config
from explorer.models.description import description, differences
from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.facts import Where
from explorer.studies import attributions, commands, evaluations, features, identity, layers, map_files
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def answer(capsys):
    """Gives what a command prints with --json."""

    def made(text):
        program, dash_m, package, *arguments = shlex.split(text)
        assert (program, dash_m, package) == ("python", "-m", "explorer")
        assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return made


def alike(rows, table):
    """Whether rows of JSON are those of a table, apart from measured times."""
    columns = [name for name in table.columns if name != "seconds"]
    expected = json.loads(table[columns].to_json(orient="records", double_precision=15))
    told = [{name: row[name] for name in columns} for row in rows]
    assert len(told) == len(expected) > 0
    for row, wanted in zip(told, expected, strict=True):
        for name, value in wanted.items():
            close = pytest.approx(value, rel=1e-4, abs=1e-6) if isinstance(value, float) else value
            assert row[name] == close or (row[name] is None and value in (None, "")), name


@pytest.mark.parametrize(
    ("name", "study", "options"),
    [
        ("responses", layers.response_std, {"images": 20, "statistics": "batch"}),
        ("ledger", layers.residual_ledger, {"images": 20, "statistics": "running"}),
        ("gradients", layers.gradient_profile, {"images": 20}),
    ],
)
@pytest.mark.parametrize("data", ["", "digits"])
def test_looking_inside(answer, run, name, study, options, data):
    references = [f"{run}@5", "plain8-w4"]
    (rows,) = answer(View(name, tuple(references), {"data": data, **options}).command()).values()
    alike(rows, study(references, data=data, **options))


def test_looking_inside_a_block(answer, run, capsys):
    found = features.block_arithmetic(run, "test:3", "stage2.block1")
    shown = {"place": "stage2.block1", "image": "test:3", "data": ""}
    alike(
        answer(View("arithmetic", (run,), shown | {"channels": (5, 0)}).command())["values"],
        arithmetic_table(found, [5, 0]),
    )
    alike(
        answer(View("arithmetic", (run,), shown | {"channels": ()}).command())["values"],
        arithmetic_table(found, most_active(found, 3)),
    )
    assert main(["block", run, "--channels", "99"]) == 1
    assert "`channels` (=99) is not one of stage1.block1, which has 0 to 3." in capsys.readouterr().err


def test_taking_scores_apart(answer):
    told = answer(View("logits", ("preresnet20-w4",), {"image": "test:3", "data": "digits"}).command())["parts"]
    alike(told, features.contributions("preresnet20-w4", "test:3", data="digits").table)


@pytest.mark.parametrize(("name", "study"), [("xray", layers.xray), ("shattering", layers.gradient_autocorrelation)])
def test_looking_at_untrained_networks(answer, name, study):
    (rows,) = answer(View(name, ("resnet8-w4",), {"data": "digits", "seed": 3}).command()).values()
    alike(rows, study(["resnet8-w4"], data="digits", seed=3))


def test_evaluation(answer, run):
    text = f"python -m explorer evaluate {run} plain8-w4 --images 50 --ensemble"
    found = answer(text)
    alike(found["evaluations"], evaluations.evaluation_table(evaluations.evaluations([run, "plain8-w4"], images=50)))
    joint = evaluations.ensemble([run, "plain8-w4"], images=50).joint
    assert found["ensemble"]["error"] == joint.error


@pytest.mark.parametrize("part", ["errors", "class_errors", "confusion", "calibration", "mistakes", "pairs"])
def test_a_part_of_evaluations(answer, run, part):
    text = f"python -m explorer evaluate {run} plain8-w4 --images 50 --part {part}"
    alike(answer(text)[part], evaluations.table([run, "plain8-w4"], part=part, images=50))


EVERY_BLOCK = {"images": ("test:3",), "layer": commands.ALL_BLOCKS}
SEVERAL = {"integrated_gradients": {"steps": 3}, "smooth_grad": {"samples": 2, "seed": 4}, "saliency": {}}


@pytest.mark.parametrize("methods", [SEVERAL, {"saliency": {"absolute": False}}], ids=["several", "one"])
def test_maps(answer, run, methods):
    text = View("maps", (f"{run}@5", "plain8-w4"), {"methods": methods, "images": ("test:3",), "target": "4"}).command()
    maps = [
        attributions.attribution_map(reference, "test:3", Question(method, target=4, parameters=parameters))
        for reference in (f"{run}@5", "plain8-w4")
        for method, parameters in methods.items()
    ]
    alike(answer(text)["maps"], map_files.scores(maps))


def test_the_layer_lens_is_a_map_of_every_block(answer, run):
    """Its command asked for the first block of stage 2 once, while the page shows every block."""
    text = View("maps", (run,), {"methods": {"grad_cam": {}}, **EVERY_BLOCK}).command()
    rows = answer(text)["maps"]
    assert [row["layer"] for row in rows] == ["stage1.block1", "stage2.block1", "stage3.block1"]
    alike(rows, map_files.scores(attributions.layer_maps(run, "test:3")))


def test_every_block_with_a_method_that_looks_at_none_is_told(capsys, run):
    text = View("maps", (run,), {"methods": {"saliency": {}}, **EVERY_BLOCK}).command()
    assert main(shlex.split(text)[3:]) == 1
    assert "Saliency does not explain a layer. Choose one of grad_cam" in capsys.readouterr().err


def test_a_check(answer, run):
    text = View("check", (run,), {"method": "saliency", "parameters": {"absolute": False}, "image": "test:3"}).command()
    found = attributions.check(run, "test:3", Question(parameters={"absolute": False}))
    told = answer(text)
    alike(told["randomisation"], found.randomisation)
    assert told["unexplained"] == pytest.approx(found.infidelity.unexplained, rel=1e-3)


def test_agreement(answer, run):
    networks, methods = [run, f"{run}@5"], {"saliency": {}, "smooth_grad": {"samples": 2}}
    text = View("agreement", tuple(networks), {"methods": {"saliency": {}}, "images": 10}).command()
    alike(answer(text)["pairs"], attributions.agreement_of_networks(networks, 10))
    text = View("agreement", (run,), {"methods": methods, "image": "test:3"}).command()
    expected = attributions.agreement_of_methods(
        run, "test:3", [Question(name, parameters=parameters) for name, parameters in methods.items()]
    )
    alike(answer(text)["pairs"], expected)


@pytest.mark.parametrize("by", ["stage", "block", "layer"])
@pytest.mark.parametrize(("size", "classes"), [(32, 10), (24, 7)])
def test_a_description(answer, by, size, classes):
    config = network_config("resnet20-w4").model_copy(update={"classes": classes})
    text = View("sizes", (config.name,), {"by": by, "image_size": size, "classes": classes}).command()
    assert f"--by {by}" in text
    assert answer(text)["parameters"] == description(config, size).parameters
    alike(answer(text)[f"{by}s"], getattr(description(config, size), f"{by}s"))


@pytest.mark.parametrize("classes", [10, 7])
def test_a_difference(answer, classes):
    a, b = network_config("resnet20-w4").model_copy(update={"classes": classes}), network_config("plain20-w4")
    settings = {"image_size": 24, "classes": classes, "other_classes": 10}
    found, expected = answer(View("differences", (a.name, b.name), settings).command()), differences(a, b, 24)
    alike(found["layers"], expected.layers)
    alike(found["settings"], expected.settings)


def test_a_network_that_computes_the_same(answer, make_weights):
    source = make_weights("plain8-w4")
    text = commands.identity(source, 14)
    found = answer(text)
    made = identity.identity(source, 14)
    assert (found["id"], found["network"], found["train_error"]) == (made.id, made.network, made.train_error)


def test_a_checkpoint_is_copied(answer, run, tmp_path):
    answer(commands.export_checkpoint(run))
    copied = load_checkpoint(str(tmp_path / f"{run}.safetensors"))
    for mine, theirs in zip(copied.parameters(), load_checkpoint(run).parameters(), strict=True):
        assert torch.equal(mine, theirs)


PLANS = [
    Plan(networks=("plain8", "resnet8-w4")),
    Plan(networks=("resnet8",), recipe=Recipe(steps=7, augment=False, learning_rate=1e-5), seeds=(0, 2), initial="a b"),
    Plan(networks=("resnet8",), recipe=Recipe(augment=True, evaluate_every=3, stochastic_depth=0.5, precision="fp32")),
]  # fmt: skip


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("where", [Where(), Where(lanes=3), Where(engine="ray", gpus_per_run=0.25)])
def test_a_training(monkeypatch, make_run, capsys, plan, where):
    planned = []

    def start(*given):
        planned.append(given)
        make_run("resnet8")
        return "e1"

    monkeypatch.setattr(train_command, "start", start)
    assert main([*shlex.split(commands.train(plan, where))[3:], "--detach"]) == 0
    assert planned == [(plan, where)]
