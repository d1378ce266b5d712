"""The Responses page: its studies, its slider, what it says where something is missing; heat maps on other pages."""

import shutil

import pytest
import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs.metrics import MetricsWriter
from explorer.runs.store import run_folder
from tests.app.reading import charts, commands, texts

TINY = "plain8,resnet8"


def uids(figure):
    return [trace["uid"] for trace in figure["data"]]


def names(figure):
    """In the legend."""
    return {trace["name"] for trace in figure["data"] if trace.get("showlegend", True)}


def headings(figure):
    return " ".join(each["text"] for each in figure["layout"]["annotations"])


def sliders(app):
    return [each for each in app.select_slider if each.key == "step"]


@pytest.fixture
def clicked(monkeypatch):
    """Instead of the chart of a study a button for each point of its first line, which does what a click on it does."""

    def chart(figure, *, key, alt, filename, on_click=None, **_):
        for number, meaning in enumerate(figure.data[0].customdata if on_click else ()):
            st.button("click", key=f"point-{number}", on_click=on_click, args=(list(meaning),))

    monkeypatch.setattr("explorer.ui.responses.trained.live_chart", chart)


def test_untrained_networks_are_drawn_at_once(open_page):
    app = open_page("responses", networks=TINY)
    levels, drawing = charts(app)
    assert names(levels) == {"plain8", "resnet8"}
    assert {"cells-1", "cells-2", "cells-3"} <= set(uids(drawing))
    assert [each.label for each in app.get("download_button")] == ["Table (CSV)", "Chart (HTML)", "Notebook"]
    assert len(app.dataframe[0].value) == 16
    assert commands(app) == "python -m explorer responses plain8 resnet8 --images 100 --statistics batch"
    assert not app.error
    assert not app.warning


def test_without_kept_moments_there_is_no_slider(open_page):
    app = open_page("responses", networks="plain8")
    assert not sliders(app)
    assert not app.button


def test_untrained_networks_claim_nothing(open_page):
    assert "Mean response std over the layers" not in texts(open_page("responses", networks=TINY))


def test_the_menu_draws_another_of_the_networks(open_page):
    app = open_page("responses", networks=TINY)
    assert app.selectbox(key="drawn").value == "resnet8"
    assert "identity" in uids(charts(app)[1])
    app.selectbox(key="drawn").set_value("plain8").run()
    assert "identity" not in uids(charts(app)[1])


def test_the_slider_shows_each_kept_moment(open_page, make_weights):
    run = make_weights(scale=0.5)
    app = open_page("responses", networks=run)
    (slider,) = sliders(app)
    assert slider.options == ["0", "5", "10"]
    assert slider.value == 10
    seen = {}
    for step in (10, 0, 5):
        sliders(app)[0].set_value(step).run()
        assert not app.exception
        assert f"{run}@{step} " in commands(app)
        assert uids(charts(app)[0])[0].endswith(f"-{step}-{step}-line")
        seen[step] = app.dataframe[0].value["response_std"][:7].tolist()
    assert seen[0] == pytest.approx([1.0] * 7, abs=0.01)
    assert seen[5] == pytest.approx([0.75] * 7, abs=0.01)
    assert seen[10] == pytest.approx([0.5] * 7, abs=0.01)


@pytest.mark.parametrize(("asked", "shown"), [("5", 5), ("7", 10), ("x", 10)])
def test_the_address_says_the_moment_where_it_was_kept(open_page, make_weights, asked, shown):
    run = make_weights()
    app = open_page("responses", networks=run, step=asked)
    assert sliders(app)[0].value == shown
    assert f"{run}@{shown} " in commands(app)


@pytest.fixture
def moment_by_moment(monkeypatch):
    """A play goes on with the next run of the app only, so that one can look at each moment."""
    monkeypatch.setattr("explorer.ui.widgets.moment._go_on", lambda: None)


def test_play_runs_by_itself_to_the_last_moment(open_page, make_weights, monkeypatch):
    monkeypatch.setattr("explorer.ui.widgets.moment.PLAY_SECONDS", 0.0)
    shown = []
    app = open_page("responses", networks=make_weights())
    monkeypatch.setattr("explorer.ui.widgets.moment._say_nearest", lambda chosen, step: shown.append(step))
    app.button(key="play").click().run()
    assert list(dict.fromkeys(shown)) == [0, 5, 10]
    assert app.button(key="play").label == "Play"


def test_play_goes_from_the_first_moment_to_the_last_and_stops(open_page, make_weights, moment_by_moment):
    app = open_page("responses", networks=make_weights())
    app.button(key="play").click().run()
    seen = []
    while app.button(key="play").label == "Pause" and len(seen) < 9:
        seen.append(sliders(app)[0].value)
        app.run()
    assert seen == [0, 5, 10]
    assert app.button(key="play").label == "Play"
    assert sliders(app)[0].value == 10


