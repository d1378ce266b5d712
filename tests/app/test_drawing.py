"""The network drawing as a widget: the URL holds what is selected and closed; clicks and menus change it."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.reading import charts, texts


def page():
    import streamlit as st

    from explorer.models.catalogue import network_config
    from explorer.ui.widgets.drawing import choose_layer, drawing

    network = network_config("resnet20")
    choose_layer(network)
    choice = drawing(network)
    st.markdown(f"layer {choice.layer}, block {choice.block}")


@pytest.fixture
def opened():
    def open_page(**query):
        app = AppTest.from_function(page, default_timeout=30)
        app.query_params.update(query)
        app.run()
        assert not app.exception, app.exception[0].stack_trace
        return app

    return open_page


@pytest.fixture
def buttons(monkeypatch):
    """Instead of the chart a button for each meaning that a click on it can have."""

    def chart(figure, *, key, alt, filename, on_click, **_):
        for meaning in (["layer", 8, 2, 1], ["block", 0, 2, 1], ["block", 0, 3, 2], ["stage", 0, 2, 0]):
            st.button("click", key="-".join(map(str, meaning)), on_click=on_click, args=(meaning,))

    monkeypatch.setattr("explorer.ui.widgets.drawing.live_chart", chart)


def drawn(app):
    (figure,) = charts(app)
    return " ".join(next(trace for trace in figure["data"] if trace["uid"] == "letters")["text"])


def test_the_url_reopens_what_was_selected(opened):
    app = opened(layer="8", closed=["1", "3"])
    assert "layer 8, block (2, 1)" in texts(app)
    assert "Stage 2, block 1</b> in full" in drawn(app)
    assert drawn(app).count("▶") == 2
    assert app.selectbox(key="layer-menu").value == 8
    assert app.button_group(key="drawing-stages").value == [2]


@pytest.mark.parametrize("asked", ["21", "0", "x", ""])
def test_a_layer_that_is_not_there_selects_nothing(opened, asked):
    assert "layer None, block None" in texts(opened(layer=asked))


def test_the_menu_selects_a_layer_and_lets_it_go(opened):
    app = opened()
    app.selectbox(key="layer-menu").set_value(20).run()
    assert app.query_params["layer"] == "20"
    assert "layer 20, block None" in texts(app)
    app.selectbox(key="layer-menu").set_value(None).run()
    assert "layer" not in app.query_params


def test_the_pills_close_stages(opened):
    app = opened()
    app.button_group(key="drawing-stages").set_value([1, 3]).run()
    assert app.query_params["closed"] == "2"
    assert drawn(app).count("▶") == 1


def test_a_click_on_a_layer_selects_it_and_a_second_lets_it_go(opened, buttons):
    app = opened()
    app.button(key="layer-8-2-1").click().run()
    assert "layer 8, block (2, 1)" in texts(app)
    app.button(key="layer-8-2-1").click().run()
    assert "layer None, block None" in texts(app)


def test_a_click_on_a_block_opens_it_and_a_second_closes_it(opened, buttons):
    app = opened()
    app.button(key="block-0-3-2").click().run()
    assert "layer 16, block (3, 2)" in texts(app)
    app.button(key="block-0-2-1").click().run()
    assert "layer 8, block (2, 1)" in texts(app)
    app.button(key="block-0-2-1").click().run()
    assert "layer None, block None" in texts(app)


def test_a_click_on_a_stage_closes_and_opens_it(opened, buttons):
    app = opened(closed=["3"])
    app.button(key="stage-0-2-0").click().run()
    assert app.query_params["closed"] == ["2", "3"]
    app.button(key="stage-0-2-0").click().run()
    assert app.query_params["closed"] == "3"
