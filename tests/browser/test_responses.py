"""The Responses page as a person uses it: the slider by keyboard, play, a click on the drawing, a reload."""

import json
import re

import pytest

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
NETWORKS = "shipped-digits-plain20,shipped-digits-resnet20"

# The chart of the study has traces of both networks, the drawing has heat maps.
FIND = """
window.chart = (begin) => [...document.querySelectorAll('.explorer-chart')].find(
  (each) => each._fullData?.some((trace) => trace.uid.startsWith(begin)))
window.values = () => JSON.stringify(chart('shipped')?.calcdata.map((line) => line.map((point) => point.y)) ?? null)
window.place = (row) => {  // of the first cell in a row of stage 1 of the drawing, in pixels of the window
  const drawing = chart('cells'), trace = drawing.data.find((each) => each.uid === 'cells-1')
  const column = trace.customdata[row].findIndex((click) => click), box = drawing.getBoundingClientRect()
  const { xaxis, yaxis } = drawing._fullLayout, middle = (edges, at) => (edges[at] + edges[at + 1]) / 2
  return { x: box.x + xaxis._offset + xaxis.l2p(middle(trace.x, column)),
           y: box.y + yaxis._offset + yaxis.l2p(middle(trace.y, row)), click: trace.customdata[row][column] }
}
"""

OPENED = "chart('cells')?.data.some((trace) => trace.text?.some?.((text) => text.includes('in full')))"


@pytest.fixture
def opened(page):
    """The page with two of the networks that came with the program."""
    page.add_init_script(FIND)
    page.goto(f"/responses?networks={NETWORKS}")
    page.wait_for_function("chart('shipped') && chart('cells')")
    page.locator(IDLE).wait_for()
    return page


def values(page):
    """Of all lines of the study's chart."""
    return json.loads(page.evaluate("values()"))


def slider(page):
    return page.get_by_role("slider", name=re.compile("Moment of training"))


def move(page, key):
    """The slider, by a key."""
    slider(page).press(key)


def opened_block(page):
    """What stands above the block that is drawn in full; empty where none is."""
    texts = page.evaluate("chart('cells').data.find((trace) => trace.uid === 'letters').text.join(' ')")
    found = re.search(r"Stage \d, block \d+</b> in full", texts)
    return found[0] if found else ""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_slider_and_play_go_through_the_moments(opened):
    page = opened
    trained = values(page)
    page.evaluate("window.kept = chart('shipped')")
    move(page, "Home")
    page.wait_for_url(re.compile(r"[?&]step=0(&|$)"))
    page.wait_for_function("(before) => values() !== JSON.stringify(before)", arg=trained)
    page.locator(IDLE).wait_for()
    untrained = values(page)
    move(page, "ArrowRight")
    page.wait_for_url(re.compile(r"[?&]step=10(&|$)"))
    move(page, "Home")
    page.wait_for_url(re.compile(r"[?&]step=0(&|$)"))
    page.wait_for_function("(before) => values() === JSON.stringify(before)", arg=untrained)

    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.locator(IDLE).wait_for()
    page.wait_for_function("(before) => values() === JSON.stringify(before)", arg=trained)
    assert slider(page).get_attribute("aria-valuetext") == "400"
    assert "step=" not in page.url, "the last moment is the usual one"
    assert page.evaluate("kept === chart('shipped')"), "the chart was mounted anew"


def test_a_click_on_a_cell_selects_its_layer_and_a_reload_keeps_it(opened):
    page = opened
    assert not opened_block(page)
    page.evaluate("chart('cells').scrollIntoView({ block: 'center' })")
    cell = page.evaluate("place(0)")
    kind, layer, stage, block = cell["click"]
    assert kind == "layer"
    page.mouse.move(cell["x"] - 2, cell["y"])
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_url(re.compile(rf"[?&]layer={layer}(&|$)"))
    page.wait_for_function(OPENED)
    assert opened_block(page) == f"Stage {stage}, block {block}</b> in full"
    page.get_by_role("img", name=f"Distribution of the responses of layer {layer}").wait_for()
    page.locator(IDLE).wait_for()

    page.reload()
    page.wait_for_function(OPENED)
    assert opened_block(page) == f"Stage {stage}, block {block}</b> in full"
    page.locator(IDLE).wait_for()
