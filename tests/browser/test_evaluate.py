"""The Evaluate page as a person uses it: a field of the confusion, its pictures, on to the attributions, a reload."""

import re

import pytest

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
NETWORKS = "shipped-digits-plain56,shipped-digits-resnet20"

FIND = """
window.chart = (uid) => [...document.querySelectorAll('.explorer-chart')].find(
  (each) => each._fullData?.some((trace) => trace.uid === uid))
window.place = (uid, row, column) => {  // the middle of a field, in pixels of the window
  const drawing = chart(uid), trace = drawing._fullData.find((each) => each.uid === uid)
  drawing.scrollIntoView({ block: 'center' })
  const { xaxis, yaxis } = drawing._fullLayout, box = drawing.getBoundingClientRect()
  const middle = (from, at) => Array.isArray(from) || ArrayBuffer.isView(from)
    ? (typeof from[0] === 'string' ? at : (from[at] + from[at + 1]) / 2) : at
  return { x: box.x + xaxis._offset + xaxis.c2p(middle(trace.x, column)),
           y: box.y + yaxis._offset + yaxis.c2p(middle(trace.y, row)) }
}
"""


def click(page, uid, row, column):
    spot = page.evaluate("([uid, row, column]) => place(uid, row, column)", [uid, row, column])
    page.mouse.move(spot["x"] - 3, spot["y"])
    page.mouse.click(spot["x"], spot["y"])


@pytest.mark.timeout(120)
def test_from_a_field_of_the_confusion_to_an_attribution(page):
    page.add_init_script(FIND)
    page.goto(f"/evaluate?evaluation=Confusions&networks={NETWORKS}")
    page.wait_for_function("chart('confusion') && chart('pictures')")
    page.locator(IDLE).wait_for()
    field = page.evaluate("chart('confusion').data[0].customdata.flat().find((each) => each && each[0] !== each[1])")
    click(page, "confusion", *field)
    page.wait_for_url(re.compile(rf"[?&]cell={field[0]}-{field[1]}(&|$)"))
    page.get_by_text(f"{field[0]}, predicted as {field[1]}:").wait_for()
    page.locator(IDLE).wait_for()
    click(page, "pictures", 0, 0)
    page.wait_for_url(re.compile(r"[?&]shown=\d+(&|$)"))
    link = page.get_by_role("link", name="Where do they look?")
    link.wait_for()
    page.locator(IDLE).wait_for()

    page.reload()
    page.get_by_text(f"{field[0]}, predicted as {field[1]}:").wait_for()
    link.wait_for()
    page.locator(IDLE).wait_for()
    link.click()
    page.wait_for_url(re.compile(r"/attributions\?.*image=test%3A\d+"))
    page.wait_for_function("chart('cell-0-0')")
    page.locator(IDLE).wait_for()
