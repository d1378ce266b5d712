"""Views of the Blocks page: what they draw, what they say of it, and what they say where they cannot."""

import shlex

import pytest
import streamlit as st

from explorer.cli.main import main
from explorer.ui.blocks.landscape import Options
from tests.app.reading import charts, commands, shown, texts

PAIR = {"twins": "plain8,resnet8"}
VIEWS = {
    "Probes": {"probe-images": "500"},
    "Similarity": {"cka-images": "500"},
    "Paths": {},
    "Loss landscape": {"landscape-points": "5", "landscape-images": "50"},
    "Refinement": {"refinement-images": "200"},
}


@pytest.fixture
def open_view(open_page):
    """One of the views, of two small untrained networks where nothing else is said."""
    return lambda study, **query: open_page("blocks", study=study, **PAIR | VIEWS[study] | query)


@pytest.fixture
def pictures_as_buttons(monkeypatch):
    """In place of the gallery of the probes a button for its first picture, which does what a click on it does."""

    def chart(figure, *, key, on_click, **_):
        st.button("first picture", key="first", on_click=on_click, args=([0],))

    monkeypatch.setattr("explorer.ui.blocks.probes.live_chart", chart)


def headings(figure):
    return [each["text"] for each in figure["layout"]["annotations"] if each.get("name") == "heading"]


@pytest.mark.parametrize(
    ("study", "finding", "command"),
    [
        ("Probes", "resnet8: the probes' error ", "probe {} --train-images 500 --test-images 250"),
        ("Similarity", "within resnet8", "cka {} --images 500 --parts outputs"),
        ("Paths", "plain8 has one path, through all 3 blocks.", "paths {} --samples 20"),
        ("Loss landscape", "resnet8: loss ", "landscape {} --images 50 --points 5"),
        ("Refinement", "resnet8: F(x) points downhill", "refine {} --images 200"),
    ],
)
def test_a_view_draws_both_networks_says_what_it_found_and_how_to_repeat_it(open_view, study, finding, command):
    app = open_view(study)
    drawn = str(charts(app)[0])
    assert "plain8" in drawn
    assert "resnet8" in drawn
    assert finding in shown(app)
    assert command.format("plain8 resnet8") in commands(app)
    assert "arXiv" in app.caption[0].value
    assert [each.label for each in app.get("download_button")][:2] == ["Table (CSV)", "Chart (HTML)"]
    assert not app.error


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("study", "query"),
    [
        *((study, {}) for study in VIEWS),
        ("Loss landscape", {"landscape-where": "Layer", "landscape-value": "0,0,1,1"}),
        ("Loss landscape", {"landscape-where": "Line", "landscape-seed": "2"}),
        ("Refinement", {"refinement-shown": "Repeated blocks", "refinement-blocks": "All of stage 1"}),
    ],
)
def test_the_shell_takes_the_command_that_is_shown(open_view, study, query, capsys):
    command = commands(open_view(study, **query))
    assert main([*shlex.split(command)[3:], "--json"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("study", VIEWS)
def test_the_finding_is_on_the_stage(open_view, study):
    app = open_view(study, present="1")
    assert len([each for each in app.get("html") if "st-key-stage" in each.proto.body]) == 1
    said = [each.value for each in app.markdown]
    (listed,) = [each for each in said if each.startswith("- ")]
    assert [each for each in said if each[:30] == listed[2:32]]


@pytest.mark.parametrize("study", VIEWS)
def test_without_networks_a_view_says_what_to_do(open_view, study):
    app = open_view(study, twins="")
    assert "Choose a network: " in app.info[0].value
    assert not charts(app)


@pytest.mark.parametrize("study", ["Paths", "Refinement"])
def test_a_network_without_such_blocks_is_refused_with_the_reason(open_view, study):
    (error,) = open_view(study, twins="densenet-10-4").error
    assert "keeps its input" in error.value


@pytest.mark.parametrize("study", ["Paths", "Refinement"])
def test_a_refused_network_is_named_with_the_reason_and_the_others_are_shown(open_view, study):
    app = open_view(study, twins="resnet8,densenet-10-4")
    (warning,) = app.warning
    assert "keeps its input" in warning.value
    assert not app.error
    assert "resnet8" in str(charts(app)[0])
    assert "densenet" not in commands(app)


def test_a_click_on_a_picture_leads_to_its_attributions(open_view, pictures_as_buttons):
    app = open_view("Probes", probed="Need depth")
    assert "Of " in shown(app)
    app.button(key="first").click().run()
    (link,) = app.get("page_link")
    assert link.proto.page == "attributions"
    number = app.query_params["probed-image"]
    assert f"networks=resnet8&image=test%3A{number}" in link.proto.query_string
    assert f"Test image {number}, " in texts(app)


def test_each_choice_of_probed_images_has_pictures_or_says_that_there_are_none(open_view):
    app = open_view("Probes")
    for show in ("Right early, wrong at the end", "Need depth", "Known early", "Never right"):
        app.segmented_control(key="probed").set_value(show).run()
        assert not app.exception
        assert len(charts(app)) + len(app.info) == 2, show


def test_moments_of_one_training_are_compared(open_view, make_weights):
    run = make_weights("resnet8-w4")
    app = open_view("Similarity", twins=run, **{"cka-compared": "Moments of training"})
    assert "<b>steps 0 and 10</b>" in headings(charts(app)[0])
    assert f"cka {run}@0 {run}@5 {run}@10 --images 500" in commands(app)
    assert "within resnet8-w4 at step 5" in shown(app)
    app.multiselect(key=f"cka-steps-{run}").set_value([]).run()
    assert app.info[0].value == "Choose a moment."


def test_untrained_networks_have_none_to_compare(open_view):
    app = open_view("Similarity", twins="resnet8", **{"cka-compared": "Moments of training"})
    assert "None of these networks has several moments" in app.info[0].value


def test_the_pitfall_of_cka_is_computed_on_demand(open_view):
    app = open_view("Similarity")
    assert "CKA goes from 1.00" not in shown(app)
    app.button(key="pitfall-button").click().run()
    while "Moving images" in texts(app):
        app.run()
    assert "CKA goes from 1.00 to 0." in shown(app)
    assert "no prediction changes" in shown(app)
    assert "cka-pitfall resnet8 --data digits --moved 2" in commands(app)


def test_of_a_very_long_table_the_first_rows_are_shown(open_view, monkeypatch):
    monkeypatch.setattr("explorer.ui.widgets.take_along.MOST_ROWS", 10)
    app = open_view("Similarity", twins="resnet8")
    assert len(app.dataframe[0].value) == 10
    assert "The first 10 of 16 rows. The download has all." in texts(app)


def test_three_depths_are_a_click_away_with_weights_where_there_are_some(open_view, make_weights, monkeypatch):
    monkeypatch.setattr("explorer.ui.blocks.paths.DEPTHS", (8, 14))
    run = make_weights("resnet8")
    app = open_view("Paths", twins=f"plain8,{run}")
    app.button(key="path-depths").click().run()
    assert app.query_params["twins"] == f"{run},resnet14"
    assert f"paths {run}@10 resnet14 " in commands(app)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"landscape-where": "Line", "landscape-line-points": "11"}, "--points 11 --span 1.0 --dimensions 1"),
        ({"landscape-where": "Layer", "landscape-line-points": "11", "landscape-layer": "stages.0.0.conv1",
          "landscape-value": "0,0,1,1"}, "--dimensions 1 --seed 0 --parameter 'stages.0.0.conv1.weight[0,0,1,1]'"),
        ({"landscape-drawn": "Surface", "landscape-seed": "3", "landscape-span": "0.5"},
         "--points 5 --span 0.5 --dimensions 2 --seed 3"),
    ],
)  # fmt: skip
def test_lines_layers_and_surfaces_are_drawn(open_view, query, said):
    app = open_view("Loss landscape", **query)
    assert said in commands(app)
    kinds = {trace["type"] for trace in charts(app)[0]["data"]}
    assert kinds == ({"surface", "scatter3d"} if "landscape-drawn" in query else {"scatter"})