def test_play_goes_on_from_a_moment_between_and_can_be_paused(open_page, make_weights, moment_by_moment):
    app = open_page("responses", networks=make_weights(), step="0")
    app.button(key="play").click().run()
    assert sliders(app)[0].value == 5
    app.button(key="play").click().run()
    assert app.button(key="play").label == "Play"
    assert sliders(app)[0].value == 5
    app.run()
    assert sliders(app)[0].value == 5


def test_an_untrained_network_beside_a_run_stays_and_its_step_is_said(open_page, make_weights):
    run = make_weights()
    app = open_page("responses", networks=f"{run},plain8-w4")
    assert "Steps shown, the nearest snapshots: resnet8-w4 10, plain8-w4 0." in texts(app)
    assert f" {run}@10 plain8-w4 " in commands(app)


def test_a_run_without_this_snapshot_says_which_one_is_shown(open_page, make_weights):
    runs = [make_weights("plain8-w4"), make_weights("resnet8-w4")]
    (run_folder(runs[0]) / "snapshots" / "step-0000005.pt").unlink()  # as after an export without all snapshots
    app = open_page("responses", networks=",".join(runs), step="5")
    assert "Steps shown, the nearest snapshots: plain8-w4 0, resnet8-w4 5." in texts(app)


def test_the_claims_of_figure_7_are_checked_on_trained_networks(open_page, make_weights):
    runs = [make_weights("plain8-w4"), make_weights("resnet8-w4", scale=0.5)]
    app = open_page("responses", networks=",".join(runs))
    assert "resnet8-w4 0.5, plain8-w4 1: as in figure 7, resnet8-w4 responds less." in texts(app)
    assert "cannot tell" not in texts(app)
    sliders(app)[0].set_value(0).run()
    assert "Mean response std over the layers" not in texts(app), "claimed before the first step"


def test_scales_that_have_not_moved_cannot_tell(open_page, make_weights):
    runs = [make_weights("plain8-w4"), make_weights("resnet8-w4")]
    app = open_page("responses", networks=",".join(runs))
    assert "no clear difference" in texts(app)
    assert "leaves the question open" in texts(app)


def test_the_selected_layer_is_ringed_opened_and_shown_in_full(open_page):
    app = open_page("responses", networks=TINY, layer="3")
    levels, drawing, distribution = charts(app)
    assert sum("-ring" in uid for uid in uids(levels)) == 4  # two networks, along and sorted
    assert any("Stage 1, block 1</b> in full" in text for trace in drawing["data"] for text in trace.get("text", ()))
    assert "Layer 3, stages.0.0.conv2" in headings(distribution)
    assert names(distribution) == {"plain8", "resnet8"}


def test_a_layer_that_one_network_lacks_is_shown_for_the_other(open_page):
    app = open_page("responses", networks="plain8-w4,plain14-w4", layer="12")
    assert names(charts(app)[2]) == {"plain14-w4"}
    assert not app.error


@pytest.mark.parametrize(("study", "point", "layer"), [("Responses", 2, "3"), ("Residual ledger", 1, "5")])
def test_a_click_on_a_point_selects_its_layer_or_the_last_of_its_block(open_page, clicked, study, point, layer):
    app = open_page("responses", study=study, networks=TINY)
    app.button(key=f"point-{point}").click().run()
    assert app.query_params["layer"] == layer


def test_options_change_what_is_measured_and_how_it_is_drawn(open_page, make_weights):
    run = make_weights()
    app = open_page("responses", networks=run)
    app.select_slider(key="responses-images").set_value(50)
    app.toggle(key="responses-running").set_value(True)
    app.toggle(key="responses-log").set_value(True).run()
    assert "--images 50 --statistics running" in commands(app)
    assert charts(app)[0]["layout"]["yaxis"]["type"] == "log"


def test_the_ledger_draws_its_entries_and_rings_the_selected_block(open_page):
    app = open_page("responses", study="Residual ledger", networks=TINY, layer="3")
    entries, drawing = charts(app)
    assert sum("-ring-" in uid for uid in uids(entries)) == 7  # of four entries each; a plain network has no shares
    assert "cells-1" in uids(drawing)
    assert "python -m explorer ledger plain8 resnet8" in commands(app)


def test_gradients_are_measured_on_five_batches(open_page):
    app = open_page("responses", study="Gradients", networks=TINY)
    gradients, _ = charts(app)
    assert sum(uid.endswith("-band") for uid in uids(gradients)) == 2
    assert gradients["layout"]["yaxis"]["type"] == "log"
    assert commands(app) == "python -m explorer gradients plain8 resnet8 --images 100"
    assert "--statistics" not in commands(app)


@pytest.mark.parametrize(
    ("title", "study", "said"),
    [
        ("At initialisation", "xray", ("Batch norm", "No batch norm")),
        ("Shattered gradients", "shattering", ("Gradients at two inputs", "At the smallest distance")),
    ],
)
def test_untrained_studies_draw_their_figures(open_page, monkeypatch, title, study, said):
    monkeypatch.setattr("explorer.ui.responses.untrained.USUAL", ("plain20",))
    app = open_page("responses", study=title)
    (figure,) = charts(app)
    assert "plain20" in names(figure)
    assert all(panel in headings(figure) for panel in said)
    assert commands(app) == f"python -m explorer {study} plain20 --data digits --seed 0"
    assert not app.error
    app.multiselect(key=f"{study}-networks").set_value([]).run()
    assert app.info[0].value == "Choose at least one network."


