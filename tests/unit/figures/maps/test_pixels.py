"""Maps as pixels and as a PNG file."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.errors import UnknownName
from explorer.figures import theme
from explorer.figures.maps.colours import SHOWN, colour
from explorer.figures.maps.pixels import grid_png, map_pixels

GREY = np.full((2, 2, 3), 100, np.uint8)


def quarters(a, b, c, d):
    return np.array([[a, b], [c, d]], np.float32)


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_an_overlay_mixes_the_colour_with_the_picture():
    found = map_pixels(quarters(0, 1, -1, 9), True, 1.0, show="overlay", pixels=GREY, side=10)
    assert found.shape == (10, 10, 3)
    assert found.dtype == np.uint8
    orange, blue = (np.array(colour(theme.LIGHT.depth(depth))) for depth in (32, 20))
    np.testing.assert_array_equal(found[0, 0], [100, 100, 100])
    np.testing.assert_allclose(found[0, 9], 0.15 * 100 + 0.85 * orange, atol=1)
    np.testing.assert_allclose(found[9, 0], 0.15 * 100 + 0.85 * blue, atol=1)
    np.testing.assert_array_equal(found[9, 9], found[0, 9])


def test_half_of_the_scale_is_half_as_opaque():
    found = map_pixels(quarters(0.5, 0, 0, 0), False, 1.0, show="overlay", pixels=GREY, side=2)
    np.testing.assert_allclose(found[0, 0], 0.575 * 100 + 0.425 * np.array(colour(theme.LIGHT.depth(32))), atol=1)


@pytest.mark.parametrize("dark", [False, True])
def test_a_map_alone_has_the_colours_of_the_scale_of_its_page(dark):
    colours = theme.palette(dark=dark)
    found = map_pixels(quarters(-1, 0, 1, 1), True, 1.0, show="map", pixels=GREY, side=4, dark=dark)
    assert [tuple(found[place]) for place in ((0, 0), (0, 3), (3, 0))] == [
        colour(each) for each in (colours.depth(20), colours.grid, colours.depth(32))
    ]
    unsigned = map_pixels(quarters(0, 1, 0, 0), False, 1.0, show="map", pixels=GREY, side=4, dark=dark)
    assert [tuple(unsigned[place]) for place in ((0, 0), (0, 3))] == [(68, 1, 84), (253, 231, 37)]  # Viridis


def test_lines_run_around_what_is_high():
    values = np.zeros((32, 32), np.float32)
    values[8:24, 8:24] = 1
    pixels = np.full((32, 32, 3), (10, 200, 10), np.uint8)
    found = map_pixels(values, False, 1.0, show="contour", pixels=pixels, side=64)
    orange = (found == colour(theme.LIGHT.depth(32))).all(axis=2)
    inside, outside = orange[22:42, 22:42], np.r_[orange[:8].ravel(), orange[56:].ravel()]
    assert not inside.any()
    assert not outside.any()
    assert orange[32, 12:20].any()
    np.testing.assert_array_equal(found[32, 32], [10, 200, 10])


def test_a_picture_that_is_not_square_stands_in_the_middle():
    pixels = np.full((2, 4, 3), 100, np.uint8)
    found = map_pixels(np.zeros((2, 4), np.float32), False, 1.0, show="overlay", pixels=pixels, side=8)
    assert [tuple(found[row, 4]) for row in (1, 2, 5, 6)] == [(255,) * 3, (100,) * 3, (100,) * 3, (255,) * 3]


def test_values_that_are_no_numbers_are_drawn_as_zero():
    found = map_pixels(quarters(np.nan, 1, 1, 1), False, 1.0, show="overlay", pixels=GREY, side=2)
    np.testing.assert_array_equal(found[0, 0], [100, 100, 100])


@pytest.mark.parametrize("show", SHOWN)
def test_the_file_holds_every_cell_in_rows_and_columns(map_cell, show):
    cells = [map_cell(row, column) for row in "ab" for column in "cd"]
    image = opened(grid_png(cells, show=show, cell=100))
    top = np.percentile(np.tile(cells[0].map, 2), 99.5)
    shown = map_pixels(cells[0].map, False, top, show=show, pixels=cells[0].pixels, side=100)
    windows = np.lib.stride_tricks.sliding_window_view(image, (100, 100, 3))[:, :, 0]
    probable = (windows[..., 99, :50, 0] == shown[99, :50, 0]).all(axis=2)
    found = [place for place in np.argwhere(probable).tolist() if (windows[tuple(place)] == shown).all()]
    rows, columns = ({place[axis] for place in found} for axis in (0, 1))
    assert len(found) == 4
    assert len(rows) == len(columns) == 2


def test_the_file_has_the_colours_of_its_page_and_letters_on_it(map_cell):
    light, dark = (opened(grid_png([map_cell()], dark=dark)) for dark in (False, True))
    assert tuple(light[-1, -1]) == (255, 255, 255)
    assert tuple(dark[-1, -1]) == colour(theme.DARK.page)
    assert (light == colour(theme.LIGHT.ink)).all(axis=2).any()


def test_a_failure_is_a_box_with_letters(map_cell):
    image = opened(grid_png([map_cell(map=None, failure="no ReLU", prediction="")], cell=100))
    box = (image == colour(theme.LIGHT.grid)).all(axis=2)
    assert 9000 < box.sum() < 100 * 100


def test_no_cells_give_an_empty_file():
    assert opened(grid_png([])).shape[2] == 3


def test_unknown_names_are_answered_with_the_known_ones(map_cell):
    with pytest.raises(UnknownName, match="Did you mean 'overlay'"):
        grid_png([map_cell()], show="overlya")