def test_a_value_that_is_not_there_is_refused_with_the_reason(open_view):
    (error,) = open_view(
        "Loss landscape", **{"landscape-where": "Layer", "landscape-value": "99,0,0,0", "landscape-layer": "classifier"}
    ).error
    assert "99" in error.value


def test_a_training_is_drawn_over_its_plane_or_the_lack_of_moments_is_told(open_view, make_weights):
    run = make_weights("resnet8-w4")
    app = open_view("Loss landscape", twins=run, **{"landscape-where": "Training"})
    assert "% of the variance of the weights over 3 moments" in shown(app)
    assert f"landscape --trajectory {run} --images 50 --points 5" in commands(app)
    app = open_view("Loss landscape", **{"landscape-where": "Training"})
    assert "None of these networks has the weights of 3 moments" in app.info[0].value


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        (Options("plane", False, 11, 100, 1.0, 0), [(3, 50), (5, 100), (11, 100)]),
        (Options("line", False, 21, 20, 1.0, 0), [(5, 20), (11, 20), (21, 20)]),
    ],
)
def test_landscapes_begin_coarse(options, levels):
    assert options.levels == levels


def test_blocks_are_repeated_as_often_as_asked(open_view):
    query = {"refinement-shown": "Repeated blocks", "refinement-blocks": "All of stage 1", "refinement-times": "3"}
    app = open_view("Refinement", **query)
    assert "refine --iterated plain8 resnet8 --images 200 --stage 1 --most 3" in (commands(app))
    assert headings(charts(app)[0]) == ["<b>Stage 1</b>"]
    assert "resnet8: applied twice, a block takes the error from" in shown(app)
