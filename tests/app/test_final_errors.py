"""The errors at the end of an experiment are the same numbers on all pages."""

import re

import pytest

from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import run_folder
from explorer.ui import cached
from explorer.ui.widgets import small_race
from tests.app.reading import charts, texts

EXPERIMENT = "20260101-000000-aaaaaa"
NETWORKS = ("plain20", "resnet20")


@pytest.fixture
def errors(experiment, make_run, monkeypatch):
    """An experiment whose curves are drawn from few points; gives training and test error of its networks in percent.

    Its errors fall in equal steps, so that the last 20 of 100 lie 0.095 of the way from the end to 0.9.
    """
    monkeypatch.setattr(cached, "FEWEST_POINTS", 20)
    monkeypatch.setattr(cached, "LIVE_POINTS", 20)
    for order, (network, end) in enumerate(zip(NETWORKS, (0.62, 0.21), strict=True)):
        make_run(network, experiment=EXPERIMENT, steps=100, end=end, evaluate_every=50, order=order)
    return {"plain20": ("64.7 %", "63.0 %"), "resnet20": ("27.6 %", "22.0 %")}


def labels(app):
    """The labels at the ends of lines by network, training before test."""
    found = [trace["text"][0] for figure in charts(app) for trace in figure["data"] if trace.get("meta", {}) and
             "lines" in trace["meta"]]  # fmt: skip
    return {name: tuple(re.findall(rf"{name} +<b>(.*?)</b>", "".join(found))) for name in NETWORKS}


def test_home_names_them(errors, open_page):
    assert all(f"{name} {train} / {test}" in texts(open_page()) for name, (train, test) in errors.items())


def test_the_small_race_ends_at_them(errors, open_page):
    assert labels(open_page("train")) == errors


def test_the_small_race_is_drawn_once_for_each_state(open_page, make_run, monkeypatch):
    drawn = []
    race = small_race.race
    monkeypatch.setattr(small_race, "race", lambda table, **options: drawn.append(len(table)) or race(table, **options))
    run_id = make_run("plain8", steps=20, step=10, state="paused")
    app = open_page("train")
    app.run()
    assert drawn == [11]
    with MetricsWriter(run_folder(run_id)) as metrics:
        metrics.append((11, 1.0, 0.5, 0.1, 1.1, None, None, None))
    cached.forget()
    app.run()
    assert drawn == [11, 12]


@pytest.mark.parametrize("page", ["train", "degradation", "runs"])
def test_lines_end_at_them(errors, open_page, page):
    assert labels(open_page(page, experiment=EXPERIMENT)) == errors


def test_train_has_them_in_its_table(errors, open_page):
    table = open_page("train", experiment=EXPERIMENT).table[0].value
    rows = table.set_index("Network")[["Training error", "Test error"]]
    assert {name: tuple(row) for name, row in rows.iterrows()} == errors


def test_degradation_compares_them(errors, open_page):
    app = open_page("degradation", experiment=EXPERIMENT)
    app.button_group(key="ask").set_value("overfitting").run()
    rows = app.table[0].value.set_index("Network")[["Training error", "Test error"]]
    assert {name: tuple(row) for name, row in rows.iterrows()} == errors


def test_runs_has_those_of_the_best_network(errors, open_page):
    row = open_page("runs").dataframe[0].value.iloc[0]
    assert (row["Best network"], f"{row['Training error']:.1f} %", f"{row['Test error']:.1f} %") == (
        "resnet20", *errors["resnet20"],
    )  # fmt: skip


def test_they_are_looked_up_once_for_an_experiment(errors, monkeypatch):
    looked_up = []
    monkeypatch.setattr(
        cached, "errors", lambda found: looked_up.append(found.id) or dict.fromkeys(found.run_ids, (0.5, 0.6))
    )
    found = cached.experiment(EXPERIMENT)
    assert cached.ends([found]) == dict.fromkeys(found.run_ids, (0.5, 0.6))
    assert looked_up == [EXPERIMENT]  # to find them in the cache takes time for each run
