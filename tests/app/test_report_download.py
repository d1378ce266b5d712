"""The report's button: on the pages of an experiment, made on request, with what was measured for it."""

import pytest

from explorer.ui.widgets import report_download

ID = "20260101-000000-aaaaaa"
SAVE = "Save the report (HTML)"


@pytest.fixture
def saved(monkeypatch):
    """What the button that saves would give, by its label."""
    found = {}
    monkeypatch.setattr(
        report_download, "download", lambda label, content, file, icon, *, note: found.update({label: (content, file)})
    )
    return found


def make_button(app):
    return next(each for each in app.button if each.label == "Report (HTML)")


@pytest.mark.parametrize("page", ["train", "degradation", "runs"])
def test_the_report_is_made_on_request(open_page, experiment, saved, page):
    app = open_page(page, experiment=experiment(title="A <b>title"))
    assert not saved
    make_button(app).click().run()
    assert not app.exception
    content, file = saved[SAVE]
    assert file == f"{ID}-report.html"
    assert "<h1>A &lt;b&gt;title</h1>" in content()
    assert "No weights of these runs are on this machine" in content()


def test_responses_are_measured_beside_the_server(open_page, make_weights, saved):
    make_weights("resnet8-w4")
    app = open_page("train", experiment="e1")
    make_button(app).click().run(timeout=120)
    content, _ = saved[SAVE]
    assert 'data-figure="responses"' in content()


def test_several_experiments_are_compared_in_one_report(open_page, experiment, saved):
    other = "20260102-000000-bbbbbb"
    experiment(), experiment(other, networks=("plain32",), title="Second")
    app = open_page("runs", experiment=[ID, other])
    make_button(app).click().run()
    content, file = saved[SAVE]
    assert file == "experiments-report.html"
    assert "<h1>First, Second</h1>" in content()
