"""Feature maps on one colour scale with a pixel followed, filters, exciting images, and shares of the scores."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.block_results import Arithmetic, ExcitingImages, LogitParts
from explorer.figures import block_panels, filter_grid, logit_bars, most_exciting_images, theme


def arithmetic(**changes):
    x = np.arange(2 * 8 * 8, dtype=np.float32).reshape(2, 8, 8)
    branch = np.full((2, 8, 8), -60, np.float32)
    facts = {"place": "stage1.block2", "module": "stages.0.1", "x": x, "branch": branch, "shortcut": x}
    facts |= {
        "joined": x + branch,
        "relu": np.maximum(x + branch, 0),
        "by": "sum",
        "before": 0,
        "shared_activation": False,
    }
    return Arithmetic(**facts | changes)


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def test_five_maps_on_one_scale_with_the_same_pixel_in_all():
    figure = block_panels(arithmetic(), [0, 1], position=(7, 3))
    traces = drawn(figure)
    names = ["x", "F(x)", "shortcut(x)", "sum", "ReLU"]
    assert [f"map-1-{name}" in traces for name in names] == [True] * 5
    np.testing.assert_allclose(traces["map-1-sum"].z, arithmetic().joined[1])
    assert {trace.coloraxis for uid, trace in traces.items() if uid.startswith("map")} == {"coloraxis"}
    assert figure.layout.coloraxis.cmin == -figure.layout.coloraxis.cmax
    assert list(traces["values"].text) == ["59.0", "−60.0", "59.0", "−1.00", "0", "123", "−60.0", "123", "63.0", "63.0"]
    assert len(figure.layout.shapes) == 10
    assert list(traces["map-1-sum"].customdata[7, 3]) == [1, 7, 3]
    assert [text for text in traces["signs"].text if text] == ["+", "=", "→"] * 2


def test_the_pixel_is_the_highest_output_unless_named():
    values = drawn(block_panels(arithmetic(), [1]))["values"].text
    assert values[-1] == "67.0"


def test_blocks_without_shortcut_or_relu_have_fewer_maps():
    plain = arithmetic(shortcut=None, joined=arithmetic().branch, by="none")
    assert [uid for uid in drawn(block_panels(plain)) if uid.startswith("map")] == [
        "map-0-x",
        "map-0-F(x)",
        "map-0-ReLU",
    ]
    dense = arithmetic(joined=np.concatenate([arithmetic().x, arithmetic().branch]), relu=None, by="concatenation")
    traces = drawn(block_panels(dense, [3]))
    assert [uid for uid in traces if uid.startswith("map")] == ["map-3-F(x)", "map-3-side by side"]
    assert "no such channel" in traces["values"].text


def test_a_click_on_a_larger_x_means_the_position_of_the_output_that_it_becomes():
    half = np.zeros((2, 4, 4), np.float32)
    traces = drawn(block_panels(arithmetic(branch=half, shortcut=half, joined=half, relu=half)))
    assert list(traces["map-0-x"].customdata[7, 4]) == [0, 3, 2]
    assert "of the output" in traces["map-0-x"].hovertemplate
    assert list(traces["map-0-sum"].customdata[3, 2]) == [0, 3, 2]


def test_padded_channels_of_x_are_those_they_become():
    padded = np.zeros((4, 8, 8), np.float32)
    padded[1:3] = arithmetic().x
    branch = np.zeros_like(padded)
    found = arithmetic(shortcut=padded, branch=branch, joined=padded, relu=padded, before=1)
    traces = drawn(block_panels(found, [2]))
    np.testing.assert_allclose(traces["map-2-x"].z, found.x[1])
    np.testing.assert_allclose(traces["map-2-shortcut(x)"].z, found.x[1])


def test_filters_of_colour_images_are_pictures_and_others_a_row_each():
    pictures = filter_grid(np.random.default_rng(0).normal(size=(16, 3, 3, 3)).astype(np.float32))
    assert [trace.type for trace in pictures.data].count("image") == 16
    weights = np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(np.float32)
    maps = drawn(filter_grid(weights))["filters"]
    np.testing.assert_allclose(maps.z[12:15, 4:7], weights[3, 1])
    assert np.isnan(maps.z[3]).all()  # a gap
    assert list(maps.customdata[13, 5]) == [3, 1]
    assert np.diff(maps.x) == pytest.approx([40 / 3] * 3 + [3] + [40 / 3] * 3)
    many = filter_grid(np.ones((64, 64, 3, 3), np.float32))
    assert len(drawn(many)["filters"].x) == 32 * 4
    texts = [str(trace.text) for trace in many.data if trace.type == "scatter"]
    assert any("the first 32 × 32 are shown" in text for text in texts)


def exciting():
    rows = [(1, "test:7", 3, "cat", 2.5, 1, 0, -2.0, 1.0, 5), (2, "test:9", 5, "dog", 1.5, 3, 3, 3.0, 3.0, 5)]
    pixels = (np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 1), 255, np.uint8))
    return ExcitingImages(
        "stage1.block1", "stages.0.0.conv2", 4, 16, pd.DataFrame(rows, columns=tables.EXCITING), pixels
    )


def test_images_have_a_frame_inside_them_and_a_click():
    figure = most_exciting_images(exciting())
    traces = drawn(figure)
    assert traces["image-1"].customdata[0][0][0] == 1
    first, second = figure.layout.shapes[0], figure.layout.shapes[2]
    step = traces["image-0"].dx
    left = traces["image-0"].x0 - step / 2
    assert (first.x0, first.x1) == pytest.approx((left, left + 3 * step))  # it begins outside of the image
    assert second.x1 - second.x0 == pytest.approx(5 * step)
    assert list(traces["titles"].text) == ["cat", "2.50", "dog", "1.50"]


def parts():
    added = {"stem": (0, 1, 2), "stages.0.0": (3, -1, 0), "bias": (1, 0, -1)}
    rows = [
        ("block", 1, 1, name, label, text, value) if "." in name else (name, 0, 0, name, label, text, value)
        for name, values in added.items()
        for label, (text, value) in enumerate(zip(("cat", "dog", "frog"), values, strict=True))
    ]
    table = pd.DataFrame(rows, columns=tables.LOGIT_PARTS)
    return LogitParts("r", "preresnet8", "test:1", "Test image 1", 2, 0, np.array([4, 0, 1], np.float32), table)


def test_bars_of_the_predicted_and_the_true_class_sum_to_their_scores():
    traces = drawn(logit_bars(parts()))
    assert set(traces) == {"class-0", "class-2"}
    assert list(traces["class-0"].y) == [0, 3, 1]
    assert traces["class-0"].name == "cat (predicted): score 4.00"
    assert traces["class-2"].name == "frog (true): score 1.00"
    assert list(traces["class-0"].customdata) == ["stem", "1.1", "bias"]
    assert set(drawn(logit_bars(parts(), labels=(1,)))) == {"class-1"}


@pytest.mark.parametrize(
    "draw",
    [
        lambda dark: block_panels(arithmetic(), dark=dark),
        lambda dark: filter_grid(np.ones((4, 2, 3, 3), np.float32), dark=dark),
        lambda dark: filter_grid(np.ones((4, 3, 3, 3), np.float32), dark=dark),
        lambda dark: most_exciting_images(exciting(), dark=dark),
        lambda dark: logit_bars(parts(), dark=dark),
    ],
)
def test_dark_pages_get_dark_colours_alone(draw):
    text = draw(True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
