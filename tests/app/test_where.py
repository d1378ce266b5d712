"""Where to train: this machine by default, a cluster where its library is installed."""

from dataclasses import replace

import pytest

from explorer.runs import experiments
from explorer.runs.facts import Where
from explorer.runs.store import read_run
from explorer.training.engines import cluster
from explorer.ui.widgets import progress


def command(app):
    return app.code[0].value


def test_the_number_of_processes_is_chosen_beside_start(open_page):
    app = open_page("train")
    assert "--lanes" not in command(app)
    app.number_input(key="lanes").set_value(2).run()
    assert command(app).endswith("--lanes 2")


def test_a_cluster_whose_library_is_missing_says_how_to_install_it(open_page, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    app = open_page("train", where="Ray cluster")
    assert "requirements-cluster.txt" in app.warning[0].value
    assert app.button(key="start").disabled


def test_runs_on_a_cluster_can_ask_for_gpus_and_take_no_time_here(open_page, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: name)
    app = open_page("train", where="Ray cluster", gpus="0.25")
    assert command(app).endswith("--engine ray --gpus-per-run 0.25")
    assert not app.button(key="start").disabled
    assert not any(button.key == "estimate_time" for button in app.button)


@pytest.mark.parametrize(
    ("state", "nodes", "said"),
    [
        ("starting", [], "Waiting for nodes of the cluster"),
        ("running", ["b", "a"], "Training 2 networks on a, b."),
        ("running", ["a", "b", "c", "d", "e"], "Training 5 networks on a, b, c and 2 more nodes."),
    ],
)
def test_progress_says_on_which_nodes_an_experiment_trains(make_run, state, nodes, said):
    runs = []
    for seed, node in enumerate(nodes or [None]):
        environment = {"node": node} if node else {}
        run_id = make_run(seed=seed, state=state, where=Where(engine="ray"), environment=environment)
        runs.append(replace(read_run(run_id), state=state))
    found = replace(experiments.experiment(runs[0].facts.experiment), state=state, runs=tuple(runs))
    assert progress._sentence(found).startswith(said)
