import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(port, **options):
    """The app on this port; options as of `subprocess.Popen`."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    return subprocess.Popen([*command, "--server.port", str(port)], cwd=PROJECT, **options)


def find_chromium():
    """Path of the system's browser; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def app(folder):
    """The app on a free port, with its runs in this folder; gives its address."""
    port = free_port()
    environment = os.environ | {"EXPLORER_HOME": str(folder / "home"), "EXPLORER_DATA": str(folder / "data")}
    with (folder / "server.log").open("wb") as log:
        process = start_server(port, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An app with no runs for all tests that only read; gives its address."""
    with app(tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture(scope="session")
def busy_home(tmp_path_factory):
    return tmp_path_factory.mktemp("busy") / "home"


@pytest.fixture(scope="session")
def busy_server(busy_home):
    """An app for all tests that train and delete; gives its address."""
    with app(busy_home.parent) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    """The system's browser; where there is none, the tests are skipped."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no chromium on this machine; on Debian: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, server):
    """A tab; at the end there must have been no error box and nothing wrong in the console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000}, base_url=server, accept_downloads=True)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    trouble = []
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    tab.on("response", lambda answer: trouble.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    yield tab
    boxes = tab.locator("[data-testid=stException], [data-testid=stAlertContentError]").all_inner_texts()
    context.close()
    assert not boxes
    assert not trouble


def wait_for(address, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended at once"
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not answer within a minute")
