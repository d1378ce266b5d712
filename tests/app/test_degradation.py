"""The degradation page: empty, with a race, with verdicts, with a guess, with remedies."""

from datetime import UTC, datetime

import pytest

from explorer.training.presets import PRESETS
from tests.app.reading import charts, texts

ID = "20260101-000000-aaaaaa"


@pytest.fixture
def finished(make_run):
    """Three seeds of four finished networks: plain32 ends above plain20, the residual ones low."""

    def made(name=ID, seeds=3, **facts):
        ends = {"plain20": 0.1, "plain32": 0.4, "resnet20": 0.0, "resnet32": 0.0}
        for order, (network, end) in enumerate(ends.items()):
            for seed in range(seeds):
                make_run(network, experiment=name, seed=seed, steps=40, end=end + 0.01 * seed * (order == 1),
                         evaluate_every=10, order=order, title="A race", **facts)  # fmt: skip
        return name

    return made


def test_a_finished_race_shows_curves_and_both_verdicts(open_page, finished):
    app = open_page("degradation", experiment=finished())
    assert "#### From 20 to 32 layers, the training error of plain networks rises by" in texts(app)
    assert "Depth hurts the plain networks" in texts(app)
    assert "Shortcuts help" in texts(app)
    race, degradation, shortcut = charts(app)
    assert {"plain20", "plain32", "resnet20", "resnet32"} <= {trace.get("name") for trace in race["data"]}
    assert degradation["data"]
    assert shortcut["data"]


def test_one_seed_cannot_tell_and_the_remedy_proposes_three(open_page, finished):
    app = open_page("degradation", experiment=finished(seeds=1))
    assert "From 20 to 32 layers, in one run of each network" in texts(app)
    assert "Degradation: one seed gives no interval" in texts(app)
    assert not app.session_state[f"setup-{ID}"]
    app.button(key="after-few_seeds").click().run()
    assert "Proposed plan" in texts(app)
    assert app.session_state[f"setup-{ID}"], "it is in a popover, which opens"
    assert "at the top of the page" in app.toast[0].value, "the caveats are far below it"
    assert "Seeds 0, 1, 2." in texts(app)
    assert "--seeds 0 1 2" in app.code[0].value
    app.button(key="back_to_presets").click().run()
    assert "Proposed plan" not in texts(app)
    assert app.radio(key="lab").value == "one_minute"


def test_while_it_trains_there_is_no_verdict(open_page, make_run):
    for network in ("plain20", "plain32"):
        make_run(network, experiment="e1", steps=40, step=20, state="queued")
    app = open_page("degradation", experiment="e1")
    assert "The verdict is given when all networks have reached the end" in texts(app)
    assert "nothing to compare" not in texts(app)
    assert "From 20 to" not in texts(app)


def test_a_guess_is_revealed_beside_the_outcome(open_page, finished):
    app = open_page("degradation", experiment=finished(), guess="plain20~12")
    assert "your guess: plain20" in app.info[0].value
    assert "your guess: +12 points" in app.info[0].value
    assert "It was resnet" in app.info[0].value


def test_each_preset_says_its_time_and_what_it_shows(open_page, finished):
    finished()
    app = open_page("degradation")
    app.radio(key="lab").set_value("paper").run()
    assert "Start it only where a GPU can run for hours." in texts(app)
    assert "--steps 64000" in app.code[0].value


def test_the_text_of_a_preset_goes_when_its_plan_is_changed(open_page):
    app = open_page("degradation")
    assert PRESETS["one_minute"].note in texts(app)
    app.number_input(key="lab_one_minute_steps").set_value(10).run()
    assert PRESETS["one_minute"].note not in texts(app)


def test_a_stopped_race_counts_its_runs_and_names_networks(open_page, make_run):
    for network in ("plain20", "plain32"):
        for seed in range(9):
            make_run(network, experiment="e1", seed=seed, steps=40, step=20, state="stopped")
    app = open_page("degradation", experiment="e1")
    assert "18 runs are not at the end of the schedule (plain20, plain32)." in texts(app)
    assert "e1-plain20-s0" not in texts(app)


