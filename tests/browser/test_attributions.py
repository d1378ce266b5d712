"""The Attributions page as a person uses it: a mistake, three methods, two depths, a check, files, a link."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
SHALLOW, DEEP = "shipped-digits-plain8", "shipped-digits-plain20"
METHODS = ["Saliency", "Integrated gradients", "Grad-CAM"]

FIND = """
window.chart = (uid) => [...document.querySelectorAll('.explorer-chart')].find(
  (each) => each._fullData?.some((trace) => trace.uid === uid))
window.cells = () => JSON.stringify(chart('cell-0-0')?._fullData
  .filter((each) => /^cell-\\d+-\\d+$/.test(each.uid))
  .map((each) => [each.name, each.z.map((row) => Array.from(row))]) ?? null)
window.place = (uid, column, row) => {  // the middle of a field of a map, in pixels of the window
  const drawing = chart(uid), trace = drawing._fullData.find((each) => each.uid === uid)
  drawing.scrollIntoView({ block: 'center' })
  const { xaxis, yaxis } = drawing._fullLayout, box = drawing.getBoundingClientRect()
  const middle = (from, by, edges, at) => by ? from + by * at : (edges[at] + edges[at + 1]) / 2
  return { x: box.x + xaxis._offset + xaxis.l2p(middle(trace.x0, trace.dx, trace.x, column)),
           y: box.y + yaxis._offset + yaxis.l2p(middle(trace.y0, trace.dy, trace.y, row)) }
}
"""


def click(page, uid, column, row):
    """With the mouse, as a hand would: it comes from beside."""
    place = page.evaluate("([uid, column, row]) => place(uid, column, row)", [uid, column, row])
    page.mouse.move(place["x"] - 3, place["y"] + 2)
    page.mouse.move(place["x"], place["y"])
    page.mouse.click(place["x"], place["y"])


def maps(page):
    """By the name of their place."""
    page.wait_for_function("chart('cell-0-0')")
    return {name: np.array(values) for name, values in json.loads(page.evaluate("cells()"))}


def saved(page, button):
    """The file that a button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path())


@pytest.fixture
def opened(page):
    """The page with networks of two depths."""
    page.add_init_script(FIND)
    page.goto(f"/attributions?networks={SHALLOW},{DEEP}")
    return page


@pytest.mark.slow
def test_maps_on_a_dark_page_have_its_colours(opened):
    page = opened
    maps(page)
    colour = "chart('cell-0-0')._fullData.find((each) => each.uid === 'texts').textfont.color[0]"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.reload()
    maps(page)
    assert page.evaluate(colour) != light


@pytest.mark.timeout(170)
def test_a_mistake_is_explained_checked_and_taken_along(opened, chromium, server):
    page = opened
    assert len(maps(page)) == 6
    page.get_by_text("Wrongly classified", exact=True).click()
    page.wait_for_function("chart('pictures')?._fullData[0].hovertext.flat().some((each) => each.includes(' %)'))")
    page.locator(IDLE).wait_for()
    before = page.evaluate("cells()")
    click(page, "pictures", 1, 0)
    page.wait_for_url(re.compile(r"[?&]image=test%3A\d+"))
    page.wait_for_function("(before) => cells() !== before", arg=before)
    page.locator(IDLE).wait_for()
    image = int(re.search(r"image=test%3A(\d+)", page.url)[1])
    there = maps(page)
    assert list(there) == [f"{method}, {network}, step 400" for method in METHODS for network in ("plain8", "plain20")]

    page.get_by_role("button", name="Take it along").click()
    with Image.open(saved(page, "Grid (PNG)")) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400
    arrays = np.load(saved(page, "Maps (NPZ)"))
    assert arrays[f"{DEEP}@400__test-{image}__grad_cam__map"] == pytest.approx(there["Grad-CAM, plain20, step 400"])
    scores = pd.read_csv(saved(page, "Table (CSV)"))
    assert len(scores) == 6
    assert set(scores["image"]) == {f"test:{image}"}
    assert (scores["prediction"] != scores["label"]).any()
    link = page.url
    grid = saved(page, "Grid (HTML)").read_text()
    page.keyboard.press("Escape")

    click(page, "cell-2-1", 3, 3)
    page.get_by_role("button", name="Can it be trusted?").click()
    page.get_by_role("button", name="Check this map").click()
    page.get_by_role("img", name="Probability of").wait_for()
    page.get_by_role("img", name="Similarity of the map").wait_for()
    page.locator(IDLE).wait_for()
    page.get_by_role("button", name="Take it along").click()
    page.get_by_role("tab", name="Shell").click()
    command = page.locator("code", has_text="attribute-check").inner_text()
    assert f"attribute-check {DEEP}@400 --image test:{image} " in command
    assert command.endswith(" --method grad_cam")

    other = chromium.new_context(viewport={"width": 1280, "height": 1000})
    tab = other.new_page()
    tab.set_default_timeout(60_000)
    tab.add_init_script(FIND)
    tab.goto(link)
    assert {name: values.tolist() for name, values in maps(tab).items()} == {
        name: values.tolist() for name, values in there.items()
    }
    tab.set_content(grid)
    tab.locator(".js-plotly-plot .heatmaplayer image").first.wait_for(state="attached")
    assert tab.locator(".js-plotly-plot .heatmaplayer image").count() >= 6
    other.close()
