"""Inside a block on the Blocks page: its four looks, clicks, what they lead to, what it says where it cannot answer."""

import pytest
import streamlit as st

from explorer.ui.widgets.live_chart import live_chart
from tests.app.reading import charts, commands, shown, texts

TINY = "plain8,resnet8"


@pytest.fixture
def look(open_page):
    """Opens a look by its title."""

    def opened(title="Arithmetic", twins=TINY, **query):
        return open_page("blocks", study="Inside a block", inside=title, twins=twins, **query)

    return opened


@pytest.fixture
def clicked(monkeypatch):
    """Beside each chart a button, which does what a click on the point of the test does."""

    def chart(figure, *, key, alt, filename, on_click=None, **_):
        live_chart(figure, key=key, alt=alt, filename=filename)
        if on_click is not None:
            st.button("click", key=f"click-{key}", on_click=lambda: on_click(chart.point))

    for module in ("arithmetic", "exciting"):
        monkeypatch.setattr(f"explorer.ui.blocks.{module}.live_chart", chart)
    return chart


def maps(figure):
    """Channel and part of each map."""
    found = [trace["uid"].split("-", 2)[1:] for trace in figure["data"] if trace["uid"].startswith("map-")]
    return [(int(channel), part) for channel, part in found]


def figures(app, start):
    """Figures whose first trace has such a uid."""
    return [figure for figure in charts(app) if figure["data"][0].get("uid", "").startswith(start)]


def address(app, name):
    value = app.query_params[name]
    return value[-1] if isinstance(value, list) else value


def test_the_arithmetic_of_the_residual_network_is_drawn_at_once(look):
    app = look()
    (figure,) = figures(app, "map-")
    channels = list(dict.fromkeys(channel for channel, _ in maps(figure)))
    assert len(channels) == 3
    assert [part for channel, part in maps(figure) if channel == channels[0]] == [
        "x", "F(x)", "shortcut(x)", "sum", "ReLU",
    ]  # fmt: skip
    assert "Stage 1, block 1 of resnet8: F(x) is " in texts(app)
    numbers = " ".join(map(str, channels))
    command = f"python -m explorer block resnet8 --place stage1.block1 --image test:0 --channels {numbers}"
    assert commands(app) == command
    assert not app.error
    assert not app.warning


def test_a_plain_block_has_no_shortcut_and_its_twin_stands_below(look):
    app = look(network="plain8 · untrained", **{"inside-block": "stage 2, block 1", "inside-channels": "5"})
    (figure,) = figures(app, "map-")
    assert maps(figure) == [(5, "x"), (5, "F(x)"), (5, "ReLU")]
    app.toggle(key="inside-twin").set_value(True).run()
    plain, twin = figures(app, "map-")
    assert maps(plain) == maps(figure)
    assert (5, "shortcut(x)") in maps(twin)


@pytest.mark.parametrize(("network", "part"), [("preresnet20", "shortcut(x)"), ("densenet-40-12", "side by side")])
def test_blocks_of_other_families_have_their_own_parts(look, network, part):
    (figure,) = figures(look(twins=network), "map-")
    parts = [each for _, each in maps(figure)]
    assert part in parts
    assert "ReLU" not in parts


def test_a_click_follows_the_position_and_chooses_its_channel(look, clicked):
    app = look()
    clicked.point = [2, 1, 3]
    app.button(key="click-arithmetic-main").click().run()
    assert address(app, "pixel") == "2-1-3"
    (figure,) = figures(app, "map-")
    assert "framed: row 1, column 3" in str(figure["data"][-1]["text"])
    assert 2 in {channel for channel, _ in maps(figure)}
    app.button_group(key="inside").set_value("exciting").run()
    assert app.number_input(key="inside-channel").value == 2


def test_a_link_to_a_position_leads_to_the_images_of_its_channel(look):
    app = look(pixel="2-1-3")
    (button,) = [each for each in app.button if each.label == "Which images excite channel 2 most?"]
    button.click().run()
    assert app.number_input(key="inside-channel").value == 2
    assert figures(app, "image-")


