"""A report opened from disk, with the network off: all figures, nothing in the console; light, dark, on a telephone."""

import pytest

from explorer.export.reports import html
from explorer.export.reports.gathering import gathered
from explorer.export.reports.responses import measured
from explorer.runs.experiments import experiment

pytestmark = pytest.mark.browser

TITLE = "<script>document.title = 'ran'</script> [a](javascript:alert(1)) <!--<script> " + 80 * "\N{GRINNING FACE}"
NAMES = ["curves", "verdict-degradation", "verdict-shortcut", "responses", "network-plain", "network-residual"]
INK = "getComputedStyle(document.body).color"
OWN_SIZES = """[...document.querySelectorAll("tspan.line")].map(
  each => getComputedStyle(each).fontSize === getComputedStyle(each.parentElement).fontSize)"""
TICKS = "document.querySelector('.xtick text').style.fill"


@pytest.fixture
def report(tmp_path, monkeypatch, make_weights, make_run):
    """The report on two experiments with seeds and weights, and a title that is bait; gives its file."""
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    for place, network in enumerate(("plain8-w4", "plain14-w4", "resnet8-w4", "resnet14-w4")):
        make_weights(network, order=place, end=0.1 * place, title=TITLE, note=TITLE)
        make_run(network, order=place, seed=1, end=0.1 * place + 0.02, title=TITLE)
    found = [experiment("e1")]
    path = tmp_path / "report.html"
    path.write_text(html.page(gathered(found, measured(found))), encoding="utf-8")
    return path


def test_a_report_opens_offline_and_shows_every_figure(chromium, report):
    trouble = []
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    tab = context.new_page()
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("console", lambda message: trouble.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("request", lambda asked: trouble.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    tab.goto(report.as_uri())
    assert tab.evaluate("[...document.querySelectorAll('.figure')].map(each => each.dataset.figure)") == NAMES
    for name in NAMES:
        figure = tab.locator(f"[data-figure={name}] .main-svg").first
        figure.wait_for()
        assert figure.bounding_box()["height"] > 200, name
    assert tab.title() == tab.locator("h1").inner_text() == TITLE
    assert tab.locator("[data-figure=curves]").bounding_box()["y"] < 800, "the picture is on the first screen"
    assert tab.evaluate(INK) == "rgb(27, 36, 48)"
    assert set(tab.evaluate(OWN_SIZES)) == {True}, "the page's rules do not reach letters of figures"
    light = tab.evaluate(TICKS)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"{TICKS} !== '{light}'")
    assert tab.evaluate(INK) == "rgb(232, 237, 244)"
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(TICKS) == light, "paper is light"
    assert round(tab.locator("[data-figure=curves]").bounding_box()["width"]) == 680, "the width of A4 without margins"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.wait_for_function("document.documentElement.scrollWidth <= 390")
    below = tab.locator("[data-figure=curves] .x2title").bounding_box()["y"]
    assert below > tab.locator("[data-figure=curves] .xtitle").bounding_box()["y"] + 200, "panels are stacked"
    context.close()
    assert not trouble
