"""Every page draws, empty and with runs, and says what to do next."""

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer import labels
from explorer.runs.experiments import experiment as read
from explorer.runs.store import run_folder
from explorer.training.recipe import Recipe
from explorer.ui.navigation import FOLDER, PAGES, page
from tests.app.reading import charts, texts


@pytest.mark.parametrize("name", PAGES)
def test_page_draws_with_nothing_there(open_page, name):
    app = open_page(name)
    assert not app.error
    assert "torch" not in texts(app)


@pytest.mark.parametrize("name", PAGES)
def test_page_draws_with_runs(open_page, experiment, name):
    experiment()
    assert not open_page(name).error


def test_a_run_that_begins_beside_it_does_not_change_the_page(open_page, monkeypatch):
    app = open_page()
    app.switch_page(str(FOLDER / "runs.py"))

    def set_page_config(**_):
        run = get_script_run_ctx()
        home = page("home")._script_hash
        assert run.page_script_hash != home
        run.pages_manager.set_script_intent(home, "")  # as a run of a part of Home does
        run.pages_manager.set_current_page_script_hash(home)

    monkeypatch.setattr(st, "set_page_config", set_page_config)
    app.run()
    assert app.title[0].value == "Runs"


def test_home_says_what_to_do_first(open_page):
    app = open_page()
    assert [button.label for button in app.button] == ["Start the one-minute demo"]
    assert "None yet" in texts(app)


def test_home_links_the_latest_experiments_with_their_errors(open_page, experiment):
    experiment(title="My *first*")
    app = open_page()
    assert "plain20 69.0 % / 51.0 %" in texts(app)


def test_train_shows_the_command_that_does_the_same(open_page):
    app = open_page("train")
    assert app.code[0].value.startswith("python -m explorer train plain20 plain32 plain56 resnet20 resnet32 resnet56")
    app.button_group(key="one_minute_plain").set_value([20])
    app.button_group(key="one_minute_residual").set_value([])
    app.number_input(key="one_minute_steps").set_value(7)
    app.text_input(key="one_minute_others").set_value("resnet38, resnet20-b").run()
    assert app.code[0].value == (
        "python -m explorer train plain20 resnet38 resnet20-b --data digits --steps 7 --batch-size 32 "
        "--learning-rate 0.03 --schedule one_cycle --evaluate-every 25 --evaluate-images 100 --last-images 300 "
        "--seeds 0 1 2"
    )


def test_train_lets_one_choose_how_often_to_look_inside(open_page):
    app = open_page("train")
    assert "--probe-every" not in app.code[0].value
    app.selectbox(key="one_minute_look").select("off").run()
    assert "--probe-every 0 " in app.code[0].value
    app.selectbox(key="one_minute_look").select("every N steps").run()
    app.number_input(key="one_minute_probe_every").set_value(25).run()
    assert "--probe-every 25 " in app.code[0].value


def test_the_training_form_is_that_of_the_recipe(open_page):
    """Labels and helps; the two fields that depend on the data are made otherwise."""
    app = open_page("train", one_minute_look="every N steps")
    widgets = {each.key: each for each in [*app.number_input, *app.selectbox]}
    for name in Recipe.model_fields.keys() - {"image_size", "train_images"}:
        field, widget = Recipe.model_fields[name], widgets[f"one_minute_{name}"]
        assert widget.label == labels.heading(name)
        assert widget.help.startswith(field.description) or name == "schedule"


@pytest.mark.parametrize(
    ("page", "key", "value", "told"),
    [
        ("train", "one_minute_steps", 0, "Steps is 0. It must be from 1 to 10,000,000."),
        ("train", "one_minute_learning_rate", -1.0, "must be greater than 0 and at most 1,000"),
        ("train", "one_minute_seeds", 21, "It must be from 1 to 20."),
        ("train", "one_minute_digits_images", 9, "It must be from 10 to 1,437."),
        ("degradation", "lab_one_minute_steps", 0, "Steps is 0."),
    ],
)
def test_a_value_that_no_recipe_takes_is_told_in_place_of_start(open_page, page, key, value, told):
    app = open_page(page)
    app.number_input(key=key).set_value(value).run()
    assert told in app.error[0].value.replace("\\", "")
    assert "start" not in [button.key for button in app.button]


