"""Time from `streamlit run` to the first answer and to Home on the screen: `make bench-first-paint`.

An app of one line, started in turn with this one, shows the part of Streamlit and the browser.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
HEADING = "h1"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE_SECONDS = 60


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(browser: Browser, folder: Path) -> dict[str, float]:
    """Seconds from the start of the app in `folder`, its runs folder empty."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    with tempfile.TemporaryDirectory() as home, browser.new_context() as context:
        page = context.new_page()
        start = time.perf_counter()
        server = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=folder,
            env=os.environ | {"EXPLORER_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_answer(address, server)
            answered = time.perf_counter() - start
            page.goto(address, wait_until="commit")
            page.locator(HEADING).first.wait_for(timeout=PATIENCE_SECONDS * 1000)
            painted = time.perf_counter() - start
            busy = psutil.Process(server.pid).cpu_times()
        finally:
            server.terminate()
            server.wait()
    return {
        "http_200_seconds": answered,
        "home_seconds": painted,
        "server_cpu_seconds": busy.user + busy.system,  # tells a slow server from a busy machine
    }


def wait_for_answer(address: str, server: subprocess.Popen[bytes]) -> None:
    """Return as soon as the server answers 200."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    sys.exit("The server did not come up; `make run` shows why.")


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is missing. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with tempfile.TemporaryDirectory() as bare:
            (Path(bare) / "streamlit_app.py").write_text("import streamlit as st\nst.title('Hello')\n")
            apps = {"product": ROOT, "one line": Path(bare)}
            rounds: dict[str, list[dict[str, float]]] = {name: [] for name in apps}
            for _ in range(options.rounds):
                for name, folder in apps.items():
                    rounds[name].append(measure(browser, folder))
        browser.close()
    if options.json:
        print(json.dumps(rounds, indent=2))
        return
    print("| app | measure | median | all |\n|---|---|---|---|")
    for name, measured in rounds.items():
        for measure_name in measured[0]:
            values = sorted(each[measure_name] for each in measured)
            shown = ", ".join(f"{value:.1f}" for value in values)
            print(f"| {name} | {measure_name.replace('_', ' ')} | {statistics.median(values):.1f} | {shown} |")


if __name__ == "__main__":
    main()
