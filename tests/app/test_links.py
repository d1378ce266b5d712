"""Links by anybody: a value that a page's own fields would not take changes nothing, and none ends in a stack trace."""

import pytest
from streamlit.runtime.state.query_params import QueryParams

from explorer.training.presets import PRESETS
from explorer.ui.errors import readable_errors
from explorer.ui.navigation import PAGES
from tests.app.reading import texts

NO_NUMBERS = ["９９", "inf", "-inf", "nan", "1e400", "1_0", " 9", "0x10", "9" * 400, "-1", "1" + "0" * 12, "15.7"]
UNTRAINED = {"study": "At initialisation", "xray-networks": "resnet8"}
PLAN = PRESETS["one_minute"].plan


def number(app, key):
    (found,) = (each.value for each in app.number_input if each.key == key)
    return found


@pytest.mark.parametrize("text", NO_NUMBERS, ids=ascii)
@pytest.mark.parametrize(
    ("key", "usual"),
    [
        ("steps", PLAN.recipe.steps),
        ("digits_images", None),
        ("seeds", len(PLAN.seeds)),
        ("evaluate_every", PLAN.recipe.evaluate_every),
    ],
)
def test_a_whole_number_is_read_by_the_grammar_within_its_bounds(open_page, key, usual, text):
    assert number(open_page("train", **{f"one_minute_{key}": text}), f"one_minute_{key}") == usual


@pytest.mark.parametrize("text", ["inf", "９", "1000"], ids=ascii)
def test_a_seed_of_a_study_too(open_page, text):
    assert number(open_page("responses", **UNTRAINED, **{"xray-seed": text}), "xray-seed") == 0


@pytest.mark.parametrize("text", [each for each in NO_NUMBERS if each != "15.7"], ids=ascii)
def test_so_is_a_number_with_a_fraction(open_page, text):
    assert number(open_page("train", one_minute_momentum=text), "one_minute_momentum") == 0.9


@pytest.mark.parametrize(
    ("page", "others", "key", "text", "value"),
    [
        ("train", {}, "one_minute_steps", "77", 77),
        ("train", {}, "one_minute_steps", "077", 77),
        ("train", {}, "one_minute_learning_rate", "2.5e-1", 0.25),
        ("responses", UNTRAINED, "xray-seed", "7", 7),
    ],
)
def test_a_number_in_a_link_is_taken(open_page, page, others, key, text, value):
    assert number(open_page(page, **others, **{key: text}), key) == value


@pytest.mark.parametrize(
    "text", ["00000001099999999999", "1", "１０", "inf", "", "1000001", "1e3", "+-5", " 10"], ids=ascii
)
def test_the_build_page_takes_no_other_number_of_classes(open_page, text):
    assert number(open_page("build", network="resnet20", classes=text), "build_classes") == 10


@pytest.mark.parametrize("text", ["００64", "0", "-3", "1" * 18, "1025", "nan", "6_4"], ids=ascii)
def test_nor_of_pixels(open_page, text):
    assert number(open_page("build", network="resnet20", size=text), "build_size") == 32


@pytest.mark.parametrize("name", ["resnet２０", "resnet20\n", "resnet" + "9" * 500, "\x1b", "resnet20-c\0"], ids=ascii)
def test_the_build_page_says_which_name_is_none(open_page, name):
    app = open_page("build", network=name)
    assert app.query_params["network"] in ("resnet20", ["resnet20"])
    assert [len(each.value) < 700 for each in (*app.error, *app.warning)] == [True]


@pytest.mark.parametrize("key", ["one_minute_others", "experiment", "title", "anything"])
@pytest.mark.parametrize("text", ["x" * 5000, "a\0b"], ids=ascii)
def test_a_text_without_end_is_left_out_and_told(open_page, key, text):
    app = open_page("train", **{key: text})
    assert "is too long or not a text. It was ignored." in texts(app)
    assert text not in texts(app)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("build", {"build_view": "Memory and time", "build_batch": "１２８"}),
        ("build", {"build_view": "Memory and time", "build_batch": "inf"}),
        ("build", {"layer": "９"}),
        ("build", {"layer": "9" * 500, "closed": "-1"}),
        ("evaluate", {"images": "inf"}),
        ("evaluate", {"images": "１", "crops": "１０"}),
        ("evaluate", {"shown": "９", "cell": "９-1"}),
        ("evaluate", {"shown": "9" * 500, "cell": "-1--1"}),
        ("responses", {"step": "inf"}),
        ("responses", {"responses-images": "nan"}),
        ("attributions", {"image": "test:９"}),
        ("attributions", {"image": "test:" + "9" * 50}),
        ("attributions", {"image": "/etc/passwd", "target": "9" * 500}),
        ("attributions", {"integrated_gradients-steps": "inf", "methods": "x" * 500}),
        ("attributions", {"networks": "resnet" + "9" * 1000}),
        ("degradation", {"guess": "x~inf"}),
        ("degradation", {"guess": "x" * 3000 + "~９", "one_minute_steps": "inf"}),
        ("degradation", {"experiment": "x" * 1900}),
        ("checkpoints", {"checkpoint": "x" * 1900}),
        ("runs", {"experiment": "../../etc", "smoothing": "inf"}),
    ],
    ids=ascii,
)
def test_a_page_opens_with_any_link(open_page, page, query):
    app = open_page(page, **query)  # which fails where the page shows an exception
    assert all(len(each.value) < 1000 for each in (*app.error, *app.warning))


@pytest.mark.parametrize("text", ["inf", "１０", "9" * 100, "11"], ids=ascii)
def test_a_slider_falls_back(open_page, experiment, text):
    app = open_page("runs", experiment=experiment(), smoothing=text)
    assert [each.value for each in app.select_slider if each.key == "smoothing"] == [0]


def test_what_the_operating_system_says_is_a_box_on_the_page(monkeypatch):
    told = []
    monkeypatch.setattr("explorer.ui.errors.st.error", lambda text, **options: told.append(text))
    with readable_errors():
        raise OSError(36, "File name too long", "y" * 300)
    (text,) = told
    assert text.replace("\\", "").endswith("File name too long. Give a shorter name.")


@pytest.mark.parametrize("written", ["one_cycle", "one-cycle", "cosine"])
def test_an_older_link_names_a_schedule_as_it_is_stored(open_page, written):
    app = open_page("train", paper_schedule=written, preset=PRESETS["paper"].title)
    (field,) = [each for each in app.selectbox if each.key == "paper_schedule"]
    assert field.value == written.replace("_", "-")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_shows_the_same_again_writes_nothing_into_its_address(
    open_page, make_weights, experiment, monkeypatch, page
):
    """What it writes is the whole address as it was when the page began; a field may have changed it since."""
    make_weights("resnet14-w4", experiment="trained")
    app = open_page(page, experiment=experiment())
    sent = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: sent.append(dict(self._query_params)))
    app.run()
    assert not sent
