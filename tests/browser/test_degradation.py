"""The degradation page as a teacher uses it: the shipped race at once, a guess, a race of one's own, its verdict."""

import pytest

pytestmark = pytest.mark.browser

CHART = ".explorer-chart .main-svg"
FINDING = ".st-key-finding"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"


def test_the_first_visit_shows_the_shipped_race_with_verdicts(page):
    page.goto("/degradation")
    page.locator(CHART).first.wait_for()
    page.get_by_text("Shipped with the program").wait_for()
    page.get_by_text("never the test error").wait_for()
    page.locator(IDLE).wait_for()


def test_the_finding_and_the_picture_come_first(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/degradation?experiment=shipped-cifar10")
    page.locator(CHART).first.wait_for()
    finding = page.locator(FINDING)
    assert "rises by 31.1 points" in finding.inner_text()
    picture = page.locator(CHART).first.bounding_box()["y"]
    assert finding.bounding_box()["y"] < picture <= 420


@pytest.mark.timeout(400)
def test_a_guess_a_race_and_its_verdict(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/degradation?lab_one_minute_steps=3&lab_one_minute_seeds=2")
    page.locator(CHART).first.wait_for()
    page.get_by_role("button", name="Run your own").click()
    page.get_by_text("Two seeds give a very wide interval").wait_for()
    page.get_by_label("Points of plain56 above plain20").fill("12")
    page.get_by_label("Points of plain56 above plain20").press("Tab")
    page.locator(IDLE).wait_for()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/degradation?experiment=*guess=*")
    page.get_by_text("The verdict is given when").wait_for()
    page.get_by_text("your guess: +12 points").wait_for(timeout=200_000)
    assert "not started to train" in page.locator(FINDING).inner_text(), "it is there without a reload"
    box = page.locator(FINDING).bounding_box()
    assert 0 < box["y"] < box["y"] + box["height"] < 800, "in view without scrolling"
    page.get_by_text("Shortcuts", exact=False).first.wait_for()
    assert page.get_by_text("have not started to train").count() >= 1, "three steps are no training"
