"""Seconds from a click on a block of ResNet-56 and plain56 to the error without it, on the Blocks page.

    EXPLORER_DATA=DATA python -m benchmarks.block_clicks     (make bench-block-clicks)

First: the first result, on 50 test images. All: the result on 1,000. Again: the same after undo, by a click on Redo.
Each round deletes another block; both networks are measured. The page is warm: one block is deleted before.
"""

import argparse
import re
import statistics
import time

from playwright.sync_api import Browser, Page

from benchmarks.app import PATIENCE_SECONDS, chromium, started, wait_for_answer

TWINS = "shipped-cifar10-plain56,shipped-cifar10-resnet56"
FIND = """
window.picture = () => [...document.querySelectorAll('.explorer-chart')].find(
  (each) => each._fullData?.some((trace) => trace.uid.endsWith('-blocks')))
window.place = (index) => {
  const chart = picture(), box = chart.getBoundingClientRect()
  const trace = chart._fullData.find((each) => each.uid.includes('resnet') && each.uid.endsWith('-blocks'))
  const [x, y] = [trace.xaxis, trace.yaxis].map((name) => chart._fullLayout[name[0] + 'axis' + name.slice(1)])
  return { x: box.x + x._offset + x.l2p(index), y: box.y + y._offset + y.l2p(0.5) }
}
"""
CHANGED = re.compile("the error changes")
BLOCKS = [index for index in range(2, 28) if index not in (10, 19)]  # along ResNet-56, those that keep the shape


def answers(page: Page, index: int) -> tuple[float, float, float]:
    """Seconds until the first result, until that of all images, and until it is there again after undo and redo."""
    place = page.evaluate("(index) => place(index)", index)
    page.mouse.move(place["x"], place["y"])
    page.wait_for_function("(index) => picture()._hoverdata?.[0]?.x === index", arg=index)
    start = time.perf_counter()
    page.mouse.click(place["x"], place["y"])
    page.get_by_text(CHANGED).wait_for()
    first = time.perf_counter() - start
    page.get_by_text("On 1,000 test images the error changes").wait_for()
    every = time.perf_counter() - start
    page.get_by_role("button", name="Undo").click()
    page.get_by_text(CHANGED).wait_for(state="detached")
    time.sleep(1)  # for the browser to finish drawing
    start = time.perf_counter()
    page.get_by_role("button", name="Redo").click()
    page.get_by_text("On 1,000 test images the error changes").wait_for()
    again = time.perf_counter() - start
    page.get_by_role("button", name="Undo").click()
    page.get_by_text(CHANGED).wait_for(state="detached")
    time.sleep(1)
    return first, every, again


def measure(browser: Browser, rounds: int) -> list[tuple[float, float, float]]:
    """The answers to clicks on so many blocks."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context, started() as app:
        page = context.new_page()
        page.set_default_timeout(4 * PATIENCE_SECONDS * 1000)
        page.add_init_script(FIND)
        wait_for_answer(app)
        page.goto(f"{app.address}/blocks?twins={TWINS}")
        page.wait_for_function("picture()")
        answers(page, BLOCKS[0])
        return [answers(page, index) for index in BLOCKS[1 : rounds + 1]]


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    with chromium() as browser:
        found = measure(browser, options.rounds)
    for name, seconds in zip(("first result", "all images", "again"), zip(*found, strict=True), strict=True):
        low, _, high = statistics.quantiles(seconds, n=4)
        print(f"{name}: {statistics.median(seconds):.2f} s ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
