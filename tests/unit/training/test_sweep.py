"""Sweeps from a file: what multiplies out, and what is said about a bad file."""

import pytest

from explorer.cli import train
from explorer.cli.main import main
from explorer.errors import BadSettings, StorageError
from explorer.runs.facts import Where
from explorer.training.sweep import read_sweep

pytest.importorskip("yaml", reason="needs PyYAML: python -m pip install -r requirements.txt")

GOOD = """
title: Warm-up and rate
kinds: [plain, residual]
depths: [20, 32]
networks: [preresnet20]
seeds: [0, 1, 2]
engine: ray
gpus_per_run: 0.25
recipe:
  steps: 100
  batch_size: 32
  learning_rate: [1e-1, 0.03]
  warmup_steps: [0, 50]
"""


@pytest.fixture
def sweep(tmp_path):
    """Reads a sweep from a text."""

    def read(text, name="plan.yaml"):
        (tmp_path / name).write_text(text)
        return read_sweep(tmp_path / name)

    return read


def test_kinds_and_depths_make_networks_and_lists_in_the_recipe_make_experiments(sweep):
    plans, where = sweep(GOOD)
    assert where == Where(engine="ray", gpus_per_run=0.25)
    assert {plan.networks for plan in plans} == {("preresnet20", "plain20", "plain32", "resnet20", "resnet32")}
    assert {plan.seeds for plan in plans} == {(0, 1, 2)}
    assert [(plan.recipe.learning_rate, plan.recipe.warmup_steps) for plan in plans] == [
        (0.1, 0),
        (0.1, 50),
        (0.03, 0),
        (0.03, 50),
    ]
    assert plans[0].title == "Warm-up and rate: learning_rate 0.1, warmup_steps 0"
    assert {plan.recipe.steps for plan in plans} == {100}


def test_json_is_read_too(sweep):
    plans, where = sweep('{"networks": ["plain8"], "recipe": {"batch_size": [16, 32]}}', "plan.json")
    assert [plan.recipe.batch_size for plan in plans] == [16, 32]
    assert where == Where()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("networks: [plain8", "plan.yaml, line 1: "),
        ("title: a\ntitle: b", "plan.yaml, line 2: 'title' occurs twice"),
        ("networks: &a [plain8]\nkinds: *a", "plan.yaml, line 2: aliases are not used"),
        ("networks: !!python/name:os.system", "line 1: could not determine a constructor"),
        ("[" * 5000, "not valid YAML"),
        ("\0", "not valid YAML"),
        ("# " + "x" * 300_000, "more than 262,144 bytes"),
        ("", "It holds None"),
        ("1: 2", "1 is not the name of a setting"),
        ("networks: [plain8]\nsteps: 3", "`steps` is not a setting of Sweep. Known: title, networks"),
        ("networks: [plain9]", "plan.yaml: 'plain9'|plan.yaml: .*9"),
        ("depths: [20]", "`kinds` and `depths` are given together"),
        ("seeds: [0]", "names no networks"),
        ("networks: [plain8]\nrecipe: {steps: often}", "`steps` \\(='often'\\) must be a whole number"),
        ("networks: [plain8]\nrecipe: {steps: [10, 0]}", "steps 0: `steps` \\(=0\\) must be 1 or more"),
        ("networks: [plain8]\nrecipe: {steps: []}", "`recipe.steps` is an empty list"),
        (f"networks: [plain8]\nrecipe: {{steps: {list(range(1, 1002))}}}", "make 1,001 experiments; at most 1,000"),
        ("networks: [plain8]\nrecipe: {stepz: 3}", "`stepz` is not a setting of Recipe"),
        ("networks: [plain8]\nlanes: -1", "`lanes` \\(=-1\\) must be 0 or more"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_the_rule(sweep, text, problem):
    with pytest.raises((StorageError, BadSettings), match=problem):
        sweep(text)


def test_the_command_says_what_it_starts_and_takes_all_from_the_file(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(train, "start_all", lambda plans, where: started.append((plans, where)) or ["e1", "e2"])
    path = tmp_path / "plan.yaml"
    path.write_text("networks: [plain8]\nseeds: [0, 1]\nlanes: 2\nrecipe: {batch_size: [16, 32]}")
    assert main(["train", "--from", str(path), "--dry-run"]) == 0
    assert not started
    assert "would start 2 experiments with 4 runs" in capsys.readouterr().err
    assert main(["train", "--from", str(path)]) == 0
    assert started == [read_sweep(path)]
    assert "e2" in capsys.readouterr().out
    path.write_text("networks: [plain8]")
    assert main(["train", "--from", str(path), "--dry-run"]) == 0
    assert "would start 1 experiment with 1 run." in capsys.readouterr().err
    for other in (["resnet8"], ["--steps", "3"], ["--lanes", "2"]):
        assert main(["train", *other, "--from", str(path)]) == 2
        assert "all settings are in the file" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageError, match="There is no file .*plan.yaml"):
        read_sweep(tmp_path / "plan.yaml")
