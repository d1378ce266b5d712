"""A class's zips on the Runs page, and a student's plan file on the Train page."""

import pytest

from explorer.runs import trash
from explorer.runs.experiments import list_experiments, set_aside
from explorer.runs.transfer import export
from explorer.training import launch
from explorer.training.assignment import assignment
from tests.app.reading import texts

pytest.importorskip("yaml", reason="needs PyYAML: python -m pip install -r requirements.txt")


@pytest.fixture
def zips(home, make_run, tmp_path):
    """Three zips of an assignment with a name that would be markup: two fit, one has another recipe."""
    paths = []
    for number, network in enumerate(("plain8", "resnet8", "plain14"), start=1):
        recipe = {"learning_rate": 0.2} if number == 3 else {}
        name = f"20260105-09000{number}-aaaaaa"
        make_run(network, experiment=name, assignment="Our *depth*", recipe=recipe, title=f"[student](x) {number}")
        paths.append(export(name, tmp_path / f"student *{number}*.zip"))
        trash.discard(set_aside(name))
    return paths


def dropped(app, paths):
    app.file_uploader(key="import_0").set_value(
        [(path.name, path.read_bytes(), "application/zip") for path in paths]
    ).run()
    app.button(key="import_now").click().run()
    assert not app.exception
    assert not app.file_uploader(key="import_1").value, "the menu is empty again"
    return app


def test_zips_dropped_together_join_are_told_and_taken_back(open_page, zips):
    app = dropped(open_page("runs"), zips)
    assert "3 files\\: 2 runs joined as" in texts(app)
    assert "1 in experiments of their own" in texts(app)
    (told,) = (each.value for each in app.table if "Remark" in each.value)
    assert told["Remark"].tolist() == ["Not joined\\: learning\\_rate 0\\.2, in the others 0\\.1\\."]
    assert told["File"].tolist() == ["student \\*3\\*\\.zip"]
    assert sorted(found.title for found in list_experiments()) == ["Our *depth*", "[student](x) 3"]
    app.button(key="import_undo").click().run()
    assert list_experiments() == []
    assert "Deleted an import of 3 runs" in texts(app)


def test_zips_stay_apart_on_request_and_a_single_one_is_as_it_was(open_page, zips):
    app = open_page("runs")
    app.file_uploader(key="import_0").set_value(
        [(each.name, each.read_bytes(), "application/zip") for each in zips]
    ).run()
    app.toggle(key="import_join").set_value(False).run()
    app.button(key="import_now").click().run()
    assert len(list_experiments()) == 3
    app.button(key="import_undo").click().run()
    app = dropped(open_page("runs"), zips[:1])
    assert [found.id for found in list_experiments()] == ["20260105-090001-aaaaaa"]
    assert not [each for each in app.button if each.key == "import_undo"]


def test_a_plan_file_is_shown_and_started_as_it_is(open_page, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "_start_next", lambda: None)
    path = assignment(students=2, steps=5, name="Our *depth*").write(tmp_path / "class")[1]
    app = open_page("train")
    app.file_uploader(key="plan_file").set_value((path.name, path.read_bytes(), "application/yaml")).run()
    assert "Our \\*depth\\*\\: student 02**: resnet20, seed 0, 5 steps on" in texts(app)
    app.button(key="plan_file_start").click().run()
    (found,) = list_experiments()
    assert (found.title, found.networks, found.runs[0].facts.assignment) == (
        "Our *depth*: student 02",
        ("resnet20",),
        "Our *depth*",
    )
    assert found.id in app.query_params["experiment"]


def test_a_plan_file_that_is_none_says_what_is_wrong(open_page):
    app = open_page("train")
    app.file_uploader(key="plan_file").set_value(("bad.yaml", b"networks: [plain8", "application/yaml")).run()
    assert "bad\\.yaml, line 1" in app.error[0].value
    assert not [each for each in app.button if each.key == "plan_file_start"]


def test_a_student_finds_the_button_to_hand_in(open_page, make_run):
    make_run("plain8", assignment="Our depth", title="Our depth: student 01")
    app = open_page("train", experiment="e1")
    labels = [each.proto.label for each in app.get("download_button")]
    assert "Hand in (zip)" in labels
    assert "Experiment (zip)" not in labels
