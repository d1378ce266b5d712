"""The Blocks page as a person uses it: blocks clicked off, undo, a link that reopens, studies, Cancel."""

import re

import pytest

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
FIND = """
window.table = () => [...document.querySelectorAll('.explorer-chart')].find(
  (each) => each._fullData?.some((trace) => trace.uid.endsWith('-blocks')))
window.headings = () => table()?.layout.annotations.filter((each) => each.name === 'heading').map((each) => each.text)
window.place = (network, index) => {  // of a block in the row above the bars, in pixels of the window
  const chart = table(), box = chart.getBoundingClientRect()
  const trace = chart._fullData.find((each) => each.uid.includes(network) && each.uid.endsWith('-blocks'))
  const [x, y] = [trace.xaxis, trace.yaxis].map((name) => chart._fullLayout[name[0] + 'axis' + name.slice(1)])
  return { x: box.x + x._offset + x.l2p(index), y: box.y + y._offset + y.l2p(0.5) }
}
"""


@pytest.fixture
def opened(page):
    """The page with the two networks that it shows first."""
    page.add_init_script(FIND)
    page.goto("/blocks")
    page.wait_for_function("headings()?.length === 2")
    page.locator(IDLE).wait_for()
    return page


def click_block(page, network, index):
    place = page.evaluate("([network, index]) => place(network, index)", [network, index])
    page.mouse.move(place["x"] - 3, place["y"])
    page.mouse.move(place["x"], place["y"])
    page.wait_for_function("(index) => table()._hoverdata?.[0]?.x === index", arg=index)
    page.mouse.click(place["x"], place["y"])


def wait_for_headings(page, pattern):
    """Of the finest result: digits have 360 test images."""
    if pattern == "→":
        page.get_by_text("On 360 test images the error").wait_for()
    page.wait_for_function("(pattern) => headings().every((each) => new RegExp(pattern).test(each))", arg=pattern)
    page.locator(IDLE).wait_for()


@pytest.mark.timeout(180)
def test_a_block_is_clicked_off_and_comes_back(opened):
    page = opened
    intact = page.evaluate("headings()")
    assert all("error intact" in each for each in intact)
    click_block(page, "resnet56", 12)
    wait_for_headings(page, "→")
    page.wait_for_url(re.compile(r"operations=delete%3A2\.3"))
    deleted = page.evaluate("headings()")

    page.get_by_role("button", name="Undo").click()
    wait_for_headings(page, "error intact")
    assert page.evaluate("headings()") == intact
    page.get_by_role("button", name="Redo").click()
    wait_for_headings(page, "→")
    assert page.evaluate("headings()") == deleted

    page.goto(page.url)  # a link of somebody else
    page.wait_for_function("headings()?.length === 2")
    wait_for_headings(page, "→")
    assert page.evaluate("headings()") == deleted

    click_block(page, "resnet56", 12)  # again: it comes back
    wait_for_headings(page, "error intact")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_blocks_change_places_and_a_grey_one_stays(opened):
    page = opened
    page.get_by_role("radio", name="Swap").click()
    page.get_by_text("Click two blocks of the same shape").wait_for()
    click_block(page, "resnet56", 10)  # it changes the shape: nothing has its place
    page.locator(IDLE).wait_for()
    page.get_by_text("Click two blocks of the same shape").wait_for()
    click_block(page, "resnet56", 2)
    page.get_by_text("Block 1.2 is chosen").wait_for()
    page.locator(IDLE).wait_for()
    click_block(page, "resnet56", 5)
    page.wait_for_url(re.compile(r"operations=swap%3A1\.2-1\.5"))
    wait_for_headings(page, "→")


@pytest.mark.timeout(180)
def test_a_study_runs_and_another_one_is_cancelled(opened):
    page = opened
    page.get_by_role("radio", name="Many operations").click()
    page.get_by_text("blocks deleted at random, the error is").wait_for()
    page.locator(IDLE).wait_for()
    page.get_by_text("Set each block back").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Set each block back: cancelled.").wait_for()
    page.locator(IDLE).wait_for()
    page.get_by_role("button", name="Compute").wait_for()
