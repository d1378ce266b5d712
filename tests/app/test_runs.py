"""The Runs page: a deletion can be undone until the page is left."""

import pandas as pd
import pytest

from explorer.runs.experiments import list_experiments, set_aside
from explorer.ui.widgets import inside
from explorer.ui.widgets.progress import MOST_TROUBLES
from tests.app.conftest import PAGES
from tests.app.reading import texts


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
