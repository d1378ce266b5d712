"""Axes that make a flat profile look flat, and stages that stand above each other."""

import numpy as np
import pandas as pd
import pytest

from explorer.figures import theme
from explorer.figures.axes import decades
from explorer.figures.layer_axes import decade_note, decade_span, grid, left_out, linear_span, stage_axis, stage_borders


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ((0.5, 2.0), (1e-3, 1e3)),  # flat, around one
        ((2e-5, 3e-5), (1e-8, 1e-2)),  # flat, around 10^-4.6
        ((1.1, 9e5), (1.0, 1e6)),  # just fits
        ((1e-4, 5e5), (1e-4, 1e6)),  # needs more
        ((), (1e-3, 1e3)),
    ],
)
def test_the_span_is_six_whole_decades_around_the_middle_and_more_only_where_needed(values, span):
    assert decade_span(np.array([*values, 0.0, np.inf, np.nan])) == pytest.approx(span)


def test_the_span_of_percent_ends_at_a_hundred():
    assert decade_span(np.array([5.0, 20.0]), 100.0) == pytest.approx((1e-4, 100.0))


def test_the_note_says_the_span():
    assert decade_note((1e-4, 1e4)) == "y axis: 8 decades"


def test_what_an_axis_cannot_show_is_counted():
    values = np.array([1.0, 0.0, 0.0, -1.0, np.inf, np.nan])
    assert left_out(values) == "layers not shown: 2 exactly zero, 1 below zero, 2 infinite or not a number"
    assert left_out(values, log=False) == "layers not shown: 2 infinite or not a number"
    assert left_out(np.array([1.0])) == ""


def test_a_linear_axis_reaches_the_data_and_what_it_always_holds():
    assert linear_span(np.array([0.9, 1.0]), (0.0, 2.0)) == (0.0, 2.0)
    low, high = linear_span(np.array([-1.0, 3.0, np.nan]), (0.0, 2.0))
    assert low < -1 < 3 < high
    assert linear_span(np.array([0.0]), (0.0, 0.0)) == (0.0, 1.0)


def test_stages_begin_between_two_layers_and_have_their_number_in_their_middle():
    """resnet8: stem, three stages of two layers, classifier."""
    layers = pd.DataFrame({"stage": [0, 1, 1, 2, 2, 3, 3, 4], "block": [0, 1, 1, 1, 1, 1, 1, 0]})
    borders = stage_borders(np.arange(1.0, 9.0), layers)
    assert borders == [3.5, 5.5]
    axis = stage_axis([0.3, 0.7], theme.LIGHT)
    assert axis["tickvals"] == pytest.approx([0.15, 0.5, 0.85])
    assert axis["ticktext"] == ["1", "2", "3"]
    assert axis["minor"]["tickvals"] == [0.3, 0.7]


def test_panels_fill_rows_from_the_top_left():
    domains = grid(3, 2, gap=0.1, between=0.2)
    assert [along for along, _ in domains] == [pytest.approx(each) for each in ((0, 0.45), (0.55, 1), (0, 0.45))]
    assert [up for _, up in domains] == [pytest.approx(each) for each in ((0.6, 1), (0.6, 1), (0, 0.4))]


@pytest.mark.parametrize(
    ("low", "high", "inside"),
    [(0.29, 0.66, [0.3, 0.4, 0.5, 0.6]), (0.1, 2, [0.1, 0.2, 0.5, 1, 2]), (1, 1000, [1, 10, 100, 1000])],
)
def test_ticks_are_neither_too_few_nor_too_many(low, high, inside):
    assert [each for each in decades(low, high)["tickvals"] if low <= each <= high] == pytest.approx(inside)


def test_very_many_decades_have_few_short_ticks():
    ticks = decades(1e-12, 1e14)
    assert len(ticks["tickvals"]) <= 10
    assert ticks["ticktext"][0] == "1e−12"
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in ticks["ticktext"]], ticks["tickvals"])