@pytest.mark.parametrize("pixel", ["99-0-0", "0-99-0", "x", "1-2", "-1-0-0"])
def test_a_position_that_the_block_lacks_is_not_followed(look, pixel):
    app = look(pixel=pixel)
    assert not app.error
    assert "Click a position to follow it" in texts(app)


def test_a_link_to_what_is_not_there_opens_the_first_block(look):
    app = look(**{"inside-block": "stage 9, block 9", "inside-channels": "99", "network": "nobody"})
    assert app.selectbox(key="inside-block").value == "stage1.block1"
    assert "Stage 1, block 1 of resnet8: " in texts(app)
    assert not app.error


def test_a_block_with_fewer_channels_keeps_those_it_has(look):
    app = look(**{"inside-block": "stage 3, block 1", "inside-channels": "3"})
    app.multiselect(key="inside-channels").set_value([3, 60]).run()
    app.selectbox(key="inside-block").set_value("stage1.block1").run()
    assert not app.exception
    assert app.multiselect(key="inside-channels").value == [3]


def test_the_filters_of_each_convolution_of_the_block_can_be_seen(look):
    app = look("Filters", twins="resnet8-b", **{"inside-block": "stage 2, block 1"})
    field = app.selectbox(key="inside-convolution")
    assert field.options == ["stages.1.0.conv1", "stages.1.0.conv2", "stages.1.0.shortcut.conv", "stem.conv"]
    field.set_value("stages.1.0.conv2").run()
    (figure,) = figures(app, "filters")
    assert figure["data"][0]["customdata"][-1][-1] == [31, 31]
    assert list(app.dataframe[0].value) == ["filter", "input", "row", "column", "weight"]


def test_a_click_on_an_exciting_image_takes_it_to_the_arithmetic(look, clicked):
    app = look("Exciting images", **{"inside-channel": "4"})
    assert "images that excite channel 4 of stage 1, block 1 of resnet8 most" in texts(app)
    images = app.dataframe[0].value
    clicked.point = [3]
    app.button(key="click-exciting").click().run()
    assert address(app, "image") == images["image"][3]
    (button,) = [each for each in app.button if each.label == "Follow channel 4 through the block"]
    button.click().run()
    assert f"Picture: Test image {images['image'][3].removeprefix('test:')} " in texts(app)
    (figure,) = figures(app, "map-")
    assert maps(figure)[0][0] == 4
    assert f"framed: row {images['row'][3]}, column {images['column'][3]}" in str(figure["data"][-1]["text"])


def test_a_channel_that_the_block_lacks_is_refused_with_the_bounds(look):
    app = look("Exciting images")
    app.number_input(key="inside-channel").set_value(16).run()
    assert "Channel is 16. It must be from 0 to 15." in shown(app)


def test_scores_of_a_pre_activation_network_are_taken_apart(look):
    app = look("Logits", twins="preresnet20")
    (figure,) = figures(app, "class-")
    assert len(figure["data"][0]["customdata"]) == 1 + 9 + 1
    assert "add " in texts(app)
    assert commands(app) == "python -m explorer contributions preresnet20 --image test:0"


def test_other_networks_say_why_not_and_lead_to_one(look):
    app = look("Logits")
    assert app.info[0].value.startswith("resnet8 applies a ReLU after every sum")
    (button,) = [each for each in app.button if each.label == "Take preresnet20"]
    button.click().run()
    assert figures(app, "class-")
    assert address(app, "twins") == "plain8,resnet8,preresnet20"


def test_the_slider_shows_the_block_at_each_moment(look, make_weights):
    run = make_weights()
    app = look(twins=run)
    assert f"block {run}@10 " in commands(app)
    app.select_slider(key="step").set_value(0).run()
    assert f"block {run}@0 " in commands(app)


@pytest.mark.parametrize("title", ["Arithmetic", "Filters", "Exciting images", "Logits"])
def test_a_presentation_shows_one_figure_below_a_sentence(look, title):
    app = look(title, twins="preresnet20", present="1")
    assert not app.error
    assert len([each for each in app.get("html") if "st-key-stage" in each.proto.body]) == 1
    assert any("preresnet20" in each.value for each in app.markdown)


def test_without_networks_it_says_what_to_do(look):
    app = look(twins="")
    assert "Choose a network" in app.info[0].value
