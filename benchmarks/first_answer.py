"""Seconds from a click on a page's link, on Home of a server just started, to the page's first picture or row.

    python -m benchmarks.first_answer     (make bench-first-answer)

The reader reads Home for some seconds before the click. With `--other FOLDER` another checkout is measured in turn.
Processor time is that of the server and of the PyTorch process after the click: on a machine with other work it tells
what the wait would be without.
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser

from benchmarks.app import HEADING, PATIENCE_SECONDS, ROOT, chromium, started, wait_for_answer

# Home has charts of its own, which stay until the page has others: by a trace, or by the beginning of the chart's key
TRACE = "[...document.querySelectorAll('.explorer-chart')].some((each) => each._fullData?.some((trace) => {}))"
CHART = "[...document.querySelectorAll('[class*=st-key-{}] .explorer-chart')].some((each) => each._fullData)"
FIRST = {  # what is waited for
    "Responses": CHART.format("study-"),
    "Blocks": TRACE.format("trace.uid.endsWith('-bars')"),
    "Attributions": TRACE.format("trace.uid === 'cell-0-0'"),
    "Degradation": "location.pathname === '/degradation' && " + CHART.format("race-"),
    "Evaluate": "document.querySelector('[data-testid=stDataFrame] canvas') !== null",
}


def busy(server: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time of the server and its processes."""
    whole = psutil.Process(server.pid)
    times = [each.cpu_times() for each in (whole, *whole.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def measure(browser: Browser, folder: Path, runs: Path | None, name: str, reading: float) -> tuple[float, float]:
    """Seconds by the clock and of processor time, from the click to the picture."""
    with browser.new_context() as context, started(folder, runs) as app:
        page = context.new_page()
        page.set_default_timeout(4 * PATIENCE_SECONDS * 1000)
        wait_for_answer(app)
        page.goto(app.address, wait_until="commit")
        page.locator(HEADING).first.wait_for()
        time.sleep(reading)
        start, before = time.perf_counter(), busy(app.server)
        page.get_by_role("link", name=name).first.click()
        page.wait_for_function(FIRST[name])
        return time.perf_counter() - start, busy(app.server) - before


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reading", type=float, nargs="+", default=[5.0, 10.0], help="seconds on Home")
    parser.add_argument("--pages", nargs="+", default=list(FIRST), choices=list(FIRST))
    parser.add_argument("--other", type=Path, help="folder of another checkout")
    parser.add_argument("--runs", type=Path, help="folder of runs, such as one that `benchmarks.scale --home` has made")
    options = parser.parse_args()
    folders = {"this": ROOT} | ({"other": options.other} if options.other else {})
    print("| page | seconds on Home | checkout | wait, s: median | all | processor time, s: median |")
    print("|---|---|---|---|---|---|")
    with chromium() as browser:
        for name in options.pages:
            for reading in options.reading:
                found: dict[str, list[tuple[float, float]]] = {each: [] for each in folders}
                for _ in range(options.rounds):
                    for each, folder in folders.items():
                        found[each].append(measure(browser, folder, options.runs, name, reading))
                for each, measured in found.items():
                    waits, times = zip(*measured, strict=True)
                    shown = ", ".join(f"{wait:.1f}" for wait in sorted(waits))
                    print(
                        f"| {name} | {reading:g} | {each} | {statistics.median(waits):.1f} | {shown} | "
                        f"{statistics.median(times):.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
