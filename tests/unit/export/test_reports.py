"""What a report says: numbers by hand, verdicts with caveats, states, responses, and how to repeat it."""

import json

import pytest
from scipy import stats

import explorer
from explorer.errors import BadSettings, DataMissing, RunError
from explorer.export.reports import html
from explorer.export.reports.content import Code, Grid, Picture, Points, Sentences
from explorer.export.reports.gathering import gathered
from explorer.export.reports.origin import python
from explorer.export.reports.responses import NO_WEIGHTS, Responses, collected, measured, references
from explorer.runs.experiments import experiment
from explorer.runs.store import run_folder
from explorer.studies import commands, degradation, layers
from explorer.studies.degradation import plan_of
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.sweep import parse_sweep

ENDS = {"plain20": (0.2, 0.3, 0.25), "plain32": (0.5, 0.4, 0.6), "resnet20": (0.1, 0.1, 0.2)}  # by seed


@pytest.fixture(autouse=True)
def _no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))


@pytest.fixture
def race(make_run):
    for order, (network, ends) in enumerate(ENDS.items()):
        for seed, end in enumerate(ends):
            make_run(network, experiment="e1", seed=seed, steps=40, end=end, order=order, title="A race",
                     data_fingerprint="f" * 64, environment={"device": "cpu", "torch": "2.14.1"})  # fmt: skip
    return experiment("e1")


def section(report, heading):
    return next(each for each in report.sections if each.heading == heading)


def blocks(report, kind):
    return [block for each in report.sections for block in each.blocks if isinstance(block, kind)]


def said(report):
    """All sentences, without tables."""
    return "\n".join(
        text
        for block in blocks(report, Sentences | Points)
        for text in ([block.text] if isinstance(block, Sentences) else block.sentences)
    )


def test_errors_at_the_end_are_means_over_seeds_with_intervals_by_hand(race):
    table, runs = (block for block in section(gathered([race], Responses()), "Errors at the end").blocks
                   if isinstance(block, Grid))  # fmt: skip
    rows = {row[0]: row for row in table.rows}
    for network, ends in ENDS.items():
        # of the last 20 of 40 batches, whose error falls evenly from 0.9; the mean is that of steps 21 to 40
        errors = [100 * (0.9 - (0.9 - end) * 30.5 / 40) for end in ends]
        mean = sum(errors) / 3
        low, high = stats.t.interval(0.95, 2, loc=mean, scale=stats.sem(errors))
        assert rows[network][1:4] == ("3", "0, 1, 2", f"{mean:.1f} % [{low:.1f}, {high:.1f}]")
    assert len(runs.rows) == 9
    assert runs.rows[0] == ("plain20", "0", "finished", "40 of 40", "36.6 %", "21.0 %", "4 s")


def test_the_finding_comes_first_and_the_verdicts_have_their_sentences_and_caveats(race):
    report, verdict = gathered([race], Responses()), degradation.report([race])
    first = report.sections[0].blocks
    assert first[0] == Sentences(verdict.finding.main, "lead")
    assert any(isinstance(block, Picture) for block in first[:3])
    for answer in (verdict.degradation, verdict.shortcut):
        assert Points(answer.sentences) in section(report, answer.headline).blocks
    assert [each.name for each in report.pictures()][:3] == ["curves", "verdict-degradation", "verdict-shortcut"]


def test_every_confound_is_a_caveat_with_its_source_and_remedy(make_run):
    for network in ("plain20", "plain32"):
        make_run(network, experiment="e1", steps=40, recipe={"schedule": "constant", "learning_rate": 0.2})
    found = experiment("e1")
    caveats = section(gathered([found], Responses()), "What else could explain this").blocks[0].sentences
    confounds = degradation.experiment_confounds([found])
    assert len(confounds) > 1
    for text, each in zip(caveats, confounds, strict=True):
        assert each.reason in text
        assert each.source in text
        assert each.remedy[1:] in text


