"""The degradation page at the first visit: the shipped race, its verdicts, the finding above the picture."""

import re

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
    assert re.match(
        r"From 20 to 56 layers, the training error of plain networks rises by \d+\.\d points", finding.inner_text()
    )
    picture = page.locator(CHART).first.bounding_box()["y"]
    assert finding.bounding_box()["y"] < picture <= 420
