"""The menu of what is taken along of a view, as a person uses it: copied texts, saved files."""

import json

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(page):
    """The menu below the responses of two small untrained networks."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/responses?networks=plain8,resnet8&responses-images=50")
    page.wait_for_function("document.querySelector('.st-key-study-responses .explorer-chart')?._fullLayout")
    page.get_by_role("button", name="Take it along").click()
    page.get_by_role("button", name="Copy link").wait_for()
    return page


def copied(page, button):
    page.get_by_role("button", name=button).click()
    page.get_by_text("Copied").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value


def test_texts_are_copied_and_files_are_saved(opened):
    page = opened
    assert "explorer.inspection.response_std" in copied(page, "Copy as Python")
    command = copied(page, "Copy command")
    assert command == "python -m explorer responses plain8 resnet8 --images 50 --statistics batch"
    link = copied(page, "Copy link")
    assert link.startswith(page.url.partition("?")[0])
    assert "responses-images=50" in link

    assert saved(page, "Picture (PNG)").path().read_bytes()[:4] == b"\x89PNG"
    notebook = json.loads(saved(page, "Notebook").path().read_text())
    assert link in notebook["cells"][0]["source"]
