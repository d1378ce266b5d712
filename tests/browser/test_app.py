"""The app as a person uses it: start the demo, see the curves move, pause, reload, resume, stop."""

import csv
import re

import pytest

pytestmark = pytest.mark.browser

CHART = ".explorer-chart"
POINTS = f"document.querySelector('{CHART}')?.data?.reduce((sum, trace) => sum + trace.x.length, 0) ?? 0"


def state(page, name):
    return page.locator("h3", has_text=re.compile(f"\\b{name}\\b"))


def wait_for_points(page, least):
    page.wait_for_function(f"() => ({POINTS}) > {least}", timeout=90_000)
    return page.evaluate(POINTS)


@pytest.mark.timeout(400)
def test_demo_runs_pauses_survives_a_reload_resumes_and_stops(page):
    page.goto("/")
    page.get_by_role("button", name="Start the one-minute demo").click()
    page.wait_for_url("**/train?experiment=*")
    state(page, "starting").or_(state(page, "running")).wait_for()

    first = wait_for_points(page, 20)
    page.evaluate(f"window.kept = document.querySelector('{CHART}')")
    page.evaluate("Plotly.relayout(kept, {'xaxis.range[0]': 1, 'xaxis.range[1]': 60})")
    page.locator(f"{CHART} .legendtoggle").first.click(timeout=10_000, force=True)
    page.wait_for_function("kept.data.some(trace => trace.visible === 'legendonly')")
    hidden = "kept.data.filter(trace => trace.visible === 'legendonly').length"
    count = page.evaluate(hidden)

    second = wait_for_points(page, first + 10)
    assert second > first
    assert page.evaluate(f"kept === document.querySelector('{CHART}')"), "the chart was mounted anew"
    assert page.evaluate("kept.layout.xaxis.range") == [1, 60], "zoom was lost"
    assert page.evaluate(hidden) >= count, "hidden lines came back"

    page.get_by_role("button", name="Pause").click()
    state(page, "paused").wait_for()
    page.reload()
    state(page, "paused").wait_for()
    rested = wait_for_points(page, second - 1)

    page.get_by_role("button", name="Resume").click()
    assert wait_for_points(page, rested + 5) > rested
    page.get_by_role("button", name="Stop").click()
    state(page, "stopped").wait_for()


def test_what_was_trained_is_listed_renamed_taken_along_and_deleted(page, tmp_path):
    page.goto("/")
    page.get_by_role("button", name="Start the one-minute demo").click()
    page.wait_for_url("**/train?experiment=*")
    experiment = page.url.partition("experiment=")[2]
    wait_for_points(page, 12)
    page.get_by_role("button", name="Stop").click()
    state(page, "stopped").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Metrics (CSV)").click()
    download.value.save_as(tmp_path / "metrics.csv")
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert {row["network"] for row in rows} == {
        f"{kind}{depth}" for kind in ("plain", "resnet") for depth in (20, 32, 56)
    }

    page.goto(f"/runs?experiment={experiment}")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Title").fill("My first experiment")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.goto(f"/train?experiment={experiment}")
    state(page, "stopped").filter(has_text="My first experiment").wait_for()

    page.goto(f"/runs?experiment={experiment}")
    page.locator(f"{CHART} .main-svg").first.wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_text("cannot be undone").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.goto("/")
    page.get_by_text("Latest experiments").wait_for()
    assert page.get_by_text("My first experiment").count() == 0


@pytest.mark.parametrize("path", ["/", "/train", "/runs", "/data"])
def test_every_page_opens_by_its_address(page, path):
    page.goto(path)
    page.locator("h1").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