def test_facts_of_data_machine_recipe_and_networks_are_there(race):
    cells = {cell for grid in blocks(gathered([race], Responses()), Grid) for row in grid.rows for cell in row}
    assert {"Handwritten digits (digits)", "f" * 64, "2.14.1", "cpu", "1,437 of 1,437", "269,722"} <= cells
    recipe = dict(section(gathered([race], Responses()), "Recipe").blocks[0].rows)
    assert recipe["Batch size"] == "16"
    assert recipe["Training images"] == "all"
    assert recipe["Image size"] == "that of the data set"


def test_recipes_that_differ_stand_side_by_side(make_run):
    make_run("plain20", experiment="e1", recipe={"learning_rate": 0.2})
    make_run("plain20", experiment="e2", recipe={"learning_rate": 0.3})
    report = gathered([experiment("e1"), experiment("e2")], Responses())
    table = section(report, "Recipe").blocks[0]
    assert table.columns == ("Setting", "Recipe 1", "Recipe 2")
    assert ("Learning rate", "0.2", "0.3") in table.rows
    errors = section(report, "Errors at the end").blocks[0]
    names = [row[:2] for row in errors.rows]
    assert names == [("A title (e1)", "plain20"), ("A title (e2)", "plain20")], "their errors are not averaged"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("running", "Crashed before the end: 1 of 2 runs (plain20, seed 0, step 4 of 10). "),  # its worker is not there
        ("queued", "Not yet trained when this report was made: 1 of 2 runs (plain20, seed 0, step 4 of 10)."),
        ("paused", "Paused before the end: 1 of 2 runs (plain20, seed 0, step 4 of 10)."),
    ],
)
def test_what_has_not_ended_is_said(make_run, state, words):
    make_run("plain20", step=4, state=state)
    make_run("plain32", order=1)
    text = said(gathered([experiment("e1")], Responses()))
    assert words in text
    assert ("`python -m explorer runs resume e1` goes on" in text) == (state != "queued")
    assert "Not counted: 1 run is not at the end of the schedule (plain20)." in text


def test_without_a_finished_run_there_is_no_result(make_run):
    make_run("plain20", step=4, state="paused")
    text = said(gathered([experiment("e1")], Responses()))
    assert "No network has reached the end of its schedule, so there is no result yet." in text
    assert "No run is at the end of its schedule yet, so there are no final errors." in text


def test_a_damaged_run_is_named_and_the_others_are_reported(make_run):
    broken = make_run("plain20", step=4)
    make_run("plain32", order=1)
    (run_folder(broken) / "metrics.db").write_bytes(b"nothing")
    report = gathered([experiment("e1")], Responses())
    assert f"Damaged: 1 of 2 runs ({broken})." in said(report)
    assert [row[0] for row in section(report, "Errors at the end").blocks[0].rows] == ["plain32"]


def test_an_experiment_with_nothing_readable_is_refused(make_run):
    (run_folder(make_run("plain20")) / "metrics.db").write_bytes(b"nothing")
    with pytest.raises(
        RunError, match="All runs of 'e1' are damaged, so there is nothing to report. .*`python -m explorer runs mend"
    ):
        gathered([experiment("e1")], Responses())
    with pytest.raises(RunError, match="Name at least one experiment"):
        gathered([], Responses())


def test_data_sets_that_differ_have_no_verdict_but_the_reason(make_run):
    make_run("plain20", experiment="e1", end=0.2)
    make_run("plain20", experiment="e2", end=0.4, data="mnist")
    text = said(gathered([experiment("e1"), experiment("e2")], Responses()))
    assert "There are no verdicts on these runs. The experiments are of 2 data sets (digits, mnist)" in text
    # of ten steps, all of which count: 0.9 - 0.7 * 5.5 / 10
    first = "On Handwritten digits, plain20 ends at 51.5 % training error and 21.0 % test error (one run). On MNIST, "
    assert first in text