@pytest.mark.parametrize(
    ("page", "query", "key", "value", "told"),
    [
        ("train", {}, "lanes", 65, "Processes is 65. It must be from 1 to 64."),
        ("degradation", {}, "guess_points", 101.0, "It must be from −100 to 100."),
        ("responses", {"study": "At initialisation"}, "xray-seed", 1000, "Seed is 1,000. It must be from 0 to 999."),
        ("attributions", {"networks": "plain8"}, "integrated_gradients-steps", 0, "It must be from"),
        ("build", {}, "build_width", 0, "Width of the stem is 0. It must be from 1 to"),
        ("build", {"network": "resnet50"}, "build_groups", 0, "Groups is 0. It must be from 1 to"),
        ("build", {}, "build_size", 5000, "Image size is 5,000. It must be from 1 to 1,024."),
    ],
)
def test_a_number_out_of_bounds_is_told_everywhere(open_page, page, query, key, value, told):
    app = open_page(page, **query)
    app.number_input(key=key).set_value(value).run()
    assert not app.exception
    shown = [each.value.replace("\\", "") for each in (*app.error, *app.warning)]
    assert any(told in each for each in shown), shown
    assert all(button.disabled for button in app.button if button.key == "start")


def test_train_says_what_does_not_fit(open_page):
    app = open_page("train")
    app.text_input(key="one_minute_others").set_value("resnet22").run()
    assert (
        app.error[0].value.replace("\\", "")
        == "No network is called 'resnet22': 22 is not 6n+2. The nearest are resnet20 and resnet26."
    )
    app.text_input(key="one_minute_others").set_value("")
    app.button_group(key="one_minute_plain").set_value([])
    app.button_group(key="one_minute_residual").set_value([]).run()
    assert "Pick at least one" in app.error[0].value


def test_train_warns_of_what_would_spoil_a_comparison_and_the_remedy_leads_to_the_lab(open_page):
    app = open_page("train")
    app.number_input(key="one_minute_seeds").set_value(1).run()
    app.button(key="train-few_seeds").click().run()
    assert "Proposed plan" in texts(app)
    assert "Seeds 0, 1, 2." in texts(app)


def test_train_offers_the_download_where_data_is_missing(open_page):
    app = open_page("train", preset="Lecture")
    assert "CIFAR\\-10 is not in" in app.warning[0].value
    assert app.button(key="start").disabled


def test_train_shows_an_experiment_with_curves_and_numbers(open_page, experiment):
    app = open_page("train", experiment=experiment())
    (figure,) = charts(app)
    assert {trace["name"] for trace in figure["data"] if trace.get("showlegend")} == {"plain20", "resnet20"}
    table = app.table[0].value
    assert list(table["Test error"]) == ["51.0 %", "51.0 %"]
    assert list(table["Parameters"]) == ["269,722", "269,722"]
    assert "whole test set" in texts(app)
    assert "python -m explorer train plain20 resnet20 --data digits --steps 20" in texts(app)


def test_train_tells_an_unknown_experiment_from_an_empty_page(open_page):
    app = open_page("train", experiment="gone")
    assert "There is no experiment 'gone'" in app.error[0].value


def test_failed_run_shows_its_reason_and_log(open_page, experiment):
    name = experiment(networks=("plain20",), state="failed", reason="The loss is not finite (=nan) at step 9.")
    (run_folder(f"{name}-plain20-s0") / "worker.log").write_text("first\nlast words\n")
    app = open_page("train", experiment=name)
    assert "The loss is not finite" in app.error[0].value
    assert "last words" in texts(app)


