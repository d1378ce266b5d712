"""Presenting: what is on the stage, and what the address says."""

import pytest

from tests.app.reading import charts

EXPERIMENT = "20260101-000000-aaaaaa"


@pytest.fixture
def open_race(open_page, make_run):
    """The page of a finished experiment, with values in its address."""
    ends = {"plain20": 0.1, "plain32": 0.4, "resnet20": 0.0, "resnet32": 0.0}
    for order, (network, end) in enumerate(ends.items()):
        for seed in range(2):
            make_run(network, experiment=EXPERIMENT, seed=seed, steps=40, end=end, evaluate_every=10, order=order)
    return lambda **query: open_page("degradation", experiment=EXPERIMENT, **query)


def stages(app):
    """The style sheets of stages on a page."""
    return [each for each in app.get("html") if "st-key-stage" in each.proto.body]


def headings(app):
    """Of the panels of the race."""
    return [each["text"] for each in charts(app)[0]["layout"]["annotations"] if each.get("name") == "heading"]


def test_without_a_presentation_nothing_is_on_a_stage(open_race):
    app = open_race(beat="race")
    assert not stages(app)
    assert headings(app) == ["<b>Training error</b>", "<b>Test error</b>"]


def test_one_figure_of_each_beat_is_on_the_stage(open_race):
    for beat in ("race", "test", "degradation", "shortcut", "unknown"):
        assert len(stages(open_race(present="1", beat=beat))) == 1, beat


def test_the_race_on_the_stage_has_one_panel(open_race):
    for beat, panel in (("race", "Training error"), ("test", "Test error")):
        assert headings(open_race(present="1", beat=beat)) == [f"<b>{panel}</b>"]
