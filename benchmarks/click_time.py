"""Time from a click to the page's answer, while an experiment trains and while none does: `make bench-clicks`."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable

from playwright.sync_api import Locator, Page

from benchmarks.app import PATIENCE_SECONDS, ROOT, chromium, started, wait_for_answer
from benchmarks.train_speed import spread, summary
from explorer.training.presets import PRESETS

READY = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
EXPLORER = [sys.executable, "-m", "explorer"]


def until_idle(page: Page) -> None:
    """Wait until the script of the page has ended."""
    page.locator(READY).wait_for(timeout=PATIENCE_SECONDS * 1000)


def clicks(page: Page, times: dict[str, list[float]]) -> None:
    """Click a choice of a form, and through pages, and time each answer."""

    def timed(name: str, action: Callable[[], None], answer: Locator) -> None:
        until_idle(page)
        start = time.perf_counter()
        action()
        answer.first.wait_for(timeout=PATIENCE_SECONDS * 1000)
        times[name].append(time.perf_counter() - start)
        until_idle(page)

    for name in ("lecture", "one_minute"):
        choose = page.get_by_role("radio", name=PRESETS[name].title, exact=True).first.click
        timed("choice in a form", choose, page.get_by_text(PRESETS[name].note))
    imports, form = page.get_by_role("button", name="Import"), page.get_by_text(PRESETS["one_minute"].note)
    timed("another page", page.get_by_role("link", name="Runs", exact=True).first.click, imports)
    timed("back", page.get_by_role("link", name="Train", exact=True).first.click, form)


def shell(home: str, *arguments: str) -> str:
    """The output of a command of the program."""
    environment = os.environ | {"EXPLORER_HOME": home}
    return subprocess.run(
        [*EXPLORER, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def measure(page: Page, home: str, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Medians and quartiles in seconds of each click, without and with a training."""
    idle: dict[str, list[float]] = defaultdict(list)
    busy: dict[str, list[float]] = defaultdict(list)
    clicks(page, defaultdict(list))  # the first of each loads parts of the page
    for _ in range(rounds):
        clicks(page, idle)
    names = ("plain20", "resnet20", "plain32", "resnet32", "plain56", "resnet56")
    document = shell(home, "train", *names, "--steps", "5000", "--learning-rate", "0.03", "--detach", "--json")
    experiment = json.loads(document)["id"]
    try:
        while json.loads(shell(home, "runs", "show", experiment, "--json"))["step"] < 2:
            time.sleep(1)
        for _ in range(rounds):
            clicks(page, busy)
    finally:
        shell(home, "runs", "stop", experiment)
    return {state: {name: summary(values) for name, values in times.items()} for state, times in
            {"nothing trains": idle, "six networks train": busy}.items()}  # fmt: skip


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with chromium() as browser, started() as app:
        wait_for_answer(app)
        page = browser.new_page()
        page.goto(f"{app.address}/train")
        found = measure(page, app.home, options.rounds)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print("| click | " + " | ".join(found) + " |\n|---|---|---|")
    for name in found["nothing trains"]:
        cells = [f"{spread(each[name], '.2f')} s" for each in found.values()]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