def test_stopped_experiment_can_be_resumed(open_page, experiment):
    app = open_page("train", experiment=experiment(state="stopped"))
    assert "Resume" in [button.label for button in app.button]
    assert "Pause" not in [button.label for button in app.button]


def test_runs_compares_experiments_on_one_chart(open_page, experiment):
    ids = [experiment(), experiment("20260102-000000-bbbbbb", networks=("resnet20",), title="Second")]
    app = open_page("runs", experiment=ids)
    (figure,) = charts(app)
    assert "First" in figure["layout"]["annotations"][0]["text"]
    assert set(app.table[0].value["Experiment"]) == {"**A**", "**B**"}
    app.toggle(key="log_y").set_value(True)
    app.button_group(key="against").set_value("seconds").run()
    (figure,) = charts(app)
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert "seconds" in figure["layout"]["xaxis"]["title"]["text"]


def test_runs_lists_a_damaged_run_as_such(open_page, experiment):
    name = experiment()
    (run_folder(f"{name}-plain20-s0") / "run.json").write_text('{"schema')
    app = open_page("runs")
    assert "cannot be read" in app.warning[0].value
    assert len(app.dataframe[0].value) == 2


@pytest.mark.parametrize("page", ["runs", "train"])
def test_a_damaged_run_is_mended_by_a_button_and_the_page_says_what_was_found(open_page, experiment, page):
    name = experiment(state="stopped")
    (run_folder(f"{name}-plain20-s0") / "metrics.db").write_bytes(b"")
    app = open_page(page, experiment=name)
    assert "cannot be read" in [*app.warning, *app.error][0].value
    app.button(key=f"mend-{name}-plain20-s0").click().run()
    assert not app.exception
    assert read(name).runs[0].state == "stopped"
    told = open_page("train", experiment=name).info
    assert any("none of its rows could be read" in each.value for each in told)


def test_rename_starts_from_the_present_title(open_page, experiment):
    app = open_page("runs", experiment=[experiment()])
    app.button(key="rename").click().run()
    assert app.text_input(key="new_title").value == "First"


def test_delete_asks_first(open_page, experiment):
    name = experiment()
    app = open_page("runs", experiment=[name])
    app.button(key="delete").click().run()
    assert "until then it can be undone" in texts(app)
    assert read(name).runs


def test_data_says_what_is_there_and_offers_the_rest(open_page):
    app = open_page("data")
    assert "1,437 training and 360 test images" in texts(app)
    downloads = [f"Download ({each} MB)" for each in (170, 169, 246, 31, 12)]
    assert [button.label for button in app.button] == [*downloads, "Add"]


def test_home_shows_a_race_and_what_a_block_is(open_page, experiment):
    experiment("shipped-cifar10", data="cifar10")
    race, block = sorted(charts(open_page()), key=lambda figure: -len(figure["data"]))
    assert {"plain20", "resnet20"} <= {trace.get("name") for trace in race["data"]}
    assert {"<b>x</b>", "<b>x + F(x)</b>"} <= {each.get("text") for each in block["layout"]["annotations"]}


def test_train_shows_what_to_expect_until_there_is_an_experiment(open_page, experiment):
    experiment("shipped-digits")
    assert "What to expect: shipped networks after 20 steps" in texts(open_page("train"))


def test_train_shows_the_last_experiment_beside_the_form(open_page, experiment):
    experiment("shipped-digits")
    experiment()
    app = open_page("train")
    assert "What to expect" not in texts(app)
    assert "First" in [link.proto.label for link in app.get("page_link")]


def test_a_changed_preset_does_not_keep_its_text(open_page):
    app = open_page("train")
    app.number_input(key="one_minute_steps").set_value(7).run()
    assert "Changed from the preset One minute." in texts(app)


def test_data_shows_pictures_of_each_class_that_is_here(open_page):
    (strip,) = charts(open_page("data"))
    assert len(strip["layout"]["images"]) == 10
