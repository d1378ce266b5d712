"""The Attributions page: its views, its grid, where pictures come from, checks, exports, what it says if one lacks."""

import base64
import io
import re
from time import sleep

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image

from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.compute.client import Call, compute
from explorer.compute.functions import attributions
from explorer.data.digits import read
from explorer.ui.attributions.method_choice import USUAL
from explorer.ui.attributions.scene import NOT_YET
from explorer.ui.attributions.views import VIEWS
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.picture_choice import IN_STRIP
from explorer.ui.widgets.waiting import awaited
from tests.app.reading import charts, commands, texts

TINY = "plain8,resnet8"


def grid(app):
    """The maps by the name of their place: row, column."""
    figures = [figure for figure in charts(app) if any(trace["uid"] == "cell-0-0" for trace in figure["data"])]
    return {trace["name"]: trace for figure in figures for trace in figure["data"] if _is_cell(trace)}


def _is_cell(trace):
    return re.fullmatch(r"cell-\d+-\d+", trace["uid"])


def strip(app):
    """What one reads on the pictures to choose from."""
    (figure,) = [figure for figure in charts(app) if figure["data"][0]["uid"] == "pictures"]
    return [text for row in figure["data"][0]["hovertext"] for text in row if text]


def address(app, name):
    value = app.query_params[name]
    return value[-1] if isinstance(value, list) else value


def named(app, label):
    (found,) = [each for each in app.button if each.label == label]
    return found


def choose(app, key, value):
    (found,) = [each for kind in (app.selectbox, app.multiselect, app.number_input, app.select_slider, app.toggle)
                for each in kind if each.key == key]  # fmt: skip
    found.set_value(value).run()
    assert not app.exception, app.exception[0].stack_trace


