"""The lesson in a browser: by keyboard, with guesses, from a link."""

import pytest

pytestmark = pytest.mark.browser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
CHART = ".explorer-chart .main-svg"


def body(page):
    return page.get_by_test_id("stMainBlockContainer").inner_text()


@pytest.mark.timeout(400)
def test_a_walk_by_keyboard_with_guesses(page):
    page.goto("/lesson")
    page.get_by_text("A deeper network can do all").wait_for()
    page.wait_for_function("globalThis.Plotly")  # what the page loads last
    page.locator(IDLE).wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text("The race of the plain networks").wait_for()
    page.locator(IDLE).wait_for()
    assert "step=2" in page.url
    assert "points above" not in page.content()
    assert page.locator(CHART).count() == 0
    page.get_by_role("button", name="The shallowest, plain20").click()
    page.get_by_text("plain56 ends").wait_for()
    page.locator(CHART).first.wait_for()
    page.locator(IDLE).wait_for()
    assert "g2=b" in page.url
    page.keyboard.press("ArrowRight")
    page.get_by_text("Is it overfitting?").wait_for()
    page.locator(IDLE).wait_for()
    assert "It is not overfitting" not in page.content()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("plain56 ends").wait_for()


@pytest.mark.timeout(400)
def test_arrow_keys_in_a_field_do_not_turn_the_page(page):
    page.goto("/lesson?step=2")
    page.get_by_text("The race of the plain networks").wait_for()
    page.get_by_role("combobox").first.click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.locator(IDLE).wait_for()
    assert "step=2" in page.url


@pytest.mark.timeout(400)
def test_a_link_reopens_step_five_with_its_answer_in_korean(page):
    page.goto("/lesson?step=5&g5=a&lang=ko&runs=shipped-digits")
    page.locator(CHART).first.wait_for(timeout=200_000)
    text = body(page)
    assert "구성에 의한 증명" in text
    assert "plain56은" in text
    assert "맞습니다" in text


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_first_figure_begins_in_the_upper_half_of_a_small_screen(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/lesson?step=2&g2=a")
    page.locator(CHART).first.wait_for()
    page.locator(IDLE).wait_for()
    place = page.locator(".explorer-chart").first.bounding_box()
    assert place["y"] < 420
    assert place["y"] + place["height"] <= 800
