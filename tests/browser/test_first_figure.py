"""The picture first: where the first chart, map, drawing or picture of a page begins on a small screen."""

import pytest

pytestmark = pytest.mark.browser

HIGHEST = 420  # pixels from the top of the window
SMALL = {"width": 1280, "height": 800}
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
FIGURES = ".explorer-chart .main-svg, [data-testid=stMainBlockContainer] [data-testid=stImage] img"

PAGES = ["", "degradation", "train", "responses", "blocks"]
PAGES += [pytest.param(path, marks=pytest.mark.slow) for path in ("attributions", "evaluate", "data")]


def first_figure(page):
    """Pixels from the top of the window to the highest figure."""
    page.locator(FIGURES).first.wait_for()
    page.locator(IDLE).wait_for(timeout=120_000)
    return page.evaluate(
        "selector => Math.min(...[...document.querySelectorAll(selector)]"
        ".map(each => each.getBoundingClientRect()).filter(box => box.height > 20).map(box => box.y))",
        FIGURES,
    )


@pytest.mark.parametrize("path", PAGES)
def test_the_first_figure_is_in_view(page, path):
    page.set_viewport_size(SMALL)
    page.goto(f"/{path}")
    assert first_figure(page) <= HIGHEST


@pytest.mark.parametrize("path", ["runs", "glossary"])
def test_a_page_without_a_figure_opens_by_its_address(page, path):
    """Without a request that fails: the fixture looks."""
    page.goto(f"/{path}")
    page.locator("h1").wait_for()
    page.locator(IDLE).wait_for()
