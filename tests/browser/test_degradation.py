"""The degradation page as a teacher uses it: the shipped race at once, a guess, a race of one's own, its verdict."""

import re

import pytest

pytestmark = pytest.mark.browser

CHART = ".explorer-chart .main-svg"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"


def test_the_first_visit_shows_the_shipped_race_with_verdicts(page):
    page.goto("/degradation")
    page.locator(CHART).first.wait_for()
    page.get_by_text("Shipped with the program").wait_for()
    page.get_by_text("never the test error").wait_for()
    page.locator(IDLE).wait_for()


@pytest.mark.timeout(400)
def test_a_guess_a_race_and_its_verdict(page):
    page.goto("/degradation?lab_one_minute_steps=3&lab_one_minute_seeds=2")
    page.locator(CHART).first.wait_for()
    page.get_by_text("Two seeds give a very wide interval").wait_for()
    page.get_by_text("Make a guess first").click()
    page.get_by_label(re.compile("By how many points")).fill("12")
    page.get_by_label(re.compile("By how many points")).press("Tab")
    page.locator(IDLE).wait_for()
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/degradation?experiment=*guess=*")
    page.get_by_text("The verdict is given when").wait_for()
    page.get_by_text("your guess: +12 points").wait_for(timeout=200_000)
    page.get_by_text("Shortcuts", exact=False).first.wait_for()
    assert page.get_by_text("have not started to train").count() >= 1, "three steps are no training"
