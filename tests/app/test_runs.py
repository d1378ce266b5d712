"""The Runs page: a deletion can be undone until the page is left."""

from explorer.runs.experiments import list_experiments, set_aside
from tests.app.conftest import PAGES
from tests.app.reading import texts


def deleted(open_page, experiment):
    """The Runs page with an experiment that was deleted on it just now."""
    found = set_aside(experiment(title="My *first*"))
    app = open_page("runs")
    app.session_state["deleted"] = [found]
    return app.run(), found


def test_undo_brings_a_deleted_experiment_back(open_page, experiment):
    app, found = deleted(open_page, experiment)
    assert "Deleted My \\*first\\* (2 runs)." in texts(app)
    app.button(key=f"undo-{found.folder.name}").click().run()
    assert not app.exception
    assert "Deleted" not in texts(app)
    assert [each.title for each in list_experiments()] == ["My *first*"]


def test_leaving_the_page_removes_it_for_good(open_page, experiment):
    app, found = deleted(open_page, experiment)
    assert found.folder.exists()
    app.switch_page(str(PAGES / "data.py")).run()
    assert not found.folder.exists()
    assert list_experiments() == []