def test_responses_are_those_of_the_last_weights_as_the_study_measures_them(make_weights):
    run, other = make_weights("resnet8-w4", seed=1), make_weights("plain8-w4", order=1)
    found = experiment("e1")
    assert references([found]) == [f"{run}@10", f"{other}@10"]
    table = measured([found]).table
    expected = layers.response_std([f"{run}@10", f"{other}@10"], images=100, statistics="batch")
    assert table.equals(expected)
    report = gathered([found], measured([found]))
    assert any(picture.name == "responses" for picture in report.pictures())
    command = f"python -m explorer responses {run}@10 {other}@10 --images 100 --statistics batch"
    assert command in [code.text for code in blocks(report, Code)]


def test_why_responses_are_missing_is_said_and_one_failure_does_not_hide_the_others(make_weights, make_run):
    make_run("plain8", experiment="e2")
    assert measured([experiment("e2")]).reasons == (NO_WEIGHTS,)
    good, _ = make_weights("resnet8-w4"), make_weights("plain8-w4", order=1)

    def measure(reference):
        if reference.startswith(good):
            return layers.response_std([reference])
        raise DataMissing("CIFAR-10 is not in data/.")

    found = collected(references([experiment("e1")]), measure)
    assert set(found.table["reference"]) == {f"{good}@10"}
    text = said(gathered([experiment("e1")], found))
    assert "CIFAR-10 is not in data/." in text


def test_the_lines_of_python_start_the_very_plan(monkeypatch, race):
    started = []
    monkeypatch.setattr(explorer, "start", started.append)
    title = "\"'\\ `x` </script> 😀"
    odd = Plan(networks=("resnet20",), data="cifar10", seeds=(3, 4), title=title, initial="a b.safetensors",
               recipe=Recipe(steps=7, augment=False, learning_rate=1e-5))  # fmt: skip
    for plan in (odd, plan_of([race]), Plan(networks=("plain8",))):
        exec(f"import explorer\n{python(plan)}")
        assert started.pop() == plan


def test_the_command_and_the_lines_of_python_are_in_the_report(race):
    shell, lines, plan, again = blocks(gathered([race], Responses()), Code)
    assert parse_sweep(plan.text.encode(), "plan.yaml")[0] == [plan_of([race])]
    assert shell.text == commands.train(plan_of([race]))
    assert lines.text == f"import explorer\n\n{python(plan_of([race]))}"
    assert again.text == "python -m explorer report e1"


def test_the_page_is_small_and_asks_nothing_of_a_network(race):
    page = html.page(gathered([race], Responses()))
    assert len(page) < 6_000_000
    own = page[: page.index("<script>")]
    assert "http" not in own
    figures = json.loads(page.split('id="figures">')[1].split("</script>")[0])
    assert {"curves", "verdict-degradation", "verdict-shortcut", "network-plain", "network-residual"} <= set(figures)


def test_wrong_endings_are_refused_before_anything_is_measured(race, tmp_path):
    del race
    with pytest.raises(BadSettings, match="is one file; Markdown has images beside it. Name a folder or a .zip."):
        explorer.report("e1", to=tmp_path / "a.html", markdown=True)
    with pytest.raises(BadSettings, match="is no HTML file. Name one that ends in .html"):
        explorer.report("e1", to=tmp_path / "a.md")
    with pytest.raises(RunError, match="There is no experiment 'nothing'"):
        explorer.report("nothing")
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("change", [{"probe_every": 0}, {"a_later_setting": 3}])
def test_runs_of_a_class_with_other_probes_or_another_version_have_a_report(make_run, change):
    path = run_folder(make_run("plain8")) / "run.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"recipe": facts["recipe"] | change}))
    make_run("resnet8", order=1)
    report = gathered([experiment("e1")], Responses())
    assert "no one plan trains both" in said(report)
    assert "yaml" not in {block.language for block in blocks(report, Code)}
