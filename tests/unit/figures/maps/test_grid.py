"""The grid of attribution maps as a figure."""

import base64
import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from explorer.errors import UnknownName
from explorer.figures import attribution_grid, theme
from explorer.figures.maps.colours import SHOWN


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def texts(figure):
    return [re.sub("</?b>", "", text) for text in drawn(figure)["texts"].text]


def spot(figure, text):
    """Where a text stands."""
    trace = drawn(figure)["texts"]
    place = texts(figure).index(text)
    return trace.x[place], trace.y[place]


def picture(figure, place=0):
    source = figure.layout.images[place].source.removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source))))


@pytest.fixture
def grid(map_cell):
    """Two networks by two methods, the second method signed."""
    return [
        map_cell(row, column, low=low, high=high)
        for row, high in (("plain20", 1), ("resnet20", 4))
        for column, low in (("saliency", 0), ("gradients", -2))
    ]


@pytest.mark.parametrize("show", SHOWN)
def test_the_values_are_those_of_the_cells(grid, show):
    cells = drawn(attribution_grid(grid, show=show))
    for uid, cell in zip(("cell-0-0", "cell-0-1", "cell-1-0", "cell-1-1"), grid, strict=True):
        np.testing.assert_array_equal(cells[uid].z, cell.map)
        assert cells[uid].z.dtype == np.float32


def test_signed_maps_go_two_ways_from_zero_and_others_begin_there(grid):
    cells = drawn(attribution_grid(grid, scale="row"))
    assert cells["cell-1-0"].zmin == 0
    assert cells["cell-1-1"].zmin == -cells["cell-1-1"].zmax


def test_a_column_shares_its_scale(grid):
    cells = drawn(attribution_grid(grid, scale="column"))
    assert (
        cells["cell-0-0"].zmax
        == cells["cell-1-0"].zmax
        == pytest.approx(np.percentile(np.r_[grid[0].map, grid[2].map], 99.5))
    )
    assert cells["cell-0-0"].zmax != cells["cell-0-1"].zmax


def test_an_overlay_is_clear_at_zero_and_never_hides_the_picture(grid):
    cells = drawn(attribution_grid(grid))
    opacities = [int(colour[7:], 16) for _, colour in cells["cell-0-0"].colorscale]
    assert opacities[0] == 0
    assert 128 < opacities[-1] < 255
    assert [int(colour[7:], 16) for _, colour in cells["cell-0-1"].colorscale][1:3] == [0, 0]


def test_lines_are_drawn_at_quarters_of_the_scale_on_both_sides_of_zero(grid):
    traces = drawn(attribution_grid(grid, show="contour", scale="map"))
    top = traces["cell-0-1"].zmax
    towards, against = (traces[f"cell-0-1-{way}-line"].contours for way in ("towards", "against"))
    assert (towards.start, towards.end, towards.size) == pytest.approx((top / 4, 3 * top / 4, top / 4))
    assert (against.start, against.end, against.size) == pytest.approx((-3 * top / 4, -top / 4, top / 4))
    assert "cell-0-0-against-line" not in traces


def test_the_picture_lies_under_its_map(map_cell):
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 3] = 250, 10, 10
    figure = attribution_grid([map_cell(pixels=pixels)], show="contour")
    image, cell = figure.layout.images[0], drawn(figure)["cell-0-0"]
    assert (cell.x0 - cell.dx / 2, cell.y0 - cell.dy / 2) == pytest.approx((image.x, image.y))
    assert (4 * cell.dx, 4 * cell.dy) == pytest.approx((image.sizex, image.sizey))
    shown = picture(figure)
    assert shown.shape == (256, 256, 3)
    assert shown[0, 192].tolist() == shown[63, 255].tolist() == [250, 10, 10]
    assert shown[64, 192].tolist() == shown[0, 191].tolist() == [0, 0, 0]


def test_a_grey_picture_is_shown_in_grey(map_cell):
    figure = attribution_grid([map_cell(pixels=np.full((4, 4, 1), 77, np.uint8))], show="contour")
    assert picture(figure)[5, 5].tolist() == [77, 77, 77]


def test_colours_of_the_picture_do_not_mix_with_those_of_an_overlay(map_cell):
    red = map_cell(pixels=np.full((4, 4, 3), (200, 0, 0), np.uint8))
    assert len(set(picture(attribution_grid([red]))[0, 0])) == 1


def test_a_picture_that_is_not_square_keeps_its_shape(map_cell):
    wide = map_cell(pixels=np.zeros((4, 8, 3), np.uint8), map=np.zeros((4, 8), np.float32))
    figure = attribution_grid([wide], show="contour")
    image = figure.layout.images[0]
    assert image.sizex == pytest.approx(2 * image.sizey)


def test_a_click_gives_the_position_of_the_cell_and_hover_the_place_in_the_picture(grid):
    cell = drawn(attribution_grid(grid))["cell-1-0"]
    assert cell.customdata[2][3] == [2]
    assert list(cell.text[2][3]) == [3, 2]
    assert "resnet20" in cell.hovertemplate
    assert "predicts cat (97.0 %), correct" in cell.hovertemplate


def test_trace_ids_fit_into_css_selectors(map_cell):
    figure = attribution_grid([map_cell("r3@100", "a/b c")], show="contour")
    assert all(re.fullmatch(r"[\w-]+", trace.uid) for trace in figure.data)


