"""The lab as a library: presets to plans, runs on disk to a report."""

import pytest

from explorer.errors import BadSettings, RunError, UnknownName
from explorer.runs.experiments import experiment
from explorer.runs.store import update_run
from explorer.studies import degradation
from explorer.training.presets import PRESETS
from explorer.training.recipe import Recipe


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def make_experiment(make_run):
    """Makes finished runs of networks that end at these training errors, one per seed."""

    def made(ends, name="e1", steps=100, **facts):
        for network, errors in ends.items():
            for seed, error in enumerate(errors):
                make_run(network, experiment=name, seed=seed, steps=steps, end=error, **facts)
        return name

    return made


def test_a_preset_is_a_plan_that_can_be_changed():
    assert degradation.plan("one-minute") == PRESETS["one_minute"].plan
    changed = degradation.plan("lecture", depths=(20, 44), seeds=[5], steps=7)
    assert changed.networks == ("plain20", "plain44", "resnet20", "resnet44")
    assert (changed.seeds, changed.recipe.steps, changed.data) == ((5,), 7, "cifar10")
    assert changed.title == "", "it is not the lecture any more"
    weaker = degradation.plan("weaker-shortcuts", depths=(8,)).networks
    assert weaker == ("plain8", "resnet8", "resnet8-alpha0.9", "resnet8-alpha0.5")


def test_an_unknown_preset_or_depth_is_named():
    with pytest.raises(UnknownName, match="'lecure'.*lecture"):
        degradation.plan("lecure")
    with pytest.raises(BadSettings, match="=22\\) is not 6n\\+2"):
        degradation.plan(depths=(22,))
    with pytest.raises(BadSettings, match="`steps`"):
        degradation.plan(steps=0)


def test_a_report_reads_the_end_of_the_schedule_from_the_run_folders(make_experiment):
    report = degradation.verdict(
        make_experiment({"plain20": [0.1, 0.1], "plain32": [0.3, 0.3], "resnet20": [0.1, 0.1]})
    )
    # each batch's error falls in equal steps from 0.9, so the last 20 of 100 lie 0.095 of the way above the end
    assert report.ends["train_error"].to_list() == pytest.approx([0.176, 0.176, 0.357, 0.357, 0.176, 0.176])
    assert report.ends["test_error"].to_list() == pytest.approx([0.11, 0.11, 0.31, 0.31, 0.11, 0.11])
    assert report.degradation.outcome == "seen"
    assert report.finding.main.startswith("From 20 to 32 layers, the training error of plain networks rises by 18.1")
    assert (report.unfinished, report.not_counted) == ((), "")
    assert [found.name for found in report.confounds] == ["few_seeds"]


def test_runs_that_did_not_come_to_the_end_are_named_and_not_counted(make_experiment, make_run):
    make_experiment({"plain20": [0.1]})
    late = make_run("plain32", experiment="e1", steps=100, step=60, end=0.3, state="paused")
    report = degradation.verdict("e1")
    assert report.unfinished == (late,)
    assert report.not_counted == "Not counted: 1 run is not at the end of the schedule (plain32)."
    assert report.degradation.outcome is None


def test_many_unfinished_runs_are_counted_and_their_networks_named(make_experiment):
    names = [f"plain{depth}" for depth in range(8, 68, 6)]
    make_experiment({name: [0.3, 0.3, 0.3] for name in names}, step=60, state="stopped")
    assert degradation.verdict("e1").not_counted == (
        "Not counted: 30 runs are not at the end of the schedule (plain14, plain20, plain26, plain32, plain38, "
        "plain44, plain50, plain56 and 2 more)."
    )


def test_the_race_of_a_report_ends_at_the_errors_that_it_compares(make_experiment):
    found = degradation.verdict(make_experiment({"plain20": [0.40, 0.44], "resnet20": [0.30, 0.34]}))
    lines = [trace for trace in degradation.race(found).data if trace.mode == "lines" and trace.xaxis == "x"]
    last = {round(float(trace.y[-1]), 3) for trace in lines}  # in percent
    assert last >= set((100 * found.ends["train_error"]).round(3))
    assert {float(trace.x[-1]) for trace in lines} == {100}


def test_networks_at_zero_are_compared_by_their_steps_to_ten_percent(make_experiment):
    report = degradation.verdict(make_experiment({"plain20": [0.0, 0.0]}, steps=20, recipe={"schedule": "constant"}))
    assert report.ends["low_error_step"].isna().all(), "the mean of all 20 steps is above 10 %"
    make_experiment({"plain20": [0.0, 0.0]}, name="e2", steps=2000)
    report = degradation.verdict("e2")
    # the error is 0.9 (1 - step / 2000), so that of the last 200 steps is below 0.1 from step 1,878 on
    assert report.ends["low_error_step"].to_list() == pytest.approx([1878, 1878], abs=1)


def test_several_experiments_are_compared_and_their_different_recipes_told(make_experiment):
    make_experiment({"plain20": [0.1, 0.1, 0.1]}, name="first")
    make_experiment({"plain32": [0.3, 0.3, 0.3]}, name="second", recipe={"learning_rate": 0.01})
    report = degradation.verdict("first", "second")
    assert report.degradation.outcome == "seen"
    assert [found.name for found in report.confounds] == ["different_recipes"]


def test_to_look_inside_or_not_is_no_different_recipe(make_experiment):
    make_experiment({"plain20": [0.1, 0.1, 0.1]}, name="first")
    make_experiment({"plain32": [0.3, 0.3, 0.3]}, name="second", recipe={"probe_every": 5})
    assert degradation.verdict("first", "second").confounds == ()


def test_experiments_of_different_data_do_not_compare(make_experiment):
    make_experiment({"plain20": [0.1]}, name="first")
    make_experiment({"plain32": [0.3]}, name="second", data="cifar10")
    with pytest.raises(RunError, match="2 data sets \\(cifar10, digits\\)"):
        degradation.verdict("first", "second")


def test_the_plan_of_an_experiment_would_train_it_again(make_experiment):
    make_experiment({"plain20": [0.1, 0.2], "resnet20": [0.1, 0.2]}, steps=30)
    plan = degradation.plan_of([experiment("e1")])
    assert (plan.networks, plan.seeds, plan.data) == (("plain20", "resnet20"), (0, 1), "digits")
    assert plan.recipe == Recipe(steps=30, batch_size=16, evaluate_every=5)


def test_an_odd_recipe_is_told_wherever_it_is_used(make_experiment):
    make_experiment({"plain8": [0.1]})
    (run,) = experiment("e1").runs
    update_run(run.id, recipe=run.facts.recipe | {"learning_rate": "fast"})
    with pytest.raises(RunError, match="no settings that this program knows"):
        degradation.plan_of([experiment("e1")])
    with pytest.raises(BadSettings, match="learning_rate"):
        degradation.protocol(experiment("e1").runs[0].facts)