def test_a_confound_is_named_before_the_start_and_removed_by_its_button(open_page):
    app = open_page("degradation", lab_one_minute_seeds="1")
    assert "One seed gives no interval" in texts(app)
    app.button(key="before-few_seeds").click().run()
    assert "One seed gives no interval" not in texts(app)
    assert "--seeds 0 1 2" in app.code[0].value


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("overfitting", "Overfitting would show as"),
        ("gradients", "If gradients vanished"),
        ("sizes", "option A add no parameters"),
        ("construction", "no finished plain network with weights"),
        ("paper", "What differs in the protocol"),
    ],
)
def test_each_question_opens_its_measurement(open_page, finished, question, expected):
    app = open_page("degradation", experiment=finished())
    app.button_group(key="ask").set_value(question).run()
    assert not app.exception
    assert expected in texts(app)


def test_a_link_to_what_is_gone_says_so_and_shows_another(open_page, finished):
    finished()
    app = open_page("degradation", experiment="gone")
    assert "There is no experiment gone here" in app.warning[0].value
    assert "Depth hurts the plain networks" in texts(app)


def test_networks_that_came_with_the_program_are_shown_first_and_read_only(open_page, finished):
    finished(name="shipped-digits")
    finished(name="shipped-cifar10")
    app = open_page("degradation")
    assert "Shipped with the program" in texts(app)
    assert app.selectbox(key="experiment-shipped-cifar10").value == "shipped-cifar10"
    assert not [button for button in app.button if button.label in ("Pause", "Resume", "Stop")]


def test_the_readers_newest_race_comes_before_those(open_page, finished):
    finished(name="shipped-cifar10")
    finished("20260101-000000-aaaaaa", created=datetime(2026, 1, 1, tzinfo=UTC))
    newer = finished("20260102-000000-bbbbbb", created=datetime(2026, 1, 2, tzinfo=UTC))
    finished("20260103-000000-cccccc", created=datetime(2026, 1, 3, tzinfo=UTC), state="failed", reason="Stopped.")
    app = open_page("degradation")
    assert app.selectbox(key=f"experiment-{newer}").value == newer


def test_two_experiments_of_one_title_can_be_told_apart(open_page, finished):
    older, newer = finished("20260101-000000-aaaaaa"), finished("20260102-000000-bbbbbb")
    app = open_page("degradation", experiment=older)
    chosen = next(each for each in app.selectbox if each.key.startswith("experiment-"))
    assert len(set(chosen.options)) == len(chosen.options)
    assert "finished" not in "".join(chosen.options), "the state changes, and stands beside the field"
    chosen.select(newer).run()
    assert app.query_params["experiment"] == newer


def test_the_final_numbers_are_the_same_on_every_page(open_page, make_run):
    """The errors of the last batches, which differ from those of the last evaluation."""
    for network, end in {"plain20": 0.21, "resnet20": 0.1}.items():
        make_run(network, experiment="e1", steps=40, end=end, evaluate_every=40, title="A race")
    told = {name: texts(open_page(name)) for name in ("home", "train")}
    assert all("plain20 37.4 % / 22.0 %" in text for text in told.values())
    for name in ("train", "runs"):
        app = open_page(name, experiment="e1")
        table = app.table[0].value.set_index("Network")
        assert (table["Training error"]["plain20"], table["Test error"]["plain20"]) == ("37.4 %", "22.0 %")
    for name in ("train", "runs", "degradation"):
        labels = [str(trace.get("text")) for trace in charts(open_page(name, experiment="e1"))[0]["data"]]
        assert any("plain20 <b>37.4 %" in label for label in labels), name
        assert any("plain20 <b>22.0 %" in label for label in labels), name
