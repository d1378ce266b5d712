"""Time from `streamlit run` to the first answer and to Home on the screen: `make bench-first-paint`.

An app of one line, started in turn with this one, shows the part of Streamlit and the browser.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser

from benchmarks.app import HEADING, PATIENCE_SECONDS, ROOT, chromium, started, wait_for_answer


def measure(browser: Browser, folder: Path) -> dict[str, float]:
    """Seconds from the start of the app in `folder`, its runs folder empty."""
    with browser.new_context() as context:
        page = context.new_page()
        start = time.perf_counter()
        with started(folder) as app:
            wait_for_answer(app)
            answered = time.perf_counter() - start
            page.goto(app.address, wait_until="commit")
            page.locator(HEADING).first.wait_for(timeout=PATIENCE_SECONDS * 1000)
            painted = time.perf_counter() - start
            busy = psutil.Process(app.server.pid).cpu_times()
    return {
        "http_200_seconds": answered,
        "home_seconds": painted,
        "server_cpu_seconds": busy.user + busy.system,  # tells a slow server from a busy machine
    }


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with chromium() as browser, tempfile.TemporaryDirectory() as bare:
        (Path(bare) / "streamlit_app.py").write_text("import streamlit as st\nst.title('Hello')\n")
        apps = {"product": ROOT, "one line": Path(bare)}
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in apps}
        for _ in range(options.rounds):
            for name, folder in apps.items():
                rounds[name].append(measure(browser, folder))
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
