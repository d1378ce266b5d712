"""The app in a server of its own, and the browser, for benchmarks of pages."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
HEADING = "h1"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class App:
    """A server that has been started, its address, and its folder of runs."""

    server: subprocess.Popen[bytes]
    address: str
    home: str


@contextmanager
def started(folder: Path = ROOT, runs: Path | None = None) -> Iterator[App]:
    """The app in `folder`, which may not answer yet; its folder of runs is `runs` or an empty one. Ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        home = str(runs or empty)
        server = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=folder,
            env=os.environ | {"EXPLORER_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield App(server, f"http://127.0.0.1:{port}", home)
        finally:
            server.terminate()
            server.wait()


def wait_for_answer(app: App) -> None:
    """Return as soon as the server answers 200."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < deadline and app.server.poll() is None:
        try:
            with urllib.request.urlopen(app.address, timeout=PATIENCE_SECONDS) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    sys.exit("The server did not come up; `make run` shows why.")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser; ends the program where there is none."""
    executable = shutil.which("chromium")
    if executable is None:
        sys.exit("chromium is missing. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()