def look(app, key, value):
    """Choose in one of the rows of buttons."""
    app.button_group(key=key).set_value(value).run()
    assert not app.exception, app.exception[0].stack_trace


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch has been loaded before the first page waits for it."""
    compute.ask(attributions.attribution_map, "plain8", "test:0", Question(data="digits")).wait(120)


@pytest.fixture
def clicked(monkeypatch):
    """Beside maps and pictures a button for each, which does what a click on it does."""

    def chart(figure, *, key, alt, filename, on_click=None, **_):
        live_chart(figure, key=key, alt=alt, filename=filename)
        meanings = [] if on_click is None else _meanings(figure)
        for meaning in meanings:
            st.button("click", key=f"{key}-{meaning}", on_click=on_click, args=([meaning],))

    for module in ("attributions.maps", "widgets.picture_choice"):
        monkeypatch.setattr(f"explorer.ui.{module}.live_chart", chart)
        monkeypatch.setattr(f"explorer.ui.{module}.cached_drawing", lambda key, draw: draw())


def _meanings(figure):
    found = {int(point[0]) for trace in figure.data if trace.customdata is not None for row in trace.customdata
             for point in row if point is not None}  # fmt: skip
    return sorted(found)


@pytest.fixture
def saved(monkeypatch):
    """What the download buttons give, by file name."""
    found = {}
    button = st.download_button

    def noted(label, data, file_name, *arguments, **options):
        found[file_name] = data
        return button(label, data, file_name, *arguments, **options)

    monkeypatch.setattr(st, "download_button", noted)
    return found


def test_maps_appear_method_by_method(open_page, monkeypatch):
    def until_the_first(calls, doing, show_some, every):
        for call in calls[:every]:
            call.wait(60)
        calls[every:] = [Call("builtins:abs", (number,), {}) for number in range(len(calls) - every)]
        show_some(calls[:every])
        st.stop()

    monkeypatch.setattr("explorer.ui.attributions.scene.awaited", until_the_first)
    app = open_page("attributions", networks=TINY)
    there = {name for name, trace in grid(app).items() if str(NOT_YET) not in trace["hovertemplate"]}
    assert there == {f"{METHODS[USUAL[0]].title}, {network}, untrained" for network in ("plain8", "resnet8")}
    assert len(grid(app)) == 2 * len(USUAL)


def test_maps_of_before_stay_until_all_others_are_there(open_page, monkeypatch):
    shown = []

    def noted(calls, doing, show_some, every):
        shown.append(show_some is not None)
        return awaited(calls, doing, show_some, every)

    monkeypatch.setattr("explorer.ui.attributions.scene.awaited", noted)
    app = open_page("attributions", networks=TINY)
    look(app, "show", "map")
    assert shown == [True, False]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens(open_page, view):
    app = open_page("attributions", view=VIEWS[view].title, networks=TINY)
    assert VIEWS[view].question in texts(app)
    assert not app.error
    assert not app.warning


def test_there_is_a_map_for_each_of_the_usual_methods_and_each_network(open_page):
    app = open_page("attributions", networks=TINY)
    assert set(grid(app)) == {
        f"{METHODS[method].title}, {network}, untrained" for method in USUAL for network in ("plain8", "resnet8")
    }
    assert "python -m explorer attribute plain8 resnet8 --image test:0" in commands(app)
    assert all(METHODS[method].means in texts(app) for method in USUAL)


def test_rows_and_columns_are_in_the_address(open_page):
    app = open_page("attributions", networks=TINY, methods="Saliency", rows="network", columns="method")
    assert set(grid(app)) == {"plain8, untrained, Saliency", "resnet8, untrained, Saliency"}


def test_rows_that_are_the_columns_are_told(open_page):
    app = open_page("attributions", networks=TINY, rows="network", columns="network")
    assert "Rows and columns are the same" in app.info[0].value
    assert not grid(app)


def test_without_methods_it_is_said_what_to_choose(open_page):
    app = open_page("attributions", networks=TINY)
    choose(app, "methods", [])
    assert "Choose at least one method" in app.info[0].value
    assert not grid(app)


def test_a_parameter_changes_the_map_and_the_command_and_is_for_its_method_alone(open_page):
    app = open_page("attributions", networks="plain8", methods=["Integrated gradients", "Layer conductance"])
    before = grid(app)
    choose(app, "integrated_gradients-steps", 2)
    after = grid(app)
    assert (
        before["Integrated gradients, plain8, untrained"]["z"] != after["Integrated gradients, plain8, untrained"]["z"]
    )
    assert before["Layer conductance, plain8, untrained"]["z"] == after["Layer conductance, plain8, untrained"]["z"]
    assert "--set integrated_gradients.steps=2" in commands(app)


def test_the_layer_of_one_method_is_in_the_heading_and_the_command(open_page):
    app = open_page("attributions", networks="plain8", methods=["Grad-CAM", "Layer conductance"])
    choose(app, "grad_cam-layer", "stage1")
    assert set(grid(app)) == {"Grad-CAM, stage1, plain8, untrained", "Layer conductance, plain8, untrained"}
    assert "--set grad_cam.layer=stage1" in commands(app)


def test_a_layer_that_is_not_there_is_told_in_its_cell(open_page):
    address = {"networks": "plain8", "methods": ["Saliency", "Grad-CAM"], "grad_cam-layer": "stage9"}
    app = open_page("attributions", **address)
    failed = grid(app)["Grad-CAM, stage9, plain8, untrained"]
    assert "stage9" in failed["hovertemplate"]
    assert "orange" not in failed["hovertemplate"]
    assert len(grid(app)) == 2


def test_the_class_explained_can_be_any(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency")
    before = grid(app)["Saliency, plain8, untrained"]
    choose(app, "target", "7")
    after = grid(app)["Saliency, plain8, untrained"]
    assert "explained: 7 (" in after["hovertemplate"]
    assert after["z"] != before["z"]
    assert "--target 7" in commands(app)


def test_the_true_class_is_the_label(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency", target="the true one", image="test:5")
    label = read(None, "test").labels[5]
    assert f"explained: {label} (" in grid(app)["Saliency, plain8, untrained"]["hovertemplate"]


def test_classes_as_rows_are_at_first_the_three_likeliest(open_page):
    app = open_page("attributions", networks="plain8", method="Saliency", rows="class explained", columns="network")
    answer = compute.ask(attributions.attribution_map, "plain8", "test:0", Question("saliency", data="digits"))
    answer.wait(60)
    likely = answer.value.probabilities.argsort()[::-1][:3]
    assert set(grid(app)) == {f"{each}, plain8, untrained" for each in likely}


def test_moments_as_columns(open_page, make_weights):
    run = make_weights("plain8-w4")
    app = open_page("attributions", networks=run, rows="method", columns="moment of training", methods="Saliency")
    assert set(grid(app)) == {"Saliency, step 0", "Saliency, step 5", "Saliency, step 10"}
    assert not [each for each in app.select_slider if each.key == "step"]
    assert all(f"{run}@{step}" in commands(app) for step in (0, 5, 10))


def test_the_slider_shows_another_moment(open_page, make_weights):
    run = make_weights("plain8-w4")
    app = open_page("attributions", networks=run, methods="Saliency")
    (before,) = grid(app).items()
    choose(app, "step", 5)
    (after,) = grid(app).items()
    assert before[0] == "Saliency, plain8-w4, step 10"
    assert after[0] == "Saliency, plain8-w4, step 5"
    assert before[1]["z"] != after[1]["z"]
    assert f"{run}@5" in commands(app)


def test_an_untrained_network_beside_a_run_keeps_its_map(open_page, make_weights):
    run = make_weights("plain8-w4")
    app = open_page("attributions", networks=f"{run},plain8", methods="Saliency", step="0")
    assert set(grid(app)) == {"Saliency, plain8-w4, step 0", "Saliency, plain8, untrained"}


def test_networks_of_other_data_are_left_out_and_told(open_page, make_weights):
    digits, colour = make_weights("plain8-w4"), make_weights("resnet8-w4", channels=3, data="cifar10")
    app = open_page("attributions", networks=f"{digits},{colour}", methods="Saliency")
    assert "Left out, because they take other images than" in texts(app)
    assert set(grid(app)) == {"Saliency, plain8-w4, step 10"}


def test_data_that_are_not_here_are_told(open_page, make_weights):
    run = make_weights("resnet8-w4", channels=3, data="cifar10")
    app = open_page("attributions", networks=run, methods="Saliency")
    assert "CIFAR-10 is not on this machine, and can be downloaded on the Data page: photographs" in texts(app)
    assert set(grid(app)) == {"Saliency, resnet8-w4, step 10"}  # of a photograph


def test_one_own_picture_for_a_network_whose_images_are_not_known(open_page, imported):
    app = open_page("attributions", networks=imported, methods="Saliency")
    assert "Which images the network was trained on is not known: photographs and uploads" in texts(app)
    assert set(grid(app)) == {"Saliency, resnet8-w4-sigmoid"}
    assert app.segmented_control(key="pictures").options == ["Photographs", "Upload"]
    assert app.selectbox(key="target").options[2:] == ["no", "yes"]


def test_no_networks_says_what_to_do(open_page):
    app = open_page("attributions", networks="")
    assert "Choose a network: " in app.info[0].value
    assert not charts(app)


def test_a_method_that_cannot_run_is_told_and_the_others_are_shown(open_page, make_weights):
    digits = make_weights("plain8-w4", channels=3)  # which are not the channels of the digits
    app = open_page("attributions", networks=f"plain8,{digits}", methods="Saliency")
    there = grid(app)
    assert "channel" in there["Saliency, plain8-w4, step 10"]["hovertemplate"]
    assert "explained" in there["Saliency, plain8, untrained"]["hovertemplate"]


def test_the_strip_shows_some_pictures_of_a_class_and_goes_on(open_page):
    labels = read(None, "test").labels
    sevens = np.flatnonzero(labels == 7)
    app = open_page("attributions", networks="plain8", methods="Saliency", **{"class": "7"})
    assert [int(re.search(r"image (\d+)", each)[1]) for each in strip(app)] == sevens[:IN_STRIP].tolist()
    app.button(key="turn :material/chevron_right:").click().run()
    assert [int(re.search(r"image (\d+)", each)[1]) for each in strip(app)] == sevens[IN_STRIP : 2 * IN_STRIP].tolist()
    choose(app, "class", "3")
    assert re.search(r"image (\d+)", strip(app)[0])[1] == str(np.flatnonzero(labels == 3)[0])


def test_the_strip_opens_at_the_picture_of_the_address(open_page):
    assert "Test image 123 " in " ".join(strip(open_page("attributions", networks="plain8", image="test:123")))


def test_a_click_on_a_picture_explains_it(open_page, clicked):
    app = open_page("attributions", networks="plain8", methods="Saliency")
    app.button(key="pictures_strip-4").click().run()
    assert address(app, "image") == "test:4"
    assert "--image test:4" in commands(app)


def test_wrongly_classified_are_those_that_a_network_has_wrong(open_page):
    app = open_page("attributions", networks=TINY, methods="Saliency", pictures="Wrongly classified")
    for each in strip(app):
        title, *said = re.findall(r"(?:<b>|: )(\d)(?:</b>| \()", each)
        assert any(answer != title for answer in said), each
    assert "sorted by how many networks misclassify them, then by confidence" in texts(app)


def test_networks_disagree_about_what_they_answer_differently(open_page):
    app = open_page("attributions", networks=TINY, methods="Saliency", pictures="Networks disagree")
    for each in strip(app):
        assert len(set(re.findall(r": (\d) \(", each))) == 2, each


def test_one_network_disagrees_with_none(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency", pictures="Networks disagree")
    assert "No test image matches" in app.info[0].value
    assert grid(app), "the picture chosen before stays"


def test_photographs_are_explained_and_credited(open_page, clicked):
    app = open_page("attributions", networks="plain8", methods="Saliency", pictures="Photographs")
    assert ["CC BY 2.0" in each for each in strip(app)] == [True, True]
    app.button(key="pictures_strip-1").click().run()
    assert address(app, "image") == "flower.jpg"
    assert "right" not in grid(app)["Saliency, plain8, untrained"]["hovertemplate"]


def test_an_upload_is_explained_and_can_be_linked_to(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency", pictures="Upload")
    before = grid(app)["Saliency, plain8, untrained"]["z"]
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (255, 0, 0)).save(file, "PNG")
    app.file_uploader[0].upload("red.png", file.getvalue(), "image/png").run()
    assert not app.error
    assert address(app, "image").startswith("upload:")
    after = grid(app)["Saliency, plain8, untrained"]["z"]
    assert before != after
    assert len(strip(app)) == 1  # the picture itself
    linked = open_page("attributions", networks="plain8", methods="Saliency", image=address(app, "image"))
    assert grid(linked)["Saliency, plain8, untrained"]["z"] == after


def test_a_broken_upload_is_told_in_one_line_without_maps_of_the_picture_before(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency", pictures="Upload", image="test:7")
    app.file_uploader[0].upload("notes.png", b"no picture at all", "image/png").run()
    (error,) = app.error
    assert "is not a PNG, JPEG or WebP picture" in error.value
    assert "\n" not in error.value
    assert not grid(app)
    look(app, "pictures", "all")
    assert "--image test:7" in commands(app)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("china", "Did you mean 'china.jpg'?"),
        ("/etc/hostname", "No picture is called"),
        (f"upload:{'0' * 64}", "Upload it again"),
    ],
)
def test_a_picture_that_is_not_there_is_told_and_another_can_be_chosen(open_page, clicked, reference, said):
    app = open_page("attributions", networks="plain8", methods="Saliency", image=reference)
    (error,) = app.error
    assert said in error.value.replace("\\", "")
    assert not grid(app)
    app.button(key="pictures_strip-0").click().run()
    assert not app.error
    assert grid(app)


def test_a_link_opens_what_was_seen(open_page, make_weights):
    run = make_weights("plain8-w4")
    app = open_page("attributions", networks=f"{run},plain8")
    choose(app, "methods", ["grad_cam", "smooth_grad"])
    choose(app, "smooth_grad-samples", 3)
    choose(app, "grad_cam-layer", "stage2")
    choose(app, "target", "4")
    choose(app, "rows", "network")
    choose(app, "columns", "method")
    choose(app, "step", 5)
    look(app, "show", "contour")
    link = {
        "networks": f"{run},plain8",
        "methods": ["Grad-CAM", "SmoothGrad"],
        "smooth_grad-samples": "3",
        "grad_cam-layer": "stage2",
        "target": "4",
        "rows": "network",
        "columns": "method",
        "step": "5",
        "show": "Contour",
    }
    linked = open_page("attributions", **link)
    assert grid(linked) == grid(app)
    assert len(grid(app)) == 4
    assert commands(linked) == commands(app)


@pytest.mark.parametrize("view", ["lens", "trust"])
def test_a_link_opens_the_network_that_was_seen(open_page, view):
    app = open_page("attributions", view=VIEWS[view].title, networks=TINY)
    box = app.selectbox(key="network")
    other = next(each for each in box.options if not each.startswith(box.value))
    linked = open_page("attributions", view=VIEWS[view].title, networks=TINY, network=other)
    assert other.startswith(linked.selectbox(key="network").value)


def test_what_was_cancelled_is_offered_again(open_page):
    busy = compute.ask(sleep, 1)
    wanted = compute.ask(attributions.attribution_map, "resnet8-w2", "test:0", Question("saliency", data="digits"))
    compute.cancel(wanted)
    busy.wait(60)
    app = open_page("attributions", networks="plain8,resnet8-w2", methods="Saliency")
    there = grid(app)
    assert "cancelled" in there["Saliency, resnet8-w2, untrained"]["hovertemplate"]
    assert "explained" in there["Saliency, plain8, untrained"]["hovertemplate"]
    named(app, "Compute").click().run()
    assert "explained" in grid(app)["Saliency, resnet8-w2, untrained"]["hovertemplate"]
    assert not [each for each in app.button if each.label == "Compute"]


def test_two_long_waits_on_one_page_do_not_clash(open_page, monkeypatch):
    monkeypatch.setattr("explorer.ui.widgets.waiting.LONG_SECONDS", -1)
    monkeypatch.setattr("explorer.ui.widgets.waiting.POLL_SECONDS", 0.01)
    app = open_page("attributions", networks="plain8-w3", rows="class explained", columns="network", method="LRP")
    assert len(grid(app)) == 3


def test_a_test_image_of_a_larger_data_set_gives_way_to_the_first(open_page):
    app = open_page("attributions", networks="plain8", methods="Saliency", image="test:9000")
    assert "Test image 0 of Handwritten digits" in texts(app)
    assert not app.error


def test_a_check_begins_when_asked_for(open_page):
    app = open_page("attributions", view="Can it be trusted?", networks="plain8-w4", method="Saliency")
    assert len(charts(app)) == 1
    assert "seconds for one-pass methods" in app.info[0].value
    named(app, "Check this map").click().run(timeout=120)
    assert not app.exception
    assert len(charts(app)) == 4, "pictures, the map, randomisation, deletion and insertion"
    assert re.search(r"-badge\[.*(the weights|cannot tell)", texts(app))
    assert re.search(r"-badge\[.*better than chance", texts(app))
    assert "10 copies of" in texts(app)
    assert {"Unexplained part", "Sensitivity", "Delta", "Deletion, insertion"} <= {each.label for each in app.metric}
    assert "python -m explorer attribute-check plain8-w4 --image test:0 --method saliency" in commands(app)
    choose(app, "method", "grad_cam")
    assert len(charts(app)) == 1, "another map is another check"


def test_a_click_on_a_map_shows_its_numbers(open_page, clicked):
    app = open_page("attributions", networks=TINY, methods="Integrated gradients")
    assert len(app.dataframe) == 1  # the scores
    app.button(key="maps-1").click().run()
    assert "**resnet8**, Integrated gradients" in texts(app)
    assert "delta" in texts(app)
    probabilities = app.dataframe[0].value["probability"]
    assert probabilities.is_monotonic_decreasing
    assert len(probabilities) == 5


def test_the_numbers_are_those_of_the_clicked_class_and_moment(open_page, clicked, make_weights):
    run = make_weights("plain8-w4")
    app = open_page(
        "attributions", networks=run, method="Saliency", rows="class explained", columns="moment of training"
    )
    order = list(grid(app))
    app.button(key="maps-4").click().run()
    target = order[4].partition(",")[0]
    assert f"Score of **{target}**" in texts(app)


def test_a_clicked_map_is_the_one_that_is_checked(open_page, clicked, make_weights):
    run = make_weights("plain8-w4")
    app = open_page("attributions", networks=f"plain8,{run}", methods=["Saliency", "Grad-CAM"], step="5")
    choose(app, "grad_cam-layer", "stage1")
    maps = list(grid(app))
    app.button(key=f"maps-{maps.index('Grad-CAM, stage1, plain8-w4, step 5')}").click().run()
    named(app, "Can it be trusted?").click().run()
    assert not app.exception
    assert app.button_group(key="view").value == "trust"
    assert app.selectbox(key="network").value == run
    assert app.selectbox(key="method").value == "grad_cam"
    named(app, "Check this map").click().run(timeout=120)
    assert not app.exception
    command = commands(app)
    assert f"attribute-check {run}@5 " in command
    assert "stage1" in command


def test_the_lens_has_a_map_for_every_block(open_page):
    app = open_page("attributions", view="Layer lens", networks="plain8,resnet14")
    assert app.selectbox(key="network").value == "resnet14"
    assert len(grid(app)) == 6
    assert commands(app).endswith("attribute resnet14 --layer all-blocks --image test:0 --method grad_cam")
    choose(app, "lens", "layer_conductance")
    assert len(grid(app)) == 6


def test_the_difference_is_the_first_map_minus_the_second(open_page):
    app = open_page("attributions", view="Difference", networks=TINY, show="Map")
    app.toggle(key="difference-scaled").set_value(False).run()
    first, second, between = (_values(each) for each in grid(app).values())
    assert between == pytest.approx(first - second, abs=1e-6)


def test_one_network_has_no_difference(open_page):
    app = open_page("attributions", view="Difference", networks="plain8")
    assert "Choose two networks or more" in app.info[0].value


def _values(trace):
    z = trace["z"]
    if not isinstance(z, dict):
        return np.array(z, np.float32)
    return np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"])


def test_networks_and_methods_are_compared(open_page):
    app = open_page("attributions", view="Agreement", networks="plain8,plain14,resnet8")
    matrix = charts(app)[1]["data"][0]
    assert matrix["x"] == ["plain8", "plain14", "resnet8"]
    assert "attribute-agreement plain8 plain14 resnet8 --image test:0 --method grad_cam" in commands(app)
    look(app, "between", "methods")
    assert charts(app)[1]["data"][0]["x"] == [METHODS[each].title for each in USUAL]
    assert len(charts(app)) == 2


def test_agreement_is_averaged_over_test_images_on_request(open_page):
    app = open_page("attributions", view="Agreement", networks=TINY)
    assert "One picture says little" in texts(app)
    choose(app, "agreement-images", 10)
    assert "One picture says little" not in texts(app)
    assert "--images 10" in commands(app)
    assert "--image test" not in commands(app)


def test_maps_can_be_taken_along(open_page, saved):
    open_page("attributions", networks=TINY, methods=["Saliency", "Grad-CAM"], image="test:3")
    picture = Image.open(io.BytesIO(saved["attributions.png"]()))
    assert picture.format == "PNG"
    assert picture.width > 300
    assert "plotly" in saved["attributions.html"]()
    maps = np.load(io.BytesIO(saved["attributions.npz"]()))
    assert maps["resnet8__test-3__grad_cam__map"].shape == (8, 8)
    assert (maps["plain8__test-3__saliency__pixels"] == read(None, "test").pixels[3]).all()
    scores = pd.read_csv(io.StringIO(saved["attributions.csv"]()))
    assert scores[["reference", "method"]].to_numpy().tolist() == [
        ["plain8", "saliency"], ["plain8", "grad_cam"], ["resnet8", "saliency"], ["resnet8", "grad_cam"],
    ]  # fmt: skip


def test_networks_without_kept_moments_stand_once_beside_those_that_have_them(open_page, make_weights):
    run = make_weights()
    app = open_page("attributions", networks=f"{run},plain8", rows="moment of training", columns="network")
    assert not app.exception
    assert len(grid(app)) == 4, "three moments of the run, one of the untrained network"


def test_the_difference_of_a_network_from_itself_is_nothing(open_page):
    app = open_page("attributions", view="Difference", networks=TINY)
    choose(app, "difference-b", "plain8")
    maps = grid(app)
    assert len(maps) == 3
    (between,) = [trace for name, trace in maps.items() if "A minus B" in name]
    assert "explained" not in between["hovertemplate"]
