"""What a person does that lasts: training, with pause, reload, resume and stop; a race with a guess; deleting."""

import csv
import re

import pytest

from explorer.ui.navigation import PAGES

pytestmark = pytest.mark.browser

CHART = ".explorer-chart"
FINDING = ".st-key-finding"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
POINTS = f"document.querySelector('{CHART}')?._fullData?.reduce((sum, trace) => sum + (trace._length ?? 0), 0) ?? 0"


@pytest.fixture
def server(busy_server):
    return busy_server


def state(page, name):
    return page.locator("h3", has_text=re.compile(f"\\b{name}\\b"))


def press(page, name):
    """A button of the page itself; Streamlit has a Stop of its own in the header while a page is drawn."""
    page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name, exact=True).click()


def wait_for_points(page, least):
    page.wait_for_function(f"() => ({POINTS}) > {least}", timeout=90_000)
    return page.evaluate(POINTS)


def zoom_by_mouse(page):
    """Drag across the left half of the first panel."""
    whole = page.evaluate("kept.layout.xaxis.range[1]")
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_function(f"kept.layout.xaxis.range[1] < {0.8 * whole}")


@pytest.mark.timeout(400)
def test_training_runs_pauses_survives_a_reload_resumes_and_stops(page):
    page.goto("/train?network=plain8-w4&network=resnet8-w4&one_minute_steps=3000")
    press(page, "Start")
    page.wait_for_url("**/train?experiment=*")
    state(page, "starting").or_(state(page, "running")).wait_for()

    first = wait_for_points(page, 20)
    page.evaluate(f"window.kept = document.querySelector('{CHART}')")
    zoom_by_mouse(page)
    zoomed = page.evaluate("kept.layout.xaxis.range")
    page.locator(f"{CHART} .legendtoggle").first.click(timeout=10_000, force=True)
    page.wait_for_function("kept.data.some(trace => trace.visible === 'legendonly')")
    hidden = "kept.data.filter(trace => trace.visible === 'legendonly').length"
    count = page.evaluate(hidden)

    second = wait_for_points(page, first + 10)
    assert second > first
    assert page.evaluate(f"kept === document.querySelector('{CHART}')"), "the chart was mounted anew"
    assert page.evaluate("kept.layout.xaxis.range") == zoomed, "zoom was lost"
    assert page.evaluate(hidden) >= count, "hidden lines came back"

    press(page, "Pause")
    state(page, "paused").wait_for()
    page.reload()
    state(page, "paused").wait_for()
    rested = wait_for_points(page, second - 1)

    press(page, "Resume")
    assert wait_for_points(page, rested + 5) > rested
    press(page, "Stop")
    state(page, "stopped").wait_for()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_experiment_is_renamed_taken_along_and_deleted(page, busy_home, make_run, monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_HOME", str(busy_home))
    experiment, networks = "20260101-000000-aaaaaa", {"plain20", "resnet20"}
    for network in networks:
        make_run(network, experiment=experiment)
    make_run(experiment="20260101-000000-bbbbbb", title="Another")
    page.goto(f"/train?experiment={experiment}")
    state(page, "finished").wait_for()
    page.locator(IDLE).wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Take it along").click()
        page.get_by_role("button", name="Table (CSV)").click()
    download.value.save_as(tmp_path / "metrics.csv")
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert {row["network"] for row in rows} == networks

    page.goto(f"/runs?experiment={experiment}")
    page.get_by_role("button", name="Title and note").click()
    page.get_by_role("dialog").get_by_label("Title", exact=True).fill("My first experiment")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.goto(f"/train?experiment={experiment}")
    state(page, "finished").filter(has_text="My first experiment").wait_for()

    page.goto(f"/runs?experiment={experiment}")
    page.locator(f"{CHART} .main-svg").first.wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_text("until then it can be undone").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").wait_for(state="detached")
    press(page, "Undo")
    page.get_by_text("Deleted My first experiment").wait_for(state="detached")
    page.goto(f"/runs?experiment={experiment}")
    page.locator(f"{CHART} .main-svg").first.wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted My first experiment").wait_for()
    page.get_by_role("link", name="Home").click()
    page.get_by_text("Latest experiments").wait_for()
    assert page.get_by_text("My first experiment").count() == 0


def test_all_pages_are_in_the_navigation_of_a_small_window(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/glossary")
    page.locator(IDLE).wait_for()
    page.get_by_test_id("stTopNavLink").nth(len(PAGES) - 1).wait_for()
    page.get_by_text(re.compile(r"^\d+ more$")).wait_for(state="hidden")  # there until the widths are measured


@pytest.mark.timeout(400)
def test_a_guess_a_race_and_its_verdict(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/degradation?lab_one_minute_steps=3&lab_one_minute_seeds=2")
    page.locator(f"{CHART} .main-svg").first.wait_for()
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
