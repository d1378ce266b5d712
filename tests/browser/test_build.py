"""The Build page as a person uses it: a name typed, a part changed, a rule broken, code and ONNX taken."""

import re

import pytest

pytestmark = pytest.mark.browser

CHART = ".explorer-chart .main-svg"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"


def settle(page):
    page.wait_for_timeout(500)
    page.locator(IDLE).wait_for()


def parameters(page):
    return page.get_by_test_id("stMetricValue").first.inner_text()


def test_from_a_typed_name_to_a_network_of_ones_own(page):
    page.goto("/build")
    page.locator(CHART).first.wait_for()
    assert parameters(page) == "269,722"
    menu = page.get_by_role("combobox", name=re.compile("Network"))
    menu.fill("preresnet29-bottleneck")
    menu.press("Enter")
    page.wait_for_url("**network=preresnet29-bottleneck**")
    settle(page)
    page.get_by_role("spinbutton", name="Depth").fill("30")
    page.get_by_role("spinbutton", name="Depth").press("Enter")
    page.get_by_text("This cannot be built").wait_for()
    page.get_by_role("button", name="Use preresnet38-bottleneck").click()
    page.wait_for_url("**network=preresnet38-bottleneck**")
    settle(page)
    page.go_back()
    page.get_by_text("preresnet29-bottleneck", exact=True).first.wait_for()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_networks_their_code_and_onnx(page):
    page.goto("/build?network=resnet8&beside=plain8")
    page.locator(CHART).nth(1).wait_for()
    metrics = page.get_by_test_id("stMetric")
    metrics.nth(7).wait_for()  # their own script is loaded after the charts
    assert metrics.count() == 8
    page.get_by_role("radio", name="Code").click()
    page.get_by_role("button", name="Export ONNX").first.click()
    button = page.get_by_role("button", name=re.compile(r"ONNX \("))
    button.wait_for(timeout=200_000)
    settle(page)
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "resnet8-32.onnx"
    assert download.value.path().stat().st_size > 4 * 75_000