def test_an_empty_choice_says_what_to_do(open_page):
    app = open_page("responses", networks="")
    assert "Choose a network: " in app.info[0].value
    assert not app.warning
    assert not charts(app)
    app.multiselect(key="networks_chosen").set_value(["plain20"]).run()
    assert app.query_params["networks"] == "plain20"
    assert names(charts(app)[0]) == {"plain20"}


def test_a_network_that_is_not_here_is_told_and_the_rest_shown(open_page):
    app = open_page("responses", networks="gone*,plain8,resnet22")
    assert app.warning[0].value == "Not on this machine: gone\\*, resnet22."
    assert names(charts(app)[0]) == {"plain8"}
    assert app.query_params["networks"] == "plain8"


def test_no_more_than_eight_networks_are_shown_and_none_twice(open_page):
    app = open_page(
        "responses", networks=",".join(["plain8", "plain8", *(f"plain8-w{width}" for width in range(1, 9))])
    )
    assert app.multiselect(key="networks_chosen").value == ["plain8", *(f"plain8-w{width}" for width in range(1, 8))]
    assert len(names(charts(app)[0])) == 8


def test_a_network_that_cannot_be_measured_is_told_and_the_others_shown(open_page, make_weights):
    colour, grey = make_weights("plain8-w4", channels=3), make_weights("resnet8-w4")
    app = open_page("responses", networks=f"{colour},{grey}")
    (error,) = app.error
    assert "channel" in error.value
    assert names(charts(app)[0]) == {"resnet8-w4"}


def test_where_none_can_be_measured_there_is_the_reason_alone(open_page, make_weights):
    app = open_page("responses", networks=make_weights(channels=3))
    assert len(app.error) == 1
    assert not charts(app)


def test_runs_of_the_same_title_can_be_told_apart(open_page, make_weights):
    old, new = (make_weights(experiment=name, title="The same") for name in ("e1", "e2"))
    app = open_page("responses", networks=old)
    assert f"{old}@10" in commands(app)
    app.run()  # the browser sends labels, not ids
    assert f"{old}@10" in commands(app)
    app.multiselect(key="networks_chosen").set_value([new]).run()
    assert app.query_params["networks"] == new


@pytest.mark.parametrize("page", ["train", "degradation"])
def test_what_happened_inside_is_shown_where_it_was_measured(open_page, experiment, page):
    name = experiment()
    with MetricsWriter(run_folder(f"{name}-resnet20-s0")) as metrics:
        for step in (0, 10, 20):
            layers = [(step, number, f"layer{number}", 1, number, 1.0, 0.0, 0.5, 0.1 + step, 0.2) for number in (1, 2)]
            metrics.append_probe(layers, [(step, 1, 1, 0.5, 0.0, 1.0, 0.5)])
    app = open_page(page, experiment=name)
    (figure,) = [figure for figure in charts(app) if figure["data"][0]["type"] == "heatmap"]
    (heat_map,) = figure["data"]
    assert heat_map["name"] == "resnet20"
    assert heat_map["y"] == ["layer 1, layer1 (stage 1)", "layer 2, layer2 (stage 1)"]
    app.selectbox(key="inside").set_value("branch_ratio").run()
    (figure,) = [figure for figure in charts(app) if figure["data"][0]["type"] == "heatmap"]
    assert figure["data"][0]["y"] == ["block 1 (stage 1, block 1)"]


@pytest.mark.parametrize(("page", "told"), [("train", True), ("degradation", False)])
def test_where_nobody_looked_inside_there_is_no_heat_map(open_page, experiment, page, told):
    app = open_page(page, experiment=experiment())
    assert "heatmap" not in [trace["type"] for figure in charts(app) for trace in figure["data"]]
    assert ("Probe layers while training" in texts(app)) is told


def test_a_run_deleted_meanwhile_is_told_and_left_out(open_page, make_weights):
    run = make_weights()
    app = open_page("responses", networks=f"{run},plain8")
    shutil.rmtree(run_folder(run))
    st.cache_data.clear()
    app.run()
    assert not app.exception
    assert f"Not on this machine: {in_markdown(run)}." in app.warning[0].value
    assert app.multiselect(key="networks_chosen").value == ["plain8"]


def test_a_network_whose_images_are_not_known_is_shown_crops_of_photographs(open_page, imported):
    app = open_page("responses", networks=imported)
    assert len(charts(app)) == 2
    assert f"crops of two photographs, since the images of these networks are not here: {imported}" in texts(app)


def test_gradients_need_labels_and_say_so(open_page, imported):
    app = open_page("responses", networks=imported, study="Gradients")
    assert "Which images this network was trained on is not known" in texts(app)
