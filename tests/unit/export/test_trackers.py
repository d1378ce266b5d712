"""The snippets for Weights & Biases and MLflow in docs/exports.md: run against the packages where they are installed.

They run against stand-ins too, which take the arguments that the packages take, and show what is handed over.
"""

import importlib.util
import re
import sys
from collections import defaultdict
from types import SimpleNamespace

import pytest

import explorer
from explorer import tables
from explorer.files import PROJECT

MOST_LINES = 10


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def snippet(heading):
    """The code under a heading."""
    text = (PROJECT / "docs" / "exports.md").read_text("utf-8")
    return re.search(rf"^## {heading}\n\n```python\n(.*?)```", text, flags=re.DOTALL | re.MULTILINE)[1]


def run(heading, run_ids):
    code = snippet(heading).replace('["ID-OF-A-RUN"]', repr(run_ids))
    assert repr(run_ids) in code
    exec(compile(code, heading, "exec"), {})


def expected(run_id):
    """Values by step and name."""
    table = explorer.metrics([run_id], points=None)
    return {
        (row["step"], name): value
        for row in table[tables.METRICS].to_dict("records")
        for name, value in row.items()
        if name != "step" and value == value
    }


class Recorder:
    """Keeps what is logged, by run."""

    def __init__(self, name, settings, kept):
        self.name, self.kept = name, kept
        kept["settings"][name] = settings

    def __enter__(self):
        self.kept["open"] = self.name
        return self

    def __exit__(self, *_):
        self.kept["open"] = None

    def log(self, data, step=None, commit=None):
        values = self.kept["values"][self.kept["open"]]
        assert not values or step > max(values)[0], "W&B drops steps that do not rise"
        values |= {(step, name): value for name, value in data.items() if name != "step"}


@pytest.fixture
def kept():
    return {"settings": {}, "values": defaultdict(dict), "open": None}


def wandb(kept):
    def init(project=None, name=None, config=None):
        assert project
        return Recorder(name, config, kept)

    return SimpleNamespace(init=init)


def mlflow(kept):
    def start_run(run_name=None):
        return Recorder(run_name, None, kept)

    def log_params(params):
        kept["settings"][kept["open"]] = params

    def log_metrics(metrics, step=None):
        Recorder.log(SimpleNamespace(kept=kept), metrics, step)

    return SimpleNamespace(start_run=start_run, log_params=log_params, log_metrics=log_metrics)


TRACKERS = {"Weights & Biases": ("wandb", wandb), "MLflow": ("mlflow", mlflow)}


@pytest.mark.parametrize("heading", TRACKERS)
def test_a_snippet_hands_over_all_metrics(heading, kept, make_run, monkeypatch):
    name, stand_in = TRACKERS[heading]
    monkeypatch.setitem(sys.modules, name, stand_in(kept))
    ids = [make_run("plain8", seed=2), make_run("resnet8-w4")]
    run(heading, ids)
    assert kept["settings"] == {
        ids[0]: {"network": "plain8", "kind": "plain", "depth": 8, "seed": 2},
        ids[1]: {"network": "resnet8-w4", "kind": "residual", "depth": 8, "seed": 0},
    }
    assert kept["values"] == {run_id: expected(run_id) for run_id in ids}


@pytest.mark.parametrize("heading", TRACKERS)
def test_a_snippet_is_short(heading):
    assert len(snippet(heading).splitlines()) <= MOST_LINES


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_weights_and_biases_itself_takes_it(tmp_path, make_run, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    run("Weights & Biases", [make_run()])
    (written,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert b"images_per_second" in written.read_bytes()


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")
def test_mlflow_itself_takes_it(tmp_path, make_run, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    run_id = make_run()
    run("MLflow", [run_id])
    client = mlflow.MlflowClient()
    (found,) = client.search_runs(["0"])
    history = {
        (point.step, name): point.value
        for name in tables.METRICS[1:]
        for point in client.get_metric_history(found.info.run_id, name)
    }
    assert history == expected(run_id)
    assert found.data.params["network"] == "plain8"
