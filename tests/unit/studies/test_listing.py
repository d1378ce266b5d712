"""Experiments and runs as rows, with the errors that all pages state."""

import sqlite3

import pytest

from explorer import tables
from explorer.runs import experiments
from explorer.runs.experiments import experiment
from explorer.runs.store import run_folder
from explorer.studies.listing import experiment_row, run_errors


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def row(name):
    found = experiment(name)
    return experiment_row(found, run_errors(found))


def test_a_row_has_the_errors_of_the_best_network_over_its_seeds(make_run):
    for network, seed, end in (("plain8", 0, 0.2), ("resnet8", 0, 0.1), ("resnet8", 1, 0.28), ("plain20", 0, 0.5)):
        make_run(network, seed=seed, steps=100, end=end, experiment="e3", recipe={"learning_rate": 0.02})
    found = row("e3")
    assert list(found) == tables.EXPERIMENTS
    # each batch's error falls in equal steps from 0.9, so the last 20 of 100 lie 0.095 of the way above the end
    assert (found["best"], found["train_error"]) == ("resnet8", pytest.approx(0.19 + 0.095 * 0.71))
    assert found["test_error"] == pytest.approx(0.2)
    assert (found["kinds"], found["depths"], found["learning_rate"]) == (["plain", "residual"], [8, 20], 0.02)
    assert found["bytes"] == sum(path.stat().st_size for path in experiments.home().rglob("*") if path.is_file())


def test_an_experiment_that_was_not_evaluated_has_no_best_network(make_run):
    make_run(experiment="e3", step=-1, state="queued")
    found = row("e3")
    assert (found["best"], found["train_error"], found["test_error"]) == (None, None, None)


def test_errors_before_the_end_are_those_of_the_last_evaluation(make_run):
    ended, paused = make_run(steps=100, end=0.1), make_run(seed=1, steps=100, step=57, end=0.1, state="paused")
    assert run_errors(experiment("e1")) == {
        ended: pytest.approx((0.176, 0.11)),
        paused: pytest.approx((0.9 - 0.8 * 0.55, 0.91 - 0.8 * 0.55)),
    }


def test_a_damaged_row_does_not_hide_the_experiment(make_run):
    run = make_run(steps=100)
    with sqlite3.connect(run_folder(run) / "metrics.db") as database:
        database.execute("UPDATE metrics SET batch_error = 7 WHERE step = 95")
    assert run_errors(experiment("e1"))[run] == pytest.approx((0.8, 0.81))
