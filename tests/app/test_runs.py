"""The Runs page: a deletion can be undone until the page is left."""

import json

import pandas as pd
import pytest

from explorer.runs.experiments import list_experiments, set_aside, set_aside_all
from explorer.runs.store import run_folder
from explorer.ui.widgets import inside
from explorer.ui.widgets.progress import MOST_TROUBLES
from tests.app.conftest import PAGES
from tests.app.reading import shown, texts


def deleted(open_page, experiment):
    """The Runs page with an experiment that was deleted on it just now."""
    found = set_aside(experiment(title="My *first*"))
    app = open_page("runs")
    app.session_state["deleted"] = [found]
    return app.run(), found


def test_undo_brings_a_deleted_experiment_back(open_page, experiment):
    app, found = deleted(open_page, experiment)
    assert "Deleted My \\*first\\* (2 runs)." in texts(app)
    app.button(key=f"undo-{found.folder.name}").click().run()
    assert not app.exception
    assert "Deleted" not in texts(app)
    assert [each.title for each in list_experiments()] == ["My *first*"]


def test_leaving_the_page_removes_it_for_good(open_page, experiment):
    app, found = deleted(open_page, experiment)
    assert found.folder.exists()
    app.switch_page(str(PAGES / "data.py")).run()
    assert not found.folder.exists()
    assert list_experiments() == []


@pytest.fixture
def many(make_run):
    """An experiment of 45 runs, more than single lines can show."""
    for order in range(45):
        network = ("plain8", "resnet8", "plain20")[order % 3]
        make_run(network, seed=order // 3, steps=4, evaluate_every=2, order=order, state="failed", reason="No memory.")


def test_many_runs_are_a_list_that_scrolls_and_few_messages(open_page, many):
    app = open_page("train", experiment="e1")
    (shown,) = (each.value for each in app.dataframe)
    assert len(shown) == 45
    assert shown.iloc[0][["Network", "State", "Step"]].tolist() == ["plain8", "failed", "4/4"]
    assert len(app.error) == MOST_TROUBLES
    assert f"{45 - MOST_TROUBLES} more runs have such messages" in texts(app)


def test_of_many_runs_the_layers_of_one_of_each_network_are_read(open_page, many, monkeypatch):
    read = []
    monkeypatch.setattr(inside.cached, "live_layers", lambda runs: read.append(runs) or pd.DataFrame())
    open_page("train", experiment="e1")
    assert read == [("e1-plain8-s0", "e1-resnet8-s0", "e1-plain20-s0")]


@pytest.fixture
def three(make_run):
    """Three experiments of one network each."""
    settings = (("plain8", 0.4, 0.1), ("resnet8", 0.2, 0.1), ("resnet20", 0.3, 0.02))
    for number, (network, end, rate) in enumerate(settings):
        make_run(network, experiment=f"e{number}", end=end, title=f"Number {number}", number=number + 1,
                 recipe={"learning_rate": rate}, note="again" if number == 2 else "")  # fmt: skip


def rows(app):
    """The table of experiments by its titles."""
    return app.dataframe[0].value.set_index("Title")


def test_the_table_has_errors_settings_notes_and_sizes(open_page, three):
    app = open_page("runs")
    row = rows(app).loc["Number 2"]
    columns = ["Test error", "Training error", "Best network", "Learning rate", "Depth", "Kind", "Seeds", "Note"]
    assert [round(row[name]) for name in columns[:2]] == [31, 57], "test at the end, training over the last steps"
    assert row[columns[2:]].tolist() == ["resnet20", 0.02, "20", "residual", 1, "again"]
    assert row["Size"] > 0
    assert "3 experiments. Your own have 3 runs and use" in texts(app)


def test_the_best_of_many_is_found_by_a_filter_and_the_order(open_page, three):
    app = open_page("runs")
    app.button_group(key="kind").set_value("residual").run()
    assert rows(app)["Test error"].idxmin() == "Number 1"
    assert list(rows(app).index) == ["Number 2", "Number 1"]
    app.text_input(key="find").input("AGAIN resnet").run()
    assert list(rows(app).index) == ["Number 2"]
    assert "1 of 3 experiments" in texts(app)


def test_schedules_are_shown_and_found_as_people_write_them(open_page, experiment):
    experiment(recipe={"schedule": "one_cycle"})
    for words in ("one-cycle", "one_cycle"):
        assert rows(open_page("runs", find=words))["Schedule"].tolist() == ["one-cycle"]
    assert not open_page("runs", find="cosine").dataframe


def test_title_and_note_are_changed_together(open_page, three):
    app = open_page("runs", experiment=["e2"])
    app.button(key="rename").click().run()
    assert [app.text_input(key="new_title").value, app.text_area(key="new_note").value] == ["Number 2", "again"]


def test_many_are_deleted_at_once_with_one_undo(open_page, three):
    app = open_page("runs", experiment=["e0", "e1", "e2"])
    app.button(key="delete").click().run()
    assert "Number 0 (1 run, " in shown(app)
    app.session_state["deleted"] = [set_aside_all(list_experiments())]  # what the dialog does
    app.run()
    assert "Deleted 3 experiments (3 runs)." in texts(app)
    (undo,) = [button for button in app.button if button.label == "Undo"]
    undo.click().run()
    assert len(list_experiments()) == 3


def test_ids_are_shown_on_demand_only(open_page, three):
    app = open_page("runs", experiment=["e1"])
    assert "e1-resnet8-s0" not in texts(app).replace(app.code[0].value, "")
    assert app.code[0].value == "e1\ne1-resnet8-s0"


def test_a_zip_has_all_snapshots_on_request(open_page, make_weights):
    app = open_page("runs", experiment=[make_weights().partition("-")[0]])
    (toggle,) = [each for each in app.toggle if each.key == "all_snapshots"]
    assert toggle.label.startswith("With all snapshots (")
    assert not toggle.value


@pytest.mark.parametrize("page", ["runs", "train", "degradation"])
def test_of_runs_with_settings_of_another_version_all_but_the_plan_is_taken_along(open_page, make_run, page):
    for network in ("plain8", "resnet8"):
        path = run_folder(make_run(network)) / "run.json"
        facts = json.loads(path.read_text())
        path.write_text(json.dumps(facts | {"recipe": facts["recipe"] | {"a_later_setting": 3}}))
    app = open_page(page, experiment="e1")
    assert not app.error
    labels = [each.proto.label for each in app.get("download_button")]
    assert {"Table (CSV)", "Notebook", "Experiment (zip)"} <= set(labels)
    assert "Plan (YAML)" not in labels
