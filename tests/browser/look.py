"""Screenshots of a page as people see it: `make look PAGE='degradation?experiment=shipped-digits'`.

Light and dark, 1280x800 and 1920x1080, the first screen, into test-results/look/. Looks at the runs
and data of EXPLORER_HOME and EXPLORER_DATA, as the app itself would.
"""

import argparse
import re
import subprocess
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, PROJECT, find_chromium, free_port, start_server, wait_for

SIZES = {"1280x800": (1280, 800), "1920x1080": (1920, 1080)}
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
FOLDER = PROJECT / "test-results" / "look"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "page", nargs="+", help="its address after the host, such as 'responses?study=At initialisation'"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="to wait after the script has run, for figures")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = start_server(port, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        for page in given.page:
            for path in _shots(f"http://127.0.0.1:{port}/{page.lstrip('/')}", given.seconds):
                print(path.relative_to(PROJECT))
    finally:
        server.terminate()
        server.wait(timeout=20)


def _shots(address: str, seconds: float) -> list[Path]:
    name = re.sub(r"\W+", "-", address.partition("/")[2].split("/", 2)[-1])[:60].strip("-") or "home"
    paths = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for theme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                tab = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme).new_page()
                tab.goto(address)
                tab.locator(READY).wait_for(timeout=120_000)
                tab.wait_for_timeout(1000 * seconds)
                tab.locator(READY).wait_for(timeout=120_000)
                paths.append(FOLDER / f"{name}-{theme}-{size}.png")
                tab.screenshot(path=paths[-1])
                tab.context.close()
        browser.close()
    return paths


if __name__ == "__main__":
    main()
