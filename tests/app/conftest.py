from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from explorer.compute.client import compute

MAIN = Path(__file__).parents[2] / "explorer" / "ui" / "main.py"
PAGES = Path(__file__).parents[2] / "pages"

# Each run of a page in a test reads the metadata of all installed packages, which takes as long as the page
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(scope="session", autouse=True)
def pytorch_process():
    """The process that computes for the pages ends with the tests; it begins with the first question."""
    yield
    compute.ask(abs, 0).wait(60)  # what was asked before has been answered then
    compute.close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No runs, no data sets but the built-in one, nothing remembered from another test."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    st.cache_data.clear()
    st.cache_resource.clear()
    return tmp_path / "home"


@pytest.fixture
def open_page():
    """The app at one of its pages; fails where the page shows an exception."""

    def opened(name="home", **query):
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        app.query_params.update(query)
        if name != "home":
            app.switch_page(str(PAGES / f"{name}.py"))  # at once, as a link does
        asked = app._page_hash
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        if name != "home":
            app.switch_page(str(PAGES / f"{name}.py"))  # which finds it in the menu now
        assert app._page_hash == asked
        return app

    return opened


@pytest.fixture
def experiment(make_run):
    """Makes an experiment on disk as if it had been trained; gives its id."""

    def made(name="20260101-000000-aaaaaa", networks=("plain20", "resnet20"), title="First", **facts):
        for order, network in enumerate(networks):
            created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=order)
            make_run(network, experiment=name, steps=20, end=0.5, evaluate_every=10, order=order, title=title,
                     created=created, **facts)  # fmt: skip
        return name

    return made