def test_prediction_and_probability_stand_above_the_cell_with_a_cross_where_wrong(map_cell):
    figure = attribution_grid(
        [map_cell(column="a"), map_cell(column="b", right=False), map_cell(column="c", right=None)]
    )
    assert texts(figure).count("cat: 97 %") == 2
    x, y = spot(figure, "✗ cat: 97 %")
    cell = drawn(figure)["cell-0-1"]
    assert x == pytest.approx(cell.x0 + 1.5 * cell.dx)
    assert y < cell.y0 - cell.dy / 2
    assert "not the true class" in "".join(texts(figure))


def test_a_long_name_is_cut_and_keeps_its_probability(map_cell):
    cells = [map_cell(column=column, prediction="Bernese mountain dog and more") for column in "abcdef"]
    assert [text for text in texts(attribution_grid(cells)) if text.endswith("…: 97 %")]


def test_many_columns_have_smaller_lines_and_very_many_none(map_cell):
    def sizes(columns):
        trace = drawn(attribution_grid([map_cell(column=f"{i}") for i in range(columns)]))["texts"]
        return {size for text, size in zip(trace.text, trace.textfont.size, strict=True) if "97 %" in text}

    assert sizes(6) == {theme.TEXT_SIZE}
    assert sizes(8) == {12}
    assert sizes(9) == set()


def test_headings_stand_above_the_columns_and_beside_the_rows(grid):
    figure = attribution_grid(grid)
    cell = drawn(figure)["cell-1-1"]
    assert spot(figure, "gradients")[0] == pytest.approx(cell.x0 + 1.5 * cell.dx)
    assert spot(figure, "resnet20")[1] == pytest.approx(cell.y0 + 1.5 * cell.dy)
    assert spot(figure, "resnet20")[0] < cell.x0


def test_cells_are_squares_that_do_not_overlap(map_cell):
    for columns in range(1, 10):
        figure = attribution_grid([map_cell(row, f"{i}") for row in "ab" for i in range(columns)])
        boxes = [(image.x, image.y, image.sizex, image.sizey) for image in figure.layout.images]
        assert {round(width - height, 6) for _, _, width, height in boxes} == {0}
        for (x, y, width, _), (next_x, next_y, _, _) in itertools.pairwise(boxes):
            assert next_x >= x + width or next_y >= y + width
        assert boxes[-1][0] + boxes[-1][2] <= figure.layout.xaxis.range[1] <= 1100
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.fixedrange


def test_a_height_that_is_given_is_kept_by_smaller_cells(grid):
    figure = attribution_grid(grid, height=400)
    assert figure.layout.height == 400
    assert figure.layout.yaxis.range[0] <= 400
    assert figure.layout.images[0].sizex < attribution_grid(grid).layout.images[0].sizex


def test_a_place_without_a_cell_stays_empty(grid):
    assert "cell-1-0" not in drawn(attribution_grid([grid[0], grid[1], grid[3]]))


def test_a_failure_is_written_in_its_cell_and_can_be_clicked(map_cell):
    reason = "DeepLIFT needs one ReLU module for each use, and this network has one for all."
    figure = attribution_grid([map_cell("a"), map_cell("b", map=None, failure=reason)])
    traces = drawn(figure)
    assert " ".join(traces["cell-1-0-why"].text[0].split("<br>")) == reason
    assert traces["cell-1-0"].customdata[0][0] == [1]
    assert len(figure.layout.images) == 1
    assert len(figure.layout.shapes) == 1


def test_a_failure_without_a_prediction_has_no_line_above(map_cell):
    cell = map_cell(map=None, failure="no", prediction="", probability=float("nan"))
    assert not [text for text in texts(attribution_grid([cell])) if "%" in text]


def test_up_to_four_scales_have_a_bar_with_their_ends(map_cell):
    def bars(columns, **style):
        cells = [map_cell(column=f"method {i}", low=-0.5, high=0.5) for i in range(columns)]
        found = attribution_grid(cells, **style)
        return len([uid for uid in drawn(found) if uid.startswith("scale-")]), texts(found)

    count, words = bars(4)
    assert count == 4
    assert (words.count("−0.50"), words.count("0"), words.count("0.50")) == (4, 4, 4)
    assert bars(5)[0] == 0
    assert bars(5, scale="all")[0] == 1
    assert bars(2, show="contour")[0] == 0


def test_the_note_says_how_to_read_the_colours(grid):
    words = "".join(texts(attribution_grid(grid, scale="row")))
    assert "one colour scale for each row" in words
    assert "99.5th percentile" in words
    assert "orange: for the explained class, blue: against it" in words
    assert "blue" not in "".join(texts(attribution_grid([grid[0]])))


def test_large_maps_are_drawn_as_means_and_the_note_says_so(map_cell):
    values = np.arange(256 * 256, dtype=np.float32).reshape(256, 256)
    figure = attribution_grid([map_cell(map=values)])
    expected = values.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(drawn(figure)["cell-0-0"].z, expected, rtol=1e-6)
    assert "means of neighbouring positions" in "".join(texts(figure))
    assert "means" not in "".join(texts(attribution_grid([map_cell()])))


def test_no_cells_give_an_empty_figure():
    figure = attribution_grid([])
    assert [trace.uid for trace in figure.data] == ["texts"]


@pytest.mark.parametrize("show", SHOWN)
def test_a_light_figure_turned_dark_is_the_dark_figure(grid, show):
    """The browser swaps the colours in the text of the figure, those with an opacity as well."""
    text = attribution_grid(grid, show=show).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == attribution_grid(grid, show=show, dark=True).to_json()


def test_unknown_names_are_answered_with_the_known_ones(grid):
    with pytest.raises(UnknownName, match="Did you mean 'overlay'"):
        attribution_grid(grid, show="overlya")
