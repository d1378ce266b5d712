"""The Blocks page: its picture, operations from the address, by name and typed, what is refused, empty states."""

from pathlib import Path

import pytest

from explorer.runs import store
from tests.app.reading import charts, shown, texts

TWINS = "shipped-digits-plain8,shipped-digits-resnet8"


@pytest.fixture(autouse=True)
def with_shipped_networks(shipped, monkeypatch):
    """Those that come with the program, unlike in other tests."""
    monkeypatch.setattr(store, "SHIPPED", Path(__file__).parents[2] / "checkpoints")


def headings(app):
    """Above the panels of the picture."""
    (figure,) = [each for each in charts(app) if any(trace["uid"].endswith("-blocks") for trace in each["data"])]
    return [each["text"] for each in figure["layout"]["annotations"] if each.get("name") == "heading"]


def settled(app):
    """The page once the finest result is there."""
    for _ in range(10):
        if "On 360 test images the error changes" in texts(app):
            return app
        app.run()
    pytest.fail(shown(app))


def test_it_opens_on_a_deep_plain_network_and_its_residual_twin_with_bars_that_come_with_the_program(open_page):
    app = open_page("blocks")
    assert [each.partition(":")[0] for each in headings(app)] == ["<b>plain56", "<b>resnet56"]
    assert "Without one block the error rises, in the median, by" in texts(app)
    (figure,) = charts(app)
    bars = [trace for trace in figure["data"] if trace["uid"].endswith("-bars")]
    assert [len(trace["customdata"]) for trace in bars] == [25, 27]  # two blocks of the plain one cannot be deleted


def test_a_link_opens_operated_networks_and_what_is_refused_is_said(open_page):
    app = settled(open_page("blocks", twins=TWINS, operations="shortcut:1.1@0.5"))
    assert "plain8: 1.7 % error intact" in headings(app)[0]
    assert "→" in headings(app)[1]
    assert "shortcut:1.1@0.5` cannot be done in plain8: a plain network has no shortcuts" in shown(app)
    assert "python -m explorer operate shortcut:1.1@0.5 shipped-digits-resnet8@400" in texts(app)


def test_by_name_typed_and_reset(open_page):
    app = open_page("blocks", twins=TWINS)
    app.selectbox(key="block-menu").set_value((1, 1))
    app.button(key="block-apply").click().run()
    assert app.query_params["operations"] == "delete:1.1"
    assert "→" in headings(settled(app))[0]
    app.text_input(key="operations_typed").set_value("repeat:1.1").run()
    assert app.query_params["operations"] == "repeat:1.1"
    app.text_input(key="operations_typed").set_value("repeat").run()
    assert "'repeat' is not an operation. Write it as repeat:3.1" in shown(app)
    assert app.query_params["operations"] == "repeat:1.1"
    app.button(key="operations-Reset").click().run()
    assert "operations" not in app.query_params


def test_networks_without_bars_are_measured_and_no_network_is_an_empty_state(open_page):
    app = open_page("blocks", twins="resnet8")
    for _ in range(5):
        app.run()
    (figure,) = charts(app)
    (bars,) = [trace for trace in figure["data"] if trace["uid"].endswith("-bars")]
    assert len(bars["customdata"]) == 3
    app.multiselect(key="twins_chosen").set_value([]).run()
    assert "Choose a network" in texts(app)


@pytest.mark.parametrize(
    ("operation", "finding"),
    [
        ("Delete 1, 2, ... at random", "deleted at random, the error is"),
        ("Shuffle", "of the pairs reversed"),
        ("Weaken all shortcuts", "the error more than doubles"),
        ("Set each block back", "one can set back"),
    ],
)
def test_a_study_shows_a_finding_and_its_command(open_page, operation, finding):
    twins = "shipped-digits-plain20,shipped-digits-resnet20"
    app = open_page("blocks", study="Many operations", operation=operation, twins=twins)
    assert finding in texts(app)
    assert "python -m explorer " in texts(app)
    assert len(charts(app)) == 1
