"""A comparison shared out: everyone has another part, twins of a seed together, and zips come back by their file."""

from collections import Counter

import pytest

from explorer.cli.main import main
from explorer.errors import BadSettings, RunError, UnknownName
from explorer.runs.experiments import experiment, list_experiments, set_aside
from explorer.runs.store import update_run
from explorer.runs.transfer import import_files
from explorer.training import launch
from explorer.training.assignment import README, assignment, handed_in, trained_from
from explorer.training.presets import PRESETS
from explorer.training.sweep import read_sweep

pytest.importorskip("yaml", reason="needs PyYAML: python -m pip install -r requirements.txt")


def parts(made):
    return [(part.networks[0], part.seeds[0]) for part in made.parts]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("students", [1, 7, 30])
def test_everyone_has_another_network_and_seed_under_the_recipe_of_the_preset(preset, students):
    made = assignment(preset, students=students)
    assert len(set(parts(made))) == students
    for part in made.parts:
        (plan,) = part.plans()
        assert (plan.recipe, plan.data) == (PRESETS[preset].plan.recipe, PRESETS[preset].plan.data)
        assert plan.assignment == made.name
    counts = Counter(network for network, _ in parts(made))
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("students", range(1, 13))
def test_of_an_even_number_everyone_has_a_twin_of_the_same_seed(students):
    made = parts(assignment(students=students))
    twins = Counter((network.removeprefix("plain").removeprefix("resnet"), seed) for network, seed in made)
    assert sum(count == 1 for count in twins.values()) == students % 2


def test_the_first_four_of_a_seed_can_tell_of_depth_and_of_shortcuts():
    assert parts(assignment(students=4)) == [("plain20", 0), ("resnet20", 0), ("plain56", 0), ("resnet56", 0)]


def test_depths_kinds_steps_and_name_are_chosen():
    made = assignment(students=4, depths=(8, 14), kinds=("plain", "preresnet"), steps=5, name="  Mine ")
    assert parts(made) == [("plain8", 0), ("preresnet8", 0), ("plain14", 0), ("preresnet14", 0)]
    assert (made.name, made.parts[0].plans()[0].recipe.steps) == ("Mine", 5)
    assert made.parts[3].title == "Mine: student 04"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"students": 0}, BadSettings, "`students` .=0. must be between 1 and 1,000"),
        ({"students": 2, "preset": "two_minutes"}, UnknownName, "two_minutes"),
        ({"students": 2, "depths": (21,)}, BadSettings, "21"),
        ({"students": 2, "kinds": ("round",)}, UnknownName, "round20"),
        ({"students": 2, "steps": 0}, BadSettings, "`steps`"),
        ({"students": 2, "name": "x" * 81}, BadSettings, "more than 80 characters. Shorten it"),
    ],
)
def test_what_cannot_be_assigned_is_told(options, error, text):
    with pytest.raises(error, match=text):
        assignment(**options)


def test_the_files_are_plans_that_train_takes_and_none_is_overwritten(tmp_path):
    made = assignment(students=3, name='Depth: "autumn" #1\n- <b>')
    paths = made.write(tmp_path / "class")
    assert [path.name for path in paths] == ["student-01.yaml", "student-02.yaml", "student-03.yaml", README]
    for path, part in zip(paths, made.parts, strict=False):
        assert read_sweep(path)[0] == part.plans()
    text = paths[-1].read_text()
    assert "| student-03.yaml | plain56 | 0 |" in text
    assert "100 steps on digits" in text
    assert text.startswith('# Depth: "autumn" \\#1 - \\<b\\>\n')
    with pytest.raises(BadSettings, match=r"student-01.yaml is there already. Choose another folder"):
        made.write(tmp_path / "class")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def plan_file(tmp_path, home):
    """The plan file of a student, and the experiment that is queued from it."""
    path = assignment(students=1, steps=5, name="Mine").write(tmp_path / "class")[0]
    (plan,), _ = read_sweep(path)
    return path, launch.queue(plan)


def test_what_was_trained_from_a_plan_file_is_handed_in_and_joins(plan_file, tmp_path):
    path, trained = plan_file
    assert trained_from(path).id == trained
    with pytest.raises(RunError, match=f"is queued at step 0 of 5. Go on with .* runs resume {trained} --follow"):
        handed_in(path, tmp_path)
    update_run(experiment(trained).run_ids[0], state="finished")
    written = handed_in(path, tmp_path)
    assert written == tmp_path / "student-01.zip"
    set_aside(trained)
    done = import_files([(written, "")])
    (run,) = (run for found in list_experiments() for run in found.runs)
    assert (done.outcomes[0].run, run.facts.assignment, run.facts.title) == (run.id, "Mine", "Mine: student 01")
    with pytest.raises(RunError, match="Nothing was trained here"):  # an imported one is somebody else's
        trained_from(path)


def test_a_plan_that_was_changed_is_not_what_was_trained(plan_file):
    path, _ = plan_file
    path.write_text(path.read_text().replace("steps: 5", "steps: 6"))
    with pytest.raises(RunError, match="Nothing was trained here from .* as it is now. Start it with .*train --from"):
        trained_from(path)
    path.write_text("networks: [plain8]\nrecipe: {steps: [5, 6], batch_size: 16}")
    with pytest.raises(BadSettings, match="plans 2 experiments, not one"):
        trained_from(path)


def test_the_shell_assigns_imports_and_takes_back(plan_file, tmp_path, capsys):
    assert main(["degradation", "assign", "--students", "2", "--to", str(tmp_path / "two")]) == 0
    assert "student-02.yaml  resnet20     0" in capsys.readouterr().out
    path, trained = plan_file
    update_run(experiment(trained).run_ids[0], state="finished")
    assert main(["degradation", "hand-in", str(path), str(tmp_path)]) == 0
    zips = [tmp_path / "student-01.zip", tmp_path / "copy.zip", tmp_path / "none.zip"]
    zips[1].write_bytes(zips[0].read_bytes())
    set_aside(trained)
    capsys.readouterr()
    assert main(["runs", "import", *map(str, zips)]) == 1
    told = capsys.readouterr()
    assert "3 files: 1 run joined as" in told.out
    assert "error: 1 of 3 files were not imported" in told.err
    batch = told.err.split("undo-import ")[1].split("`")[0]
    assert main(["runs", "undo-import", batch]) == 0
    assert list_experiments() == []
    assert main(["runs", "undo-import", batch]) == 1
    assert "taken back already" in capsys.readouterr().err
    assert main(["runs", "import"]) == 2
