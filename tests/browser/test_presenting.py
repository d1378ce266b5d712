"""A page before a room: by its keys, in large type, without scrolling; a race replayed; figures on a telephone."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
DRAWN = """[...document.querySelectorAll('.st-key-stage .explorer-chart .main-svg')].length > 0"""

# What cannot be read: letters too small, cut or over others, markers that are cut.
LETTERS = (Path(__file__).parent / "letters.js").read_text(encoding="utf-8")


def unreadable(page, *, within="body", least=0):
    """What cannot be read in a part of the page, in words; `least` is the smallest size of letters in pixels."""
    return page.evaluate(LETTERS, {"within": within, "least": least})


def on_stage(page):
    """Once the figure of the beat is drawn."""
    page.wait_for_function(DRAWN)
    page.locator(IDLE).wait_for()


def heading(page):
    """The panel on the stage."""
    return page.locator(".st-key-stage .annotation-text").first.text_content()


@pytest.mark.parametrize(("width", "height"), [pytest.param(1920, 1080, marks=pytest.mark.slow), (1280, 720)])
def test_a_race_before_a_room_by_keys(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/degradation")
    page.get_by_role("button", name="Present").wait_for()
    page.locator(IDLE).wait_for()
    page.keyboard.press("p")
    page.wait_for_url(re.compile("present=1"))
    on_stage(page)
    assert heading(page) == "Training error"
    assert unreadable(page, within=".st-key-stage", least=24 if height == 1080 else 23) == []
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight <= innerHeight")
    assert not page.get_by_test_id("stHeader").is_visible()
    stage = page.locator(".st-key-stage .explorer-chart").bounding_box()
    assert stage["x"] >= 0
    assert stage["x"] + stage["width"] <= width
    assert stage["y"] + stage["height"] <= height
    page.keyboard.press("PageDown")
    page.wait_for_url(re.compile("beat=test"))
    page.wait_for_function("document.querySelector('.st-key-stage .annotation-text').textContent === 'Test error'")
    page.locator(IDLE).wait_for()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("beat=race"))
    page.locator(IDLE).wait_for()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("^(?!.*present)"))
    page.get_by_role("heading", name="Degradation", exact=True).wait_for()


def test_a_link_opens_the_beat(page):
    page.goto("/degradation?present=1&beat=test")
    on_stage(page)
    assert heading(page) == "Test error"


def test_keys_go_into_a_field_that_has_the_focus(page):
    page.goto("/responses")
    field = page.get_by_role("combobox").first
    field.wait_for()
    field.press("p")
    page.wait_for_timeout(500)
    assert "present" not in page.url


# From a frame to the next, and movements of the page, while a race is replayed.
WATCH = """
window.frames = []; window.shift = 0; let last = performance.now()
const tick = (now) => { frames.push(now - last); last = now; requestAnimationFrame(tick) }
requestAnimationFrame(tick)
new PerformanceObserver((list) => { for (const each of list.getEntries()) shift += each.value })
  .observe({ type: 'layout-shift' })
window.place = () => [scrollY, document.querySelector('[data-testid=stMain]').scrollTop,
  ...Object.values(document.querySelector('.explorer-chart').getBoundingClientRect().toJSON())].join()
window.begun = place()
"""


@pytest.mark.alone
def test_a_replay_is_smooth_and_the_page_stays(page):
    page.emulate_media(reduced_motion="reduce")  # it does not play by itself
    page.goto("/degradation?experiment=shipped-digits")
    button = page.get_by_role("button", name="Replay")
    button.wait_for()
    page.locator(".explorer-chart .main-svg").first.wait_for()
    time = page.locator(".explorer-replay output").first
    slider = page.get_by_role("slider", name="Moment of the race")
    page.wait_for_function("document.querySelector('.explorer-replay output')?.textContent === 'step 400'")
    page.wait_for_timeout(2000)  # other charts of the page are being drawn
    page.evaluate(WATCH)
    button.first.click()
    page.locator(".explorer-ends text").first.wait_for()
    for _ in range(3):  # another program may take the processor for a moment
        page.evaluate("frames.length = 0")
        page.wait_for_timeout(2000)
        frames = page.evaluate("frames")
        if max(frames) < 150:
            break
    assert max(frames) < 150
    shift, begun, now = page.evaluate("[shift, begun, place()]")
    page.get_by_role("button", name="Pause").first.click()
    assert shift == 0
    assert begun == now
    early = time.text_content()
    assert early != "step 400"
    shown = page.locator(".explorer-ends text").all_text_contents()
    assert any(float(re.search(r"([\d.]+) %", text)[1]) > 40 for text in shown), "numbers of that moment"
    slider.first.press("ArrowLeft")
    assert time.text_content() != "step 400"
    slider.first.press("End")
    assert time.text_content() == "step 400"
    assert not page.locator(".explorer-ends").count()


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 640, 820])
def test_all_letters_of_the_figures_are_inside(page, width):
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/degradation?experiment=shipped-digits", "/train?experiment=shipped-digits"):
        page.goto(address)
        page.wait_for_function("document.querySelectorAll('.explorer-chart .main-svg text').length > 5")
        page.wait_for_timeout(1500)
        assert unreadable(page) == [], address


# A link to a beat of each page that presents, without one that needs CIFAR-10.
BEATS = {
    "step 7": "/lesson?present=1&runs=shipped-digits&beat=7-answer",
    "step 11, in Korean": "/lesson?present=1&runs=shipped-digits&beat=11-answer&lang=ko",
    "operated networks": "/blocks?present=1&operations=delete:2.3",
    "inside a block": "/blocks?present=1&study=Inside+a+block&twins=shipped-digits-resnet20",
    "refinement": "/blocks?present=1&study=Refinement&twins=shipped-digits-plain20,shipped-digits-resnet20",
    "maps": "/attributions?present=1&networks=shipped-digits-resnet20&networks=shipped-digits-plain56",
}


OFTEN = "step 11, in Korean"
EACH = [OFTEN, *(pytest.param(name, marks=pytest.mark.slow) for name in BEATS if name != OFTEN)]


@pytest.mark.parametrize("beat", EACH)
def test_all_letters_on_the_stage_can_be_read(page, beat):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(BEATS[beat])
    on_stage(page)
    page.wait_for_function("document.querySelectorAll('.st-key-stage .main-svg text').length > 5")
    page.wait_for_timeout(1500)
    assert unreadable(page, within=".st-key-stage", least=23) == []
