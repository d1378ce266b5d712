from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.models.catalogue import network_config
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import RunFacts, create_run, run_folder
from explorer.training.recipe import Recipe

MAIN = Path(__file__).parents[2] / "explorer" / "ui" / "main.py"
PAGES = Path(__file__).parents[2] / "pages"
RECIPE = Recipe(steps=20, batch_size=16, evaluate_every=10)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No runs, no data sets but the built-in one, nothing remembered from another test."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    st.cache_data.clear()
    return tmp_path / "home"


@pytest.fixture
def open_page():
    """The app at one of its pages; fails where the page shows an exception."""

    def opened(name="home", **query):
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        app.query_params.update(query)
        app.run()
        if name != "home":
            app.switch_page(str(PAGES / f"{name}.py"))
            app.query_params.update(query)
            app.run()
        assert not app.exception, app.exception[0].stack_trace
        return app

    return opened


@pytest.fixture
def experiment():
    """Makes an experiment on disk as if it had been trained; gives its id."""

    def made(name="20260101-000000-aaaaaa", networks=("plain20", "resnet20"), state="finished", title="First", **facts):
        for order, network in enumerate(networks):
            run_id = f"{name}-{network}-s0"
            create_run(
                RunFacts(
                    id=run_id,
                    experiment=name,
                    title=title,
                    order=order,
                    created=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=order),
                    network=network_config(network),
                    data="digits",
                    recipe=RECIPE.model_dump(),
                    state=state,
                    **facts,
                )
            )
            with MetricsWriter(run_folder(run_id)) as writer:
                for step in range(RECIPE.steps + 1):
                    error = 0.9 - 0.02 * step
                    evaluated = (error, error + 0.01, 800.0) if step % 10 == 0 else (None, None, None)
                    trained = (2 * error, error, 0.1) if step else (None, None, None)
                    writer.append((step, *trained, 0.05 * step, *evaluated))
        return name

    return made
