"""The Evaluate page: its views, clicks on fields and pictures, samples, what it says where something lacks."""

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.compute.client import compute
from explorer.data.own_folders import add_folder
from explorer.data.pixels import load_test
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts
from explorer.runs.checkpoints import save_checkpoint
from explorer.studies.evaluations import ensemble, evaluation
from explorer.ui.evaluate.views import VIEWS
from explorer.ui.widgets.live_chart import live_chart
from tests.app.reading import charts, commands, texts

TINY = "plain8,resnet8"


def address(app, name):
    value = app.query_params[name]
    return value[-1] if isinstance(value, list) else value


def figure(app, uid):
    (found,) = [each for each in charts(app) if any(trace["uid"] == uid for trace in each["data"])]
    return next(trace for trace in found["data"] if trace["uid"] == uid)


def pictures(app):
    """What one reads on the pictures."""
    return [text for row in figure(app, "pictures")["hovertext"] for text in row if text]


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch has been loaded before the first page waits for it."""
    compute.ask(evaluation, "plain8", data="digits", images=10).wait(120)


@pytest.fixture
def clicked(monkeypatch):
    """Beside each chart a button for each of its fields, which does what a click on it does."""

    def chart(figure, *, key, alt, filename, on_click=None, **_):
        live_chart(figure, key=key, alt=alt, filename=filename)
        meanings = [] if on_click is None else [each for row in figure.data[0].customdata for each in row if each]
        for meaning in meanings:
            st.button("click", key=f"{key}-{'-'.join(map(str, meaning))}", on_click=on_click, args=(list(meaning),))

    monkeypatch.setattr("explorer.ui.evaluate.pictures.live_chart", chart)
    monkeypatch.setattr("explorer.ui.evaluate.pictures.cached_drawing", lambda key, draw: draw())


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens(open_page, make_weights, view):
    make_weights()
    app = open_page("evaluate", evaluation=VIEWS[view].title, networks=TINY)
    assert VIEWS[view].question in texts(app)
    assert not app.error
    assert not app.warning


def test_each_network_has_its_numbers(open_page, make_weights):
    run = make_weights()
    app = open_page("evaluate", networks=run, images="200")
    found = evaluation(run, images=200)
    row = app.dataframe[0].value.iloc[0]
    assert row["Network"] == "resnet8-w4"
    assert row["Error"] == pytest.approx(100 * found.error)
    assert row["±"] == pytest.approx(100 * found.standard_error)
    assert row["ECE"] == pytest.approx(100 * found.ece)
    assert f"python -m explorer evaluate {run}@10 --part class_errors --images 200" == commands(app)


def test_it_is_said_when_the_images_are_a_sample(open_page):
    app = open_page("evaluate", networks="plain8", images="200")
    assert "Measured on 200 of 360 test images of Handwritten digits." in texts(app)
    app.selectbox(key="images").set_value(0).run()
    assert "Measured on all 360 test images" in texts(app)
    assert "--images" not in commands(app)


def test_ten_crops_of_digits_are_told_to_be_new_to_the_network(open_page):
    app = open_page("evaluate", networks="plain8", images="200", crops="10 crops")
    assert "ten crops show what was never seen" in texts(app)
    assert "--crops 10" in commands(app)
    assert app.dataframe[0].value["Error"][0] == pytest.approx(100 * evaluation("plain8", images=200, crops=10).error)


def test_errors_of_classes_have_a_dot_for_each_network(open_page):
    app = open_page("evaluate", networks=TINY)
    found = evaluation("plain8", images=1000)
    dots = figure(app, "plain8-0-dots")
    assert dict(zip(dots["y"], (each[2] for each in dots["customdata"]), strict=True)) == dict(
        zip(found.class_errors["class"], found.class_errors["images"], strict=True)
    )


def test_a_click_on_a_field_shows_its_images_and_stays_in_the_address(open_page, clicked):
    app = open_page("evaluate", evaluation="Confusions", networks="plain8")
    answers = evaluation("plain8", images=1000).predictions
    pairs = answers[answers["label"] != answers["prediction"]].groupby(["label", "prediction"]).size()
    label, prediction = pairs.idxmin()
    app.button(key=f"confusion-{label}-{prediction}").click().run()
    assert address(app, "cell") == f"{label}-{prediction}"
    assert len(pictures(app)) == pairs.min()
    assert f"{label}, predicted as {prediction}: {pairs.min()} images." in texts(app)
    again = open_page("evaluate", evaluation="Confusions", networks="plain8", cell=f"{label}-{prediction}")
    assert pictures(again) == pictures(app)


def test_the_most_frequent_mistake_is_shown_first(open_page):
    app = open_page("evaluate", evaluation="Confusions", networks="plain8")
    answers = evaluation("plain8", images=1000).predictions
    most = answers[answers["label"] != answers["prediction"]].groupby(["label", "prediction"]).size().max()
    assert f": {most} images.**" in texts(app) or f"of {most} images.**" in texts(app)


def test_a_cell_of_nonsense_or_without_images_is_no_trouble(open_page):
    for cell in ("x", "1", "99-3", "-1-2"):
        app = open_page("evaluate", evaluation="Confusions", networks="plain8", cell=cell)
        assert not app.error


def test_a_click_on_a_mistake_says_what_all_networks_say_and_leads_on(open_page, clicked):
    app = open_page("evaluate", evaluation="Most confident mistakes", networks=TINY)
    mistakes = evaluation("plain8", images=1000).mistakes
    app.button(key="evaluated-pictures-0").click().run()
    number = mistakes["index"][0]
    assert address(app, "shown") == str(number)
    said = next(each.value for each in app.markdown if each.value.startswith(f"Test image {number}: "))
    assert f"**plain8** ✗ {mistakes['prediction'][0]}" in said
    assert "**resnet8**" in said
    (link,) = app.get("page_link")
    assert f"image=test%3A{number}" in link.proto.query_string
    assert f"is {load_test('digits').labels[number]}" in pictures(app)[0]


def test_the_surest_mistake_comes_first(open_page):
    app = open_page("evaluate", evaluation="Most confident mistakes", networks="plain8")
    mistakes = evaluation("plain8", images=1000).mistakes
    assert f"Test image {mistakes['index'][0]} " in pictures(app)[0]


def test_calibration_says_how_sure_and_how_often_right(open_page):
    app = open_page("evaluate", evaluation="Calibration", networks="plain8")
    found = evaluation("plain8", images=1000)
    confidence = found.predictions["probability"].mean()
    assert f"a mean confidence of {100 * confidence:.2f} % and an accuracy of {100 * (1 - found.error):.2f} %" in texts(
        app
    )


def test_the_arrow_of_a_better_ensemble_points_down():
    def script():
        from types import SimpleNamespace as Made

        import pandas as pd

        from explorer.ui.evaluate.ensembles import _numbers

        tables = {"members": {"error": [0.2, 0.3]}, "pairs": {"same": [0.5]}, "shared": {"fraction": [0.9, 0.1]}}
        joint = Made(error=0.1, standard_error=0.01)
        _numbers(Made(joint=joint, **{name: pd.DataFrame(table) for name, table in tables.items()}))

    shown = AppTest.from_function(script).run().metric[0].proto
    assert shown.direction == shown.MetricDirection.DOWN


def test_networks_together(open_page, make_weights):
    run = make_weights()
    app = open_page("evaluate", evaluation="Ensemble", networks=f"{run},plain8,resnet8")
    expected = ensemble([f"{run}@10", "plain8", "resnet8"], data="digits")
    metrics = {each.label: each.value for each in app.metric}
    assert metrics["Ensemble error"] == f"{100 * expected.joint.error:.2f} %"
    assert metrics["All members wrong"] == f"{100 * expected.shared['fraction'].iloc[-1]:.2f} %"
    matrix = figure(app, "members-same")
    assert matrix["x"] == ["resnet8-w4", "plain8", "resnet8"]
    assert commands(app).endswith("--part pairs --images 1000")


def test_one_network_alone_is_told_to_need_another(open_page):
    app = open_page("evaluate", evaluation="Ensemble", networks="plain8")
    assert "two networks or more" in app.info[0].value


def test_all_checkpoints_are_listed_with_a_way_to_evaluate_them(open_page, make_weights):
    run = make_weights()
    app = open_page("evaluate", evaluation="All checkpoints")
    assert app.dataframe[0].value["reference"].tolist() == [run]
    (button,) = [each for each in app.button if each.label == "Evaluate these"]
    assert button.disabled


def test_without_checkpoints_it_is_said_where_to_make_some(open_page):
    assert "Train page" in open_page("evaluate", evaluation="All checkpoints").info[0].value


def test_an_empty_choice_says_what_to_do(open_page):
    app = open_page("evaluate", networks="")
    assert "Choose a network: " in app.info[0].value
    assert not charts(app)


def test_data_that_are_not_here_are_told(open_page):
    app = open_page("evaluate", networks="plain8", data="CIFAR-10")
    assert "CIFAR" in app.info[0].value
    assert not app.error
    assert not charts(app)


def test_a_network_that_cannot_be_evaluated_is_told_and_the_others_shown(open_page, make_weights):
    colour, grey = make_weights("plain8-w4", channels=3), make_weights("resnet8-w4")
    app = open_page("evaluate", networks=f"{colour},{grey}")
    (error,) = app.error
    assert "channel" in error.value
    assert app.dataframe[0].value["Network"].tolist() == ["resnet8-w4"]


def test_the_error_of_an_imported_checkpoint_is_recorded_by_a_click(open_page, home):
    network = build("resnet8-w4", channels=1)
    (home / "checkpoints").mkdir(parents=True)
    path = home / "checkpoints" / "theirs.safetensors"
    save_checkpoint(network, path, CheckpointFacts(network=network.config, data="digits"))
    sample = open_page("evaluate", networks="theirs", images="200")
    assert not [each for each in sample.button if each.key == "record_test_error"]
    app = open_page("evaluate", networks="theirs", images="0")
    assert checkpoint_facts("theirs").test_error is None
    app.button(key="record_test_error").click().run()
    assert checkpoint_facts("theirs").test_error == evaluation("theirs").error
    assert not [each for each in app.button if each.key == "record_test_error"]


def test_rows_appear_network_by_network(open_page, monkeypatch):
    def until_the_first(calls, doing, show_some):
        calls[0].wait(60)
        show_some(calls[:1])
        st.stop()

    monkeypatch.setattr("explorer.ui.evaluate.choice.awaited", until_the_first)
    app = open_page("evaluate", networks=TINY, images="200")
    assert list(app.dataframe[0].value["Network"]) == ["plain8"]


def test_a_network_whose_images_are_not_known_says_what_is_needed_and_where(open_page, imported):
    app = open_page("evaluate", networks=imported)
    assert "a folder with a subfolder for each class" in app.info[0].value
    assert app.get("page_link")[0].proto.label == "To the Data page"


def test_a_folder_of_its_classes_is_what_it_needs(open_page, imported, tmp_path):
    numbers = np.random.default_rng(0)
    for number in range(6):
        path = tmp_path / "answers" / ("yes" if number % 2 else "no") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    add_folder(str(tmp_path / "answers"))
    app = open_page("evaluate", networks=imported, data="The folder answers")
    assert "all 6 test images of The folder answers" in texts(app)
