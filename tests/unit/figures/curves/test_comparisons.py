"""A forest plot of differences: what a lecture hall must see at once, and what hover says in words."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import gaps, theme

SEEN = ("degradation", "plain56", "plain20", "plain", 56, 5, 0.5, 0.322, 0.178, 0.12, 0.236, 1, "seen", "")
OPEN = ("degradation", "plain32", "plain20", "plain", 32, 5, 0.343, 0.322, 0.021, -0.004, 0.046, 1)
OPEN += ("cannot_tell", "includes_zero")
ALONE = ("residual_depth", "resnet56", "resnet20", "residual", 56, 1, 0.3, 0.31, -0.01, np.nan, np.nan, 1)
ALONE += ("cannot_tell", "one_seed")
REVERSED = ("shortcut", "plain20", "resnet20", "plain", 20, 5, 0.3, 0.32, -0.02, -0.03, -0.01, 1, "reversed", "")
STUCK = ("shortcut", "plain110", "resnet110", "plain", 110, 5, 0.9, 0.89, 0.01, 0.005, 0.015, 1, "not_started", "")
ZERO = ("degradation", "plain20", "plain8", "plain", 20, 3, 0.0002, 0.0, 0.0002, -0.0003, 0.0007, 2)
ZERO += ("cannot_tell", "both_zero")
SMALL = ("degradation", "plain32", "plain8", "plain", 32, 3, 0.0017, 0.0, 0.0017, 0.0002, 0.0032, 2, "seen", "")


def table(*rows):
    return pd.DataFrame([row + (np.nan,) * 4 for row in rows], columns=tables.GAPS)


def texts(figure):
    return [note.text for note in figure.layout.annotations]


def test_a_dot_stands_at_the_gap_in_points_with_its_interval():
    (dot,) = gaps(table(SEEN)).data
    assert dot.x[0] == pytest.approx(17.8)
    assert dot.x[0] + dot.error_x.array[0] == pytest.approx(23.6)
    assert dot.x[0] - dot.error_x.arrayminus[0] == pytest.approx(12.0)
    assert dot.marker.line.color == dot.error_x.color == theme.LIGHT.depth(56)


def test_a_dot_is_filled_where_the_interval_excludes_zero():
    filled = {dot.uid: dot.marker.color != theme.LIGHT.page for dot in gaps(table(SEEN, OPEN, ALONE, REVERSED)).data}
    assert filled == {
        "degradation-plain56-plain20": True,
        "degradation-plain32-plain20": False,
        "residual_depth-resnet56-resnet20": False,
        "shortcut-plain20-resnet20": True,
    }


def test_one_seed_has_no_bar_and_says_so():
    figure = gaps(table(ALONE))
    assert figure.data[0].error_x.array is None
    assert "<b>−1.0</b> one seed" in texts(figure)


def test_text_and_dot_agree_near_zero():
    """One digit would print "0.0 to 0.1" beside an open dot, and "0.0 to 0.3" beside a filled one."""
    figure = gaps(table(ZERO, SMALL))
    assert {"<b>+0.02</b> both at about 0 %", "<b>+0.17</b> [0.02, 0.32]"} <= set(texts(figure))
    assert [dot.marker.color == theme.LIGHT.page for dot in figure.data] == [True, False]


def test_zero_has_no_minus():
    figure = gaps(table(ALONE).assign(gap=-0.00001))
    assert "<b>+0.0</b> one seed" in texts(figure)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (OPEN, "the interval includes zero"),
        (ALONE, "one seed, which gives no interval"),
        (ZERO, "both end at about 0 %"),
    ],
)
def test_hover_says_why_a_row_cannot_tell(row, reason):
    assert reason in gaps(table(row)).data[0].hovertemplate


def test_each_row_says_its_numbers_and_hover_says_them_in_words():
    figure = gaps(table(SEEN, REVERSED))
    assert "<b>+17.8</b> [12.0, 23.6]" in texts(figure)
    assert "<b>−2.0</b> [−3.0, −1.0]" in texts(figure)
    assert "plain56 ends 17.8 points above plain20 in training error" in figure.data[0].hovertemplate
    assert "95 % interval 12.0 to 23.6 points, 5 seeds" in figure.data[0].hovertemplate
    assert "plain20 ends 2.0 points below resnet20" in figure.data[1].hovertemplate


def test_rows_stand_under_their_question_in_the_order_given():
    figure = gaps(table(ALONE, SEEN, REVERSED, OPEN))
    headings = [note for note in figure.layout.annotations if note.font.size == theme.TITLE_SIZE]
    assert [note.text.split(":")[0].removeprefix("<b>") for note in headings] == [
        "Depth with shortcuts",
        "Depth without shortcuts",
        "Shortcuts at equal depth",
    ]
    labels = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert labels == {
        1: "resnet56 − resnet20",
        3: "plain56 − plain20",
        4: "plain32 − plain20",
        6: "plain20 − resnet20",
    }
    assert [note.y for note in headings] == [0, 2, 5]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first stands at the top


def test_weaker_shortcuts_have_a_heading_of_their_own():
    weaker = ("shortcut", "resnet20-alpha0.5", "resnet20", "residual", *REVERSED[4:])
    for rows, words in (((REVERSED,), "plain minus residual"), ((REVERSED, weaker), "without or weaker minus full")):
        assert any(words in text for text in texts(gaps(table(*rows))))


def test_no_difference_is_a_strong_line_in_sight():
    figure = gaps(table(SEEN))
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]
    assert all(shape.x0 == shape.x1 == 0 and shape.line.width >= 3 for shape in figure.layout.shapes)
    assert "no difference" in texts(figure)


def test_noise_does_not_look_large_nor_an_interval_larger_than_an_error_can_be():
    assert gaps(table(ALONE)).layout.xaxis.range[1] >= 5
    wide = table(SEEN).assign(low=-2.0, high=3.0)
    assert gaps(wide).layout.xaxis.range[0] >= -115
    assert gaps(wide).layout.xaxis.range[1] <= 115


def test_a_network_that_has_not_started_is_faded_and_named():
    figure = gaps(table(SEEN, STUCK))
    assert [dot.opacity < 1 for dot in figure.data] == [False, True]
    assert any("not started to train" in text for text in texts(figure))
    assert "faded" in texts(figure)[-1]
    assert "faded" not in texts(gaps(table(SEEN)))[-1]


def test_height_grows_with_the_rows_unless_given():
    assert gaps(table(SEEN, OPEN)).layout.height > gaps(table(SEEN)).layout.height
    assert gaps(table(SEEN), height=300).layout.height == 300


def test_no_comparison_gives_an_axis_to_wait_with():
    figure = gaps(table())
    assert len(figure.data) == 0
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]


def test_letters_are_large_enough_for_a_projector_and_dark_is_dark():
    figure = gaps(table(SEEN, STUCK), dark=True)
    sizes = [note.font.size or figure.layout.font.size for note in figure.layout.annotations]
    assert min([*sizes, figure.layout.xaxis.tickfont.size, figure.layout.yaxis.tickfont.size]) >= 15
    assert not [colour for colour in theme.LIGHT.colours if colour in figure.to_json()]
