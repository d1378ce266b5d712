"""The experiment in hand: what the reader opened goes along to the other pages, until it is put down."""

import shutil

import pytest
import streamlit as st

from explorer.runs.store import run_folder
from explorer.ui.widgets.in_hand import KEPT
from tests.app.conftest import PAGES
from tests.app.reading import shown, texts

WITH_NETWORKS = ("responses", "attributions", "evaluate")


@pytest.fixture
def go(open_page):
    """Goes to a page by the navigation, after another that was opened by its address."""

    def gone(to, first="train", **query):
        app = open_page(first, **query)
        app.query_params.clear()  # as the navigation does
        app.switch_page(str(PAGES / f"{to}.py"))
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        return app

    return gone


def chosen(app):
    return app.multiselect(key="networks_chosen").value


@pytest.fixture
def trained(make_weights):
    """An experiment of two networks with weights; gives its id."""
    for order, network in enumerate(("plain8-w4", "resnet8-w4")):
        make_weights(network, experiment="mine", title="My race", order=order)
    return "mine"


@pytest.mark.parametrize("first", ["train", "runs", "degradation"])
def test_networks_of_the_experiment_opened_last_are_chosen(go, trained, first):
    app = go("responses", first, experiment=trained)
    assert chosen(app) == ["mine-plain8-w4-s0", "mine-resnet8-w4-s0"]
    assert app.query_params["experiment"] == trained


@pytest.mark.parametrize("page", WITH_NETWORKS)
def test_a_link_with_the_experiment_alone_chooses_its_networks(open_page, trained, page):
    app = open_page(page, experiment=trained)
    assert chosen(app) == ["mine-plain8-w4-s0", "mine-resnet8-w4-s0"]
    assert "From: My race" in [button.label for button in app.button]


def test_one_click_leads_back_to_the_shipped_networks(open_page, trained):
    app = open_page("responses", experiment=trained)
    app.button(key="put_down").click().run()
    assert chosen(app) == ["plain20", "resnet20"]  # none are shipped in a test
    assert "experiment" not in app.query_params
    assert "put_down" not in [button.key for button in app.button]


def test_networks_chosen_by_hand_or_by_a_link_stay(open_page, trained):
    app = open_page("responses", experiment=trained, networks="plain8")
    assert chosen(app) == ["plain8"]
    app.multiselect(key="networks_chosen").set_value(["resnet8"]).run()
    assert chosen(app) == ["resnet8"]
    app.run()
    assert chosen(app) == ["resnet8"]


def test_the_degradation_page_opens_it(go, trained, experiment):
    experiment()
    app = go("degradation", experiment=trained)
    assert app.selectbox(key="experiment-mine").value == trained
    assert app.query_params["experiment"] == trained


@pytest.mark.parametrize("page", [*WITH_NETWORKS, "degradation"])
def test_one_that_is_gone_is_told_once(open_page, experiment, page):
    experiment()
    app = open_page(page, experiment="gone*")
    assert "There is no experiment gone* here" in shown(app)
    assert not app.error
    app.run()
    assert "There is no experiment" not in texts(app)


def test_one_deleted_meanwhile_is_told(open_page, trained):
    app = open_page("responses", experiment=trained)
    for network in ("plain8-w4", "resnet8-w4"):
        shutil.rmtree(run_folder(f"mine-{network}-s0"))
    st.cache_data.clear()
    st.cache_resource.clear()
    app.run()
    assert not app.exception
    assert "There is no experiment mine here" in texts(app)
    assert app.session_state[KEPT] is None


def test_without_weights_yet_other_networks_are_shown_and_it_stays_in_hand(open_page, experiment):
    app = open_page("responses", experiment=experiment(state="queued"))
    assert "has no weights yet" in texts(app)
    assert chosen(app) == ["plain20", "resnet20"]
    assert "From: First" in [button.label for button in app.button]
