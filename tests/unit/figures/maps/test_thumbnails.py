"""The contact sheet."""

import numpy as np
import pytest

from explorer.figures import StripImage, image_strip, theme


def pictures(count, **facts):
    return [StripImage(np.full((4, 4, 3), place, np.uint8), f"class {place}", **facts) for place in range(count)]


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def test_every_picture_is_a_field_that_gives_its_position():
    figure = image_strip(pictures(5), columns=3)
    surface = drawn(figure)["pictures"]
    assert [[field and field[0] for field in line] for line in surface.customdata] == [[0, 1, 2], [3, 4, None]]
    assert np.isfinite(surface.z).sum() == 5
    for place, image in enumerate(figure.layout.images):
        row, column = divmod(place, 3)
        assert surface.x[column] < image.x < image.x + image.sizex < surface.x[column + 1]
        assert surface.y[row] < image.y < image.y + image.sizey < surface.y[row + 1]


def test_the_field_cannot_be_seen():
    assert {colour for _, colour in drawn(image_strip(pictures(1)))["pictures"].colorscale} == {theme.CLEAR}


def test_titles_stand_below_with_a_cross_where_wrong():
    figure = image_strip([*pictures(1), *pictures(1, wrong=True)])
    titles, image = drawn(figure)["titles"], figure.layout.images[0]
    assert list(titles.text) == ["class 0", "✗ class 0"]
    assert titles.y[0] > image.y + image.sizey
    assert titles.x[0] == pytest.approx(image.x + image.sizex / 2)


def test_pointing_says_title_and_lines():
    (line,) = drawn(image_strip(pictures(1, hover=("image 17", "says dog")), columns=1))["pictures"].hovertext
    assert line[0] == "<b>class 0</b><br>image 17<br>says dog"


def test_the_selected_picture_has_a_frame_around_it():
    figure = image_strip(pictures(4), selected=2, columns=2)
    ring, image = drawn(figure)["selected"], figure.layout.images[2]
    assert min(ring.x) < image.x < image.x + image.sizex < max(ring.x)
    assert min(ring.y) < image.y < image.y + image.sizey < max(ring.y)
    assert "selected" not in drawn(image_strip(pictures(4)))


def test_letters_are_smaller_where_columns_are_many():
    assert drawn(image_strip(pictures(3)))["titles"].textfont.size == theme.TEXT_SIZE
    assert drawn(image_strip(pictures(3), columns=16))["titles"].textfont.size < theme.TEXT_SIZE


def test_a_height_that_is_given_is_kept():
    figure = image_strip(pictures(30), height=200)
    assert figure.layout.height == 200
    assert figure.layout.yaxis.range[0] == pytest.approx(200)


def test_a_long_title_is_cut():
    long = StripImage(np.zeros((4, 4, 1), np.uint8), "Bernese mountain dog")
    assert drawn(image_strip([long]))["titles"].text[0].endswith("…")


def test_no_pictures_give_an_empty_figure():
    assert [trace.uid for trace in image_strip([]).data] == ["titles"]


def test_a_light_figure_turned_dark_is_the_dark_figure():
    text = image_strip(pictures(2), selected=1).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == image_strip(pictures(2), selected=1, dark=True).to_json()
